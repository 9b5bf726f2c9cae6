//! Packet sources and capture writers.
