//! SCTP DATA chunks put together.
