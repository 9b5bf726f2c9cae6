//! `register` for people.
