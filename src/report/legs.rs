//! Who takes part in a conversation, and the legs of a call with what ties them.

use super::decode::{Join, JoinEvidence, Leg, Participant};
use super::text::Text;
use crate::analysis::roles;
use crate::base::Endpoint;
use crate::trace::Conversation;
use crate::trace::dialog::{self, Dialog, DialogState};
use crate::trace::join::{Evidence, Link};
use crate::trace::path::Path;

/// Ports named beside the first of a participant.
const OTHER_PORTS: usize = 3;

fn owned(bytes: &[u8]) -> Option<Text<'static>> {
    (!bytes.is_empty()).then(|| Text::new(bytes).into_owned())
}

/// The participants, in the order of the path.
#[must_use]
pub fn participants(c: &Conversation) -> Vec<Participant> {
    let path = Path::of(c);
    let told = roles::participants(c, &path).into_iter().zip(1..).enumerate();
    let address = |at: usize, own: Endpoint| {
        let ports = path.other_ports(at).take(OTHER_PORTS).map(|other| format!(",{}", other.port));
        ports.fold(own.to_string(), |all, port| all + &port)
    };
    told.map(|(at, (p, id))| Participant {
        id,
        address: address(at, p.address),
        role: p.role.map(|r| r.as_str().to_owned()),
        record_routing: p.record_routes,
        stateful: p.stateful,
        evidence: p.evidence,
        software: p.software.map(|s| Text(s.into())),
    })
    .collect()
}

/// The legs of a call that `dialogs` describe.
#[must_use]
pub fn legs(c: &Conversation, dialogs: &[Dialog]) -> Vec<Leg> {
    dialogs.iter().map(|d| leg(c, d)).collect()
}

fn leg(c: &Conversation, d: &dialog::Dialog) -> Leg {
    let joined = c.joined.as_ref().and_then(|joined| joined.legs.get(d.leg));
    Leg {
        call_id: Text::new(c.text(joined.map_or(c.call_id, |leg| leg.call_id))).into_owned(),
        from_tag: owned(c.text(d.from_tag)),
        to_tag: owned(c.text(d.to_tag)),
        state: match d.state {
            DialogState::Trying => "trying",
            DialogState::Early => "early",
            DialogState::Confirmed => "confirmed",
            DialogState::Terminated => "terminated",
        },
        joined: joined.and_then(|leg| leg.link.as_ref()).map(|link| join(c, link)),
    }
}

/// What ties a leg to the one that it follows.
fn join(c: &Conversation, link: &Link) -> Join {
    let to = c.joined.as_ref().and_then(|joined| joined.legs.get(link.to)).map_or(c.call_id, |leg| leg.call_id);
    let told = link.evidence.iter().map(|&evidence| {
        let (kind, detail) = words(evidence);
        JoinEvidence { kind, weight: evidence.weight(), detail }
    });
    Join { call_id: Text::new(c.text(to)).into_owned(), score: link.score, evidence: told.collect() }
}

/// The word of the JSON for a piece of evidence, and what a person reads.
fn words(evidence: Evidence) -> (&'static str, String) {
    let (kind, detail) = match evidence {
        Evidence::SessionId => ("session_id", "same Session-ID"),
        Evidence::NamesCallId(field) => return ("call_id_named", format!("{field} gives the Call-ID")),
        Evidence::SharesValue(field) => return ("shared_value", format!("same {field}")),
        Evidence::CallIdDerived => ("call_id_derived", "Call-ID made from the other"),
        Evidence::ChargingVector => ("charging_vector", "same icid-value"),
        Evidence::Replaces => ("replaces", "Replaces gives the Call-ID"),
        Evidence::ReplacesAsAsked => ("replaces_as_asked", "Replaces gives the Call-ID that REFER named"),
        Evidence::Join => ("join", "Join gives the Call-ID"),
        Evidence::Refer => ("refer", "asked for by REFER"),
        Evidence::Origin => ("sdp_origin", "same SDP origin"),
        Evidence::Media => ("media_address", "same media address"),
        Evidence::SameSocket => ("same_socket", "sent from where the other INVITE came in"),
        Evidence::SameHost => ("same_host", "sent from the host where the other INVITE came in"),
        Evidence::AtOnce => ("at_once", "within half a second"),
        Evidence::SoonAfter => ("soon_after", "within two seconds"),
        Evidence::Called => ("called", "same number called"),
        Evidence::Caller => ("caller", "same caller"),
        Evidence::Diverted => ("diverted", "diverted from the number called"),
        Evidence::Waiting => ("waiting", "while the other waited for its answer"),
        Evidence::AnsweredTogether => ("answered_together", "answered together"),
        Evidence::EndedTogether => ("ended_together", "ended together"),
    };
    (kind, detail.to_owned())
}
