//! RTCP: what the two ends told each other about the quality of what they received. RFC 3550 §6, RFC 3611
//!
//! The walk over a compound packet is ours, since a cut or encrypted one must give what is readable of it; each packet in it
//! is read by `rtcp-types`.

pub mod compose;

use rtcp_types::{Bye, ReceiverReport, ReportBlock, RtcpPacketParser, SdesItem, SenderReport};
use smallvec::SmallVec;

use crate::base::Cursor;

/// Packets read of one compound packet; more are counted.
const MAX_PACKETS: usize = 32;
/// Reports and leaving sources kept of one compound packet.
const MAX_REPORTS: usize = 64;

/// One reception report block. RFC 3550 §6.4.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// Who reports.
    pub reporter: u32,
    /// The source reported on.
    pub ssrc: u32,
    /// Loss since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; negative where duplicates outnumber the losses.
    pub cumulative_lost: i32,
    /// Extended highest sequence number received.
    pub highest_sequence: u32,
    /// Interarrival jitter in units of the RTP clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP timestamp of the last sender report; 0 if there was none.
    pub last_sender_report: u32,
    /// Delay since then in 65536ths of a second.
    pub delay_since_last: u32,
}

/// What a sender says of itself. RFC 3550 §6.4.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderInfo {
    /// The sender.
    pub ssrc: u32,
    /// Wall clock as a 64-bit NTP timestamp.
    pub ntp_timestamp: u64,
    /// The same instant in units of the RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Bytes of payload sent.
    pub octets: u32,
}

/// The VoIP metrics block of an extended report. RFC 3611 §4.7
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VoipMetrics {
    /// The source reported on.
    pub ssrc: u32,
    /// Packets lost, in 256ths.
    pub loss_rate: u8,
    /// Packets discarded by the jitter buffer, in 256ths.
    pub discard_rate: u8,
    /// Round trip in ms.
    pub round_trip_ms: u16,
    /// Delay within the end system in ms.
    pub end_system_delay_ms: u16,
    /// R factor, 0 to 100; `None` where it is not told.
    pub r_factor: Option<u8>,
    /// Listening quality in tenths, 10 to 50; `None` where it is not told.
    pub mos_lq_tenths: Option<u8>,
    /// Conversational quality in tenths, 10 to 50; `None` where it is not told.
    pub mos_cq_tenths: Option<u8>,
}

/// How far a compound packet could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Extent {
    /// To its end.
    #[default]
    Whole,
    /// The last packet announces more bytes than there are.
    Cut,
    /// After the first header nothing makes sense: SRTCP, whose contents are encrypted (RFC 3711 §3.4). No reports are given.
    Protected,
}

/// The contents of one compound packet.
#[derive(Clone, Debug, Default)]
pub struct Compound<'a> {
    /// Source of the first packet: in the clear even in SRTCP.
    pub ssrc: u32,
    /// Reception reports of sender and receiver reports, in order.
    pub reports: SmallVec<[Report; 2]>,
    /// What the first sender report says of its sender.
    pub sender: Option<SenderInfo>,
    /// The first canonical name.
    pub cname: Option<&'a [u8]>,
    /// Sources that leave.
    pub leaving: SmallVec<[u32; 2]>,
    /// The first VoIP metrics block.
    pub voip_metrics: Option<VoipMetrics>,
    /// Packets in it, those of types that are not read here among them.
    pub packets: u32,
    /// Whether all of it could be read.
    pub extent: Extent,
}

/// Reads a compound packet; `None` where the bytes do not begin with an RTCP header and a source.
///
/// A packet whose contents contradict its own length is passed over, and the ones after it are read.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Compound<'_>> {
    header(bytes)?;
    let &[ssrc] = bytes.get(4..8)?.as_chunks::<4>().0 else { return None };
    let mut cursor = Cursor::new(bytes);
    let mut compound = Compound { ssrc: u32::from_be_bytes(ssrc), ..Compound::default() };
    while !cursor.rest().is_empty() {
        let Some((kind, length)) = header(cursor.rest()) else {
            compound.protect();
            break;
        };
        let Some(packet) = cursor.take(length) else {
            compound.extent = Extent::Cut;
            break;
        };
        compound.packets += 1;
        if compound.packets as usize <= MAX_PACKETS {
            compound.read(kind, packet);
        }
    }
    Some(compound)
}

/// Packet type and length in bytes, of version 2 and a registered type.
fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[first, kind, l0, l1] = bytes.first_chunk::<4>()?;
    let length = (usize::from(u16::from_be_bytes([l0, l1])) + 1) * 4;
    // RFC 5761 §4 gives the range that no RTP payload type with a marker falls into.
    (first >> 6 == 2 && (192..=223).contains(&kind)).then_some((kind, length))
}

impl<'a> Compound<'a> {
    /// Forgets what was taken for contents: it was ciphertext.
    fn protect(&mut self) {
        *self = Compound { ssrc: self.ssrc, packets: self.packets, extent: Extent::Protected, ..Compound::default() };
    }

    fn read(&mut self, kind: u8, packet: &'a [u8]) {
        match kind {
            200 => {
                let Ok(report) = SenderReport::parse(packet) else { return };
                self.sender.get_or_insert(SenderInfo {
                    ssrc: report.ssrc(),
                    ntp_timestamp: report.ntp_timestamp(),
                    rtp_timestamp: report.rtp_timestamp(),
                    packets: report.packet_count(),
                    octets: report.octet_count(),
                });
                self.keep_reports(report.ssrc(), report.report_blocks());
            }
            201 => {
                let Ok(report) = ReceiverReport::parse(packet) else { return };
                self.keep_reports(report.ssrc(), report.report_blocks());
            }
            202 if self.cname.is_none() => self.cname = canonical_name(packet),
            203 => {
                let Ok(bye) = Bye::parse(packet) else { return };
                let room = MAX_REPORTS.saturating_sub(self.leaving.len());
                self.leaving.extend(bye.ssrcs().take(room));
            }
            207 if self.voip_metrics.is_none() => self.voip_metrics = voip_metrics(packet),
            _ => {}
        }
    }

    fn keep_reports(&mut self, reporter: u32, blocks: impl Iterator<Item = ReportBlock<'a>>) {
        let room = MAX_REPORTS.saturating_sub(self.reports.len());
        self.reports.extend(blocks.take(room).map(|block| Report {
            reporter,
            ssrc: block.ssrc(),
            fraction_lost: block.fraction_lost(),
            // 24 bits with sign; the library gives them without.
            cumulative_lost: (block.cumulative_lost() << 8) as i32 >> 8,
            highest_sequence: block.extended_sequence_number(),
            jitter: block.interarrival_jitter(),
            last_sender_report: block.last_sender_report_timestamp(),
            delay_since_last: block.delay_since_last_sender_report_timestamp(),
        }));
    }
}

/// The canonical name in the first chunk that has one. RFC 3550 §6.5.1
///
/// Read by hand: the library refuses chunks whose items end on a four-byte boundary, and its items do not outlive its view.
fn canonical_name(packet: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(packet);
    cursor.skip(4)?;
    while cursor.u32().is_some() {
        loop {
            let kind = cursor.u8()?;
            if kind == 0 {
                break;
            }
            let length = cursor.u8()?;
            let value = cursor.take(usize::from(length))?;
            if kind == SdesItem::CNAME {
                return Some(value);
            }
        }
        // A chunk ends at a multiple of four bytes, the zero above among them.
        cursor.skip(cursor.rest().len() % 4)?;
    }
    None
}

/// The first VoIP metrics block of an extended report. RFC 3611 §3, §4.7
fn voip_metrics(packet: &[u8]) -> Option<VoipMetrics> {
    let mut blocks = Cursor::new(packet);
    blocks.skip(8)?;
    loop {
        let (kind, _specific, words) = (blocks.u8()?, blocks.u8()?, blocks.u16()?);
        let mut block = Cursor::new(blocks.take(usize::from(words) * 4)?);
        if kind != 7 || words < 8 {
            continue;
        }
        let (ssrc, loss_rate, discard_rate) = (block.u32()?, block.u8()?, block.u8()?);
        // Burst and gap: densities, and durations.
        block.skip(2 + 4)?;
        let (round_trip_ms, end_system_delay_ms) = (block.u16()?, block.u16()?);
        // Signal level, noise level, residual echo, and the smallest length of a gap.
        block.skip(4)?;
        // 127 says that a value is not known.
        let mut told = || block.u8().filter(|&value| value != 127);
        let (r_factor, _external, mos_lq_tenths, mos_cq_tenths) = (told(), told(), told(), told());
        return Some(VoipMetrics {
            ssrc,
            loss_rate,
            discard_rate,
            round_trip_ms,
            end_system_delay_ms,
            r_factor,
            mos_lq_tenths,
            mos_cq_tenths,
        });
    }
}

#[cfg(test)]
mod tests;
