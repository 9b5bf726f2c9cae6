//! What happens in a call, as a line of NDJSON.

use crate::agent::invite::Event;
use crate::report::active::milliseconds;
use crate::report::text::Text;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Happened {
    /// `inviting`, `response`, `asking`, `asked`, `request`, `failed`, `ended`
    pub event: &'static str,
    /// Milliseconds from the first INVITE.
    pub at_ms: f64,
    /// Method: of our request for `asking` and `asked`, of theirs for `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Status: of their response, or of our answer to a `request`; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Reason phrase, Request-URI, purpose, or why something failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text<'static>>,
}

/// An event as it is told; `None` for what is only counted.
#[must_use]
pub fn happened(event: &Event, after: Duration) -> Option<Happened> {
    let text = |text: &str| (!text.is_empty()).then(|| Text::from(text.to_owned()));
    let (event, method, status, detail) = match event {
        Event::Ignored => return None,
        Event::Inviting { uri, .. } => ("inviting", None, None, text(uri)),
        Event::Response { status, reason, .. } => {
            ("response", None, Some(*status), Some(Text::new(reason).into_owned()))
        }
        Event::Asking { method, purpose } => ("asking", Some(method.clone()), None, text(purpose)),
        Event::Asked { method, status } => ("asked", Some(method.clone()), *status, None),
        // An ACK has no answer.
        Event::Request { method, status } => {
            ("request", Some(method.clone()), Some(*status).filter(|status| *status > 0), None)
        }
        Event::Failed { error, .. } => ("failed", None, None, text(&error.message)),
        Event::Ended(by) => ("ended", None, None, text(super::build::ended_by(*by))),
    };
    Some(Happened { event, at_ms: milliseconds(after), method, status, detail })
}
