//! The endpoints that `serve` runs: a user agent server, a registrar, a redirect server, a proxy, a B2BUA.
//!
//! A [`Role`] says what is answered; [`Endpoint`] does for all of them what RFC 3261 §8.2 and §17.2 ask of a server, without
//! socket or clock; [`serve()`] joins it to a [`Listener`](crate::transport::listener::Listener). Refuses to know the
//! command line and how things are shown.
//!
//! Everything that peers can fill is bounded: [`Repeats`](repeats::Repeats) and [`Delays`](delays::Delays) by number and
//! bytes, bindings and nonces by number. What has to go, or is not taken, is counted in the [`Tally`].

pub mod b2bua;
pub mod callee;
pub mod delays;
pub mod engine;
pub mod fault;
pub mod identity;
pub mod intermediary;
pub mod proxy;
pub mod redirect;
pub mod registrar;
pub mod repeats;
pub mod role;
pub mod router;
pub mod serve;
pub mod studio;
pub mod tally;
pub mod uas;

pub use b2bua::B2bua;
pub use engine::{Endpoint, Handled, Options, Transmit};
pub use identity::Identity;
pub use intermediary::{Intermediary, stand};
pub use proxy::Proxy;
pub use redirect::Redirect;
pub use registrar::Registrar;
pub use role::{Answer, Arrival, BindingFacts, Outgoing, Role, Transfer};
pub use serve::{Ending, Watch, serve};
pub use tally::{Ignored, Tally};
pub use uas::Uas;
