//! `serve` for people.
