//! What is to be asked inside a dialog.

use crate::agent::Draft;
use crate::media::Negotiator;
use crate::media::sdp::Direction;
use crate::sip::HeaderName;

/// A request that is to go out inside a dialog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// For the 2xx to the INVITE (or re-INVITE) with that CSeq number: its credentials, and the answer to a late offer.
    Ack {
        /// CSeq number.
        cseq: u32,
        /// The credentials of the INVITE. RFC 3261 §13.2.2.4
        credentials: Vec<(HeaderName, String)>,
        /// The answer to a late offer; empty for none.
        body: Vec<u8>,
    },
    /// For a reliable provisional response. RFC 3262 §4
    Prack {
        /// Value of RAck.
        rack: String,
        /// The answer to a late offer; empty for none.
        body: Vec<u8>,
    },
    /// A re-INVITE that puts the other side on hold. RFC 3264 §8.4
    Hold,
    /// A re-INVITE that takes it back.
    Resume,
    /// A refresh of the session. RFC 4028 §10
    Refresh,
    /// A digit as INFO.
    Digit(char),
    /// The end.
    Bye,
}

impl Wish {
    pub(super) fn method(&self, takes_update: bool) -> &'static str {
        match self {
            Wish::Ack { .. } => "ACK",
            Wish::Prack { .. } => "PRACK",
            Wish::Refresh if takes_update => "UPDATE",
            Wish::Hold | Wish::Resume | Wish::Refresh => "INVITE",
            Wish::Digit(_) => "INFO",
            Wish::Bye => "BYE",
        }
    }

    pub(super) fn purpose(&self) -> String {
        match self {
            Wish::Ack { .. } | Wish::Prack { .. } | Wish::Bye => String::new(),
            Wish::Hold => "hold".to_owned(),
            Wish::Resume => "resume".to_owned(),
            Wish::Refresh => "session refresh".to_owned(),
            Wish::Digit(digit) => format!("DTMF {digit}"),
        }
    }

    /// Puts into a request what it says beside what every request says. `false` where it cannot be said.
    pub(super) fn fill(&self, draft: &mut Draft, negotiator: Option<&mut Negotiator>) -> bool {
        match self {
            Wish::Prack { rack, body } => {
                draft.fields.push((HeaderName::RAck, rack.clone()));
                draft.body.clone_from(body);
            }
            Wish::Digit(digit) => {
                draft.content_type = "application/dtmf-relay".to_owned();
                draft.body = format!("Signal={digit}\r\nDuration=160\r\n").into_bytes();
            }
            Wish::Hold | Wish::Resume | Wish::Refresh if draft.method == "INVITE" => {
                let Some(negotiator) = negotiator else { return false };
                match self {
                    Wish::Hold => negotiator.set_direction(Direction::SendOnly),
                    Wish::Resume => negotiator.set_direction(Direction::SendRecv),
                    _ => {}
                }
                draft.body = negotiator.offer();
            }
            _ => {}
        }
        if draft.content_type.is_empty() && !draft.body.is_empty() {
            draft.content_type = "application/sdp".to_owned();
        }
        true
    }
}
