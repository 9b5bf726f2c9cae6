//! TLS records opened with a key log.
