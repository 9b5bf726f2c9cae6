//! Descriptions on their way to the other leg: where media is relayed, they name the relay. RFC 3264, RFC 8866

use super::B2bua;
use super::call::Call;
use crate::base::Span;
use crate::driver::media::Side;
use crate::driver::media::relay::MOST_LINES;
use crate::media::Session;
use crate::media::sdp::{MediaDescription, Move, Place, moved};
use crate::sip::Message;
use crate::transport::listener::Way;
use std::net::{IpAddr, SocketAddr};

impl B2bua {
    /// The body of a message from one side as the other gets it. `ways` are those of the caller and the callee.
    pub(super) fn body(&mut self, call: &mut Call, from: Side, message: &Message<'_>, ways: (Way, Way)) -> Vec<u8> {
        let whole = message.body();
        let Some(description) = message.sdp_body().filter(|_| self.relays.is_some()) else { return whole.to_vec() };
        let (caller, callee) = (ways.0.local.ip().to_canonical(), ways.1.local.ip().to_canonical());
        let onto = if from == Side::Caller { callee } else { caller };
        let session = Session::parse(description);
        let places = self.places(call, from, &session, (caller, callee));
        let new = moved(description, &Move { address: onto, places: &places, hides: self.options.hides });
        // The description may be one part of several.
        let (all, span) = (message.span_of(whole), message.span_of(description));
        let before = message.text(Span { start: all.start, end: span.start });
        let behind = message.text(Span { start: span.end, end: all.end });
        [before, &new, behind].concat()
    }

    /// The relay's place for each line, as the side is told that the description goes to; none for those beyond what there is room
    /// for.
    fn places(
        &mut self,
        call: &mut Call,
        from: Side,
        session: &Session<'_>,
        addresses: (IpAddr, IpAddr),
    ) -> Vec<Option<Place>> {
        let Some(relays) = &mut self.relays else { return Vec::new() };
        let mut places = Vec::new();
        for (line, media) in session.media.iter().take(MOST_LINES).enumerate() {
            if media.port == 0 {
                places.push(None);
                continue;
            }
            let Some((caller, callee)) = relays.open(call.id, line, addresses.0, addresses.1) else { break };
            call.has_media = true;
            let (rtp, rtcp) = wanted(media);
            relays.aim(call.id, line, from, rtp, rtcp);
            places.push(Some(if from == Side::Caller { callee } else { caller }));
        }
        places
    }
}

/// Where a description wants its media; nowhere where that is no address, or one of zeros.
fn wanted(media: &MediaDescription<'_>) -> (Option<SocketAddr>, Option<SocketAddr>) {
    let known = |at: &SocketAddr| !at.ip().is_unspecified() && at.port() != 0;
    let rtp = media.endpoint().map(|e| SocketAddr::new(e.ip(), e.port)).filter(known);
    let rtcp = media.rtcp_endpoint().map(|e| SocketAddr::new(e.ip(), e.port)).filter(known);
    (rtp, rtcp)
}
