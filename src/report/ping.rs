//! What `ping` found.
