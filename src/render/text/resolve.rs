//! `resolve` for people.
