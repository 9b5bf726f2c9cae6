//! What `register` found.
