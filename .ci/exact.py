#!/usr/bin/env python3
"""Holds what was decoded from a generated capture against what its generator says it wrote: every count has to be exact.

    exact.py WRITTEN.json FOUND.json
"""
import json
import sys


def main():
    with open(sys.argv[1]) as file:
        written = json.load(file)
    with open(sys.argv[2]) as file:
        found = json.load(file)["summary"]
    pairs = [
        ("packets", written["packets"], found["packets"]),
        ("messages", written["messages"], found["messages"]),
        ("calls", written["calls"], found["calls"]),
        ("registrations", written["registers"], found["registrations"]),
        ("exchanges", written["options"], found["exchanges"]),
        ("RTP packets", written["rtp_packets"], found["rtp_packets"]),
        ("requests", written["methods"], found["requests"]),
        ("responses", written["statuses"], found["responses"]),
        ("malformed", 0, found["malformed"]),
        ("not decoded", {}, found["undecoded"]),
    ]
    wrong = ["%s: %s were written, %s were found" % pair for pair in pairs if pair[1] != pair[2]]
    print("\n".join(wrong) or "%d messages, %d RTP packets: exact" % (found["messages"], found["rtp_packets"]))
    sys.exit(1 if wrong else 0)


main()
