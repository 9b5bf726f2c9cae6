//! What `resolve` found.
