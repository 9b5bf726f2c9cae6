//! What a trial call did, and what came of it: plain facts with their instants, which `report` judges.

use crate::agent::{Answered, Attempt};
use crate::digest::Challenge;
use crate::media::negotiator::{Agreed, Unacceptable};
use crate::transport::TransportError;
use std::time::Instant;

/// An INVITE to one place, with all its transactions there (one more for each challenge).
#[derive(Clone, PartialEq, Debug)]
pub struct Try {
    /// Request-URI.
    pub uri: String,
    /// The way that it went.
    pub way: super::WayId,
    /// The candidate of the plan; `None` where a redirection led elsewhere.
    pub candidate: Option<usize>,
    /// Its transactions.
    pub attempts: Vec<Attempt>,
    /// Status of the final response; `None` where none came.
    pub status: Option<u16>,
    /// Why the way was no good.
    pub error: Option<TransportError>,
}

/// A dialog that our INVITE made, early or confirmed: more than one where a proxy forked.
#[derive(Clone, PartialEq, Debug)]
pub struct Fork {
    /// To tag.
    pub tag: Vec<u8>,
    /// URI of its Contact, where it had one.
    pub contact: Vec<u8>,
    /// Server, or User-Agent, of who answered.
    pub software: Vec<u8>,
    /// The statuses that it sent, repeats left out, with their instants.
    pub responses: Vec<(Instant, u16)>,
    /// Reliable provisional responses that were acknowledged by PRACK.
    pub pracked: u32,
    /// When an early session was agreed on (early media). RFC 3960
    pub early_media: Option<Instant>,
    /// When its 2xx came.
    pub answered: Option<Instant>,
    /// Whether it is the call that was kept; a further 2xx is ACKed and ended at once. RFC 3261 §13.2.2.4
    pub is_kept: bool,
    /// Status of the answer to our BYE; `None` where we sent none or none came.
    pub bye_status: Option<u16>,
}

/// Who ended the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndedBy {
    /// Our BYE, as planned.
    Us,
    /// Their BYE.
    Them,
    /// Our CANCEL.
    Cancel,
    /// A final response that is no 2xx.
    Refusal,
    /// Nobody answered in time.
    Timeout,
    /// There was no way to them, or it broke.
    Transport,
    /// The session timer: no refresh came. RFC 4028 §10
    SessionTimer,
    /// What they answered cannot be used ([`Record::problems`] says why): acknowledged, then ended by our BYE.
    Unusable,
    /// Somebody wished to stop.
    Stop,
}

/// What became of our CANCEL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancelled {
    /// When it was sent first.
    pub at: Instant,
    /// Status of its answer.
    pub status: Option<u16>,
    /// Final status of the INVITE that it cancelled: 487 as a rule, 2xx where the answer crossed it.
    pub invite_status: Option<u16>,
}

/// A request inside the dialog other than ACK and BYE, of either side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inside {
    /// Method.
    pub method: String,
    /// What for, where it is ours: `hold`, `resume`, `session refresh`, `DTMF 5`.
    pub purpose: String,
    /// Whether we sent it.
    pub is_ours: bool,
    /// When.
    pub at: Instant,
    /// The final status that answered it; `None` where none did.
    pub status: Option<u16>,
}

/// Who offered in the exchange that made the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offered {
    /// We did.
    Us,
    /// They did (a late offer).
    Them,
}

/// A REFER that came: where it asks us to call. It is refused with 603, since a trial call calls nobody else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// URI of Refer-To, as it came.
    pub to: Vec<u8>,
}

/// Something that went wrong without ending the call at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Offer and answer came to nothing.
    Media(Unacceptable),
    /// A 2xx without a Contact that could be used: the ACK went to the Request-URI.
    NoContact,
    /// No ports could be bound for media.
    NoPorts,
    /// A redirection to where we were already: it was not followed.
    RedirectLoop(Vec<u8>),
    /// More redirections than are followed.
    TooManyRedirects,
    /// A redirection that names nobody whom we can call (no Contact, or none with a SIP URI).
    NoRedirectTarget,
    /// Our BYE was refused, or nobody answered it.
    Bye(Option<u16>),
    /// There was no way to that URI, the next hop of a dialog, or nobody answered there: what belongs there went by the way of the
    /// INVITE.
    NoWay(String),
    /// A request of ours inside the dialog, of that method, was answered with 481 or 408, or not at all: the other side knows the call
    /// no more, and it was ended. RFC 3261 §12.2.1.2
    Gone(String, Option<u16>),
    /// A response demanded an extension that we have not. RFC 3261 §8.1.3.6
    BadExtension(Vec<u8>),
    /// More early dialogs than are followed.
    TooManyForks,
}

/// What a trial call did, and what came of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Record {
    /// The INVITEs, in order.
    pub tries: Vec<Try>,
    /// The Call-ID of the last of them, and our tag.
    pub call_id: String,
    /// When the first INVITE went out.
    pub began: Option<Instant>,
    /// When the first 100 came; where none came, the first other provisional response.
    pub trying: Option<Instant>,
    /// When the first 180 to 189 came that is no 100.
    pub ringing: Option<Instant>,
    /// When the 2xx of the call came that was kept.
    pub answered: Option<Instant>,
    /// When its ACK went out first.
    pub acknowledged: Option<Instant>,
    /// When the call was over: the first BYE of either side, the refusal, the end of waiting.
    pub ended: Option<Instant>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// The final response that counted: status, reason phrase, and all of it.
    pub last_response: Option<(u16, Vec<u8>, Vec<u8>)>,
    /// The dialogs.
    pub forks: Vec<Fork>,
    /// Contacts that redirections named, in the order in which they are tried.
    pub redirects: Vec<String>,
    /// Challenges that were answered, each realm's last, with whether a proxy asked.
    pub challenges: Vec<(Challenge, bool)>,
    /// Why a challenge could not be met.
    pub refused: Option<Answered>,
    /// What was agreed on last.
    pub agreed: Option<Agreed>,
    /// Who offered.
    pub offered: Option<Offered>,
    /// Our last SDP that was sent, and theirs that came last: as they stood in the bodies.
    pub local_sdp: Vec<u8>,
    /// See `local_sdp`.
    pub remote_sdp: Vec<u8>,
    /// What became of our CANCEL.
    pub cancelled: Option<Cancelled>,
    /// Requests inside the dialog.
    pub inside: Vec<Inside>,
    /// REFERs that came.
    pub transfers: Vec<Transfer>,
    /// Seconds of the session timer that was agreed on, and whether we refresh. RFC 4028
    pub session_timer: Option<(u32, bool)>,
    /// Their Reason header field in the BYE (or CANCEL) that ended the call. RFC 3326
    pub reason: Option<Vec<u8>>,
    /// What went wrong on the way.
    pub problems: Vec<Problem>,
    /// Whether a call may be left up: a BYE that got no answer, a stop that had to cut cleaning up short.
    pub may_be_up: bool,
    /// Messages that were not ours.
    pub ignored: u64,
}
