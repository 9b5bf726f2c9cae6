//! `trace` for people.
