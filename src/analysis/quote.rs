//! Which bytes of a message prove a finding, as a rule names them.
//!
//! A rule judges what was kept of a message, which is not the message. It says which part of which message it quotes; [`super::Recall`], which
//! remembers the latest messages whole, says where that part stands.

use crate::sip::HeaderName;

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What it calls itself: the method of a request, status code and reason phrase of a response.
    Name,
    /// The Request-URI.
    RequestUri,
    /// The tag of From; the whole value where there is none.
    FromTag,
    /// The tag of To; the whole value where there is none.
    ToTag,
    /// The value of CSeq.
    CSeq,
    /// These bytes in the first value of a header field that holds them; the first value where they are empty.
    Field(HeaderName, Vec<u8>),
    /// The first line of the body that begins with these bytes.
    BodyLine(Vec<u8>),
}

impl Part {
    /// The first value of a header field.
    #[must_use]
    pub fn first(name: HeaderName) -> Part {
        Part::Field(name, Vec::new())
    }

    /// `text` in a value of a header field.
    #[must_use]
    pub fn text_in(name: HeaderName, text: &[u8]) -> Part {
        Part::Field(name, text.trim_ascii().to_vec())
    }
}

/// A part of a message that proves a finding, with what is said under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Position of the message in the conversation.
    pub position: u32,
    /// Which part.
    pub part: Part,
    /// What is said of it.
    pub label: String,
}
