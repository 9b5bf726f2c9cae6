//! `ping` for people.
