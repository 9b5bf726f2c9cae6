//! The reports that we send. RFC 3550 §6.4, §6.5, §6.6

use super::SenderInfo;
use rtcp_types::{
    Bye, CompoundBuilder, ReceiverReport, ReportBlock, RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem, SenderReport,
};

/// Room for the largest packet made here: two reports with a block each, a name and a leave.
const ROOM: usize = 256;

/// What is told about a source that is received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// The source.
    pub ssrc: u32,
    /// Loss since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning: never below zero here.
    pub cumulative_lost: u32,
    /// Extended highest sequence number received.
    pub highest_sequence: u32,
    /// Interarrival jitter in units of the RTP clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP timestamp of the last sender report; 0 if there was none.
    pub last_sender_report: u32,
    /// Delay since then in 65536ths of a second.
    pub delay_since_last: u32,
}

/// Writes a compound packet into `out` (emptied first): a sender report where we have sent, else a receiver report; the
/// canonical name; and the leave, if it is the last.
pub fn write(
    ssrc: u32,
    sender: Option<&SenderInfo>,
    block: Option<&Block>,
    cname: &str,
    is_last: bool,
    out: &mut Vec<u8>,
) {
    let block = block.map(|b| {
        ReportBlock::builder(b.ssrc)
            .fraction_lost(b.fraction_lost)
            // 24 bits with sign.
            .cumulative_lost(b.cumulative_lost.min(0x7f_ffff))
            .extended_sequence_number(b.highest_sequence)
            .interarrival_jitter(b.jitter)
            .last_sender_report_timestamp(b.last_sender_report)
            .delay_since_last_sender_report_timestamp(b.delay_since_last)
    });
    let mut compound = CompoundBuilder::default();
    compound = match sender {
        Some(info) => {
            let report = SenderReport::builder(ssrc)
                .ntp_timestamp(info.ntp_timestamp)
                .rtp_timestamp(info.rtp_timestamp)
                .packet_count(info.packets)
                .octet_count(info.octets);
            compound.add_packet(block.into_iter().fold(report, |report, block| report.add_report_block(block)))
        }
        None => {
            let report = ReceiverReport::builder(ssrc);
            compound.add_packet(block.into_iter().fold(report, |report, block| report.add_report_block(block)))
        }
    };
    let name = SdesChunk::builder(ssrc).add_item_owned(SdesItem::builder(SdesItem::CNAME, cname));
    compound = compound.add_packet(Sdes::builder().add_chunk(name));
    if is_last {
        compound = compound.add_packet(Bye::builder().add_source(ssrc));
    }
    out.clear();
    out.resize(ROOM, 0);
    let written = compound.write_into(out).unwrap_or(0);
    out.truncate(written);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtcp::parse;
    use crate::media::rtp::looks_like_rtcp;

    const BLOCK: Block = Block {
        ssrc: 9,
        fraction_lost: 64,
        cumulative_lost: 3,
        highest_sequence: 70_000,
        jitter: 12,
        last_sender_report: 0x1234_5678,
        delay_since_last: 65_536,
    };

    #[test]
    fn a_sender_report_with_block_name_and_leave_is_read_back() {
        let info =
            SenderInfo { ssrc: 7, ntp_timestamp: 0xe000_0000_8000_0000, rtp_timestamp: 5, packets: 6, octets: 960 };
        // Names of all lengths: the chunk is padded differently each time.
        for name in ["a", "ab", "abc", "abcd", "0123456789abcdef"] {
            let mut out = Vec::new();
            write(7, Some(&info), Some(&BLOCK), name, true, &mut out);
            assert!(looks_like_rtcp(&out) && out.len() % 4 == 0, "{name}");
            let compound = parse(&out).unwrap();
            assert_eq!((compound.sender, compound.cname, compound.packets), (Some(info), Some(name.as_bytes()), 3));
            assert_eq!(compound.leaving.as_slice(), [7]);
            let report = compound.reports[0];
            assert_eq!((report.reporter, report.ssrc, report.fraction_lost, report.cumulative_lost), (7, 9, 64, 3));
            assert_eq!((report.highest_sequence, report.jitter), (70_000, 12));
            assert_eq!((report.last_sender_report, report.delay_since_last), (0x1234_5678, 65_536));
        }
    }

    #[test]
    fn who_has_not_sent_reports_as_a_receiver() {
        let mut out = Vec::new();
        write(7, None, None, "x", false, &mut out);
        assert_eq!(out[1], 201);
        let compound = parse(&out).unwrap();
        assert!(compound.sender.is_none() && compound.reports.is_empty() && compound.leaving.is_empty());
        write(7, None, Some(&BLOCK), "x", false, &mut out);
        assert_eq!(parse(&out).unwrap().reports.len(), 1);
    }
}
