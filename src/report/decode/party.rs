//! Who takes part in a call, and the legs between them.

use crate::report::text::Text;
use schemars::JsonSchema;
use serde::Serialize;

/// From or To of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Party {
    /// The URI.
    pub uri: Option<Text<'static>>,
    /// The display name, quotes removed.
    pub display: Option<Text<'static>>,
    /// The tag.
    pub tag: Option<Text<'static>>,
}

/// One address that takes part in a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Participant {
    /// 1, 2, … from left to right in the ladder.
    pub id: u32,
    /// `192.0.2.1:5060`; several joined by a comma where one host uses more than one port.
    pub address: String,
    /// `uac`, `uas`, `registrar`, `redirect`, `proxy`, `b2bua`, `sbc`; absent while unknown.
    pub role: Option<String>,
    /// Of a proxy: whether it put itself into the route of what follows (Record-Route).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_routing: Option<bool>,
    /// Of a proxy: whether it keeps transactions; absent where nothing shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stateful: Option<bool>,
    /// Why that role.
    pub evidence: Vec<String>,
    /// From User-Agent or Server.
    pub software: Option<Text<'static>>,
}

/// One dialog (or dialog attempt) of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Leg {
    /// Its Call-ID.
    pub call_id: Text<'static>,
    /// Tag of the caller's side.
    pub from_tag: Option<Text<'static>>,
    /// Tag of the called side; absent before it is known.
    pub to_tag: Option<Text<'static>>,
    /// `trying`, `early`, `confirmed`, `terminated`.
    pub state: &'static str,
    /// What ties it to another Call-ID of the same call; absent where it begins the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<Join>,
}

/// Why a leg counts as part of a call that began under another Call-ID.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Join {
    /// Call-ID of the leg that it follows.
    pub call_id: Text<'static>,
    /// Sum of the weights of the evidence; legs are joined from 80 on.
    pub score: u16,
    /// The evidence, gravest first.
    pub evidence: Vec<JoinEvidence>,
}

/// One thing that ties two legs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct JoinEvidence {
    /// `session_id`, `sdp_origin`, `same_host` …
    pub kind: &'static str,
    /// What it counts for; 0 where it was seen after the legs had been joined.
    pub weight: u16,
    /// In words.
    pub detail: String,
}
