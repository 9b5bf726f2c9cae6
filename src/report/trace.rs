//! What `trace` found.
