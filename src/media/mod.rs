//! SDP, RTP, RTCP, codecs and the E-model.
