//! Final responses that refuse a call. RFC 3261 §13.3.1.3

use super::{Call, State};
use crate::driver::endpoint::uas::Refusal;
use crate::driver::endpoint::uas::calls::Out;
use crate::sip::HeaderName;

impl Call {
    /// Refuses what is not answered yet.
    pub(in crate::driver::endpoint::uas) fn refuse(
        &mut self,
        status: u16,
        fields: &[(HeaderName, String)],
        out: &mut Out,
    ) {
        if !matches!(self.state, State::Opening | State::Waiting) {
            return;
        }
        let bytes = self.response(status, |_, reply| {
            for (name, value) in fields {
                reply.field(*name, value);
            }
            reply.finish();
        });
        self.refused(bytes, status, out);
    }

    /// Refuses as it was asked for.
    pub(super) fn refuse_as(&mut self, refusal: &Refusal, out: &mut Out) {
        let bytes = self.response_saying(refusal.status, refusal.reason.as_deref(), |_, reply| {
            if let Some(seconds) = refusal.retry_after {
                reply.field(HeaderName::RetryAfter, seconds.to_string());
            }
            for (name, value) in &refusal.headers {
                reply.named(name, value);
            }
            reply.finish();
        });
        self.refused(bytes, refusal.status, out);
    }

    fn refused(&mut self, bytes: Vec<u8>, status: u16, out: &mut Out) {
        self.state = State::Over;
        (self.reliable, self.accepted) = (None, None);
        self.send(bytes, status, out);
    }
}
