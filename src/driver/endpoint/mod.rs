//! The endpoints that `serve` runs.
