//! The `sipctl` binary.
fn main() {}
