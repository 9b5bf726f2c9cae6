//! Whether sound passed, each way, and how that is known.

use crate::media::hearing::Heard;
use crate::media::session::{MediaReport, ReceivedMedia};

/// Directions in which sound must have passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Both ways.
    Both,
    /// From them to us.
    Receive,
    /// From us to them.
    Send,
    /// Nothing may be heard.
    None,
}

/// What proves that our audio arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// An RTCP report of the other side speaks of our packets. RFC 3550 §6.4.1
    Report,
    /// Our own tone came back.
    OwnTone,
}

impl Proof {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Proof::Report => "report",
            Proof::OwnTone => "own_tone",
        }
    }
}

/// What proves that our audio arrived; `None` where nothing does: not proven is not good.
#[must_use]
pub fn proof(media: &MediaReport) -> Option<Proof> {
    let arrived = |lost: i32| i64::from(lost) < i64::try_from(media.sent.packets).unwrap_or(i64::MAX);
    match (media.received.heard, media.sent.peer) {
        (Heard::Own { .. }, _) => Some(Proof::OwnTone),
        (_, Some(peer)) if media.sent.packets > 0 && arrived(peer.lost) && peer.fraction_lost < u8::MAX => {
            Some(Proof::Report)
        }
        _ => None,
    }
}

/// Why the sound that passed is not what was expected, and what to do; `None` where it is.
///
/// `may_send`: whether offer and answer let us send.
pub(super) fn unheard(
    wanted: Direction,
    media: Option<&MediaReport>,
    may_send: bool,
) -> Option<(String, &'static str)> {
    let Some(media) = media else {
        let none = wanted == Direction::None;
        return (!none).then(|| ("no media was ever opened".to_owned(), ""));
    };
    let is_audio = media.received.heard.is_audio();
    match wanted {
        Direction::None => is_audio.then(|| (format!("{}, and nothing was expected", heard(&media.received)), "")),
        Direction::Receive => (!is_audio).then(|| silent(&media.received)),
        Direction::Send => unproven(media, may_send),
        Direction::Both => match (is_audio, unproven(media, may_send)) {
            (true, why) => why,
            (false, None) => Some(silent(&media.received)),
            (false, Some((sent, _))) => {
                let (received, hint) = silent(&media.received);
                Some((format!("{received}; {sent}"), hint))
            }
        },
    }
}

fn silent(received: &ReceivedMedia) -> (String, &'static str) {
    let hint = match received.heard {
        Heard::Nothing if received.unopened > 0 => "the other side protects with another key than its description says",
        Heard::Nothing if received.undescribed > 0 => {
            "look at the payload types of both descriptions: --ladder shows them"
        }
        Heard::Nothing if received.statistics.is_none() => {
            "a firewall or NAT on the way of media, or an address in a description that cannot be reached: --ladder shows both"
        }
        Heard::Silence => {
            "the other side sends silence: a muted or absent source, or a call that was connected to nothing"
        }
        _ => "",
    };
    (heard(received), hint)
}

fn unproven(media: &MediaReport, may_send: bool) -> Option<(String, &'static str)> {
    if proof(media).is_some() {
        return None;
    }
    Some(match (media.sent.packets, media.sent.peer) {
        (0, _) if may_send => ("nothing was sent: the call was too short".to_owned(), "--duration makes it longer"),
        (0, _) => ("nothing was sent: the other side wants no audio".to_owned(), "is it on hold, or inactive?"),
        (_, Some(_)) => (
            "the other side reports that all we sent was lost".to_owned(),
            "a firewall or NAT on the way of media to them",
        ),
        (_, None) => (
            "nobody says whether our audio arrived: no RTCP report came, and our tone did not come back".to_owned(),
            "RTCP reports come every five seconds or so: --duration 10s gives them time; an echo service proves it without them",
        ),
    })
}

/// What was heard, in words.
pub(super) fn heard(received: &ReceivedMedia) -> String {
    match received.heard {
        Heard::Nothing if received.unopened > 0 => {
            format!("{} packets came that our key does not open", received.unopened)
        }
        Heard::Nothing if received.undescribed > 0 => {
            format!("no audio was heard: {} packets came that nobody agreed on", received.undescribed)
        }
        Heard::Nothing if received.statistics.is_none() => "no audio was received: no RTP packet came".to_owned(),
        Heard::Nothing => "no audio was heard".to_owned(),
        Heard::Silence => "silence was heard".to_owned(),
        Heard::ComfortNoise => "comfort noise was heard, no audio".to_owned(),
        Heard::Own { delay_ms: Some(delay) } => format!("our own tone came back after {delay:.0} ms"),
        Heard::Own { delay_ms: None } => "our own tone came back".to_owned(),
        Heard::Mark { .. } => "the mark of another sipctl was heard".to_owned(),
        Heard::Audio => "audio was heard".to_owned(),
    }
}
