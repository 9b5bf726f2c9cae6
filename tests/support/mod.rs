//! What the tests share: a small language for scenes of SIP traffic, the captures of `testdata/` written in it, and the
//! real binary in a prepared room.

// Each test program takes the part that it needs.
#![allow(dead_code, unused_imports)]

pub mod capture;
pub mod found;
pub mod media;
pub mod message;
pub mod room;
pub mod scene;
pub mod scenes;
pub mod tls;
pub mod tunnel;
pub mod wire;

pub use message::{Host, Message};
pub use scene::Scene;
