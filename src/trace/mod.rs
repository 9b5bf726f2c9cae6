//! Messages seen in order, and what they amount to: transactions, dialogs, calls, registrations, exchanges, and the media
//! streams that belong to them; and what happens beside messages, and keeps them from arriving.
//!
//! Two halves with a [`batch::Batch`] between them, so that they can run on two threads without either changing the
//! result: [`intake::Intake`] takes packets to messages, [`tracer::Tracer`] takes messages to conversations. One pass over the input:
//! what is finished is handed to the [`Sink`] and let go. Refuses to judge (that is `analysis`) and to word anything.

pub mod batch;
pub mod call;
pub mod connection;
pub mod conversation;
pub mod description;
pub mod dialog;
pub mod exchange;
pub mod facts;
pub mod incident;
pub mod intake;
pub mod join;
pub mod keys;
pub mod linger;
pub mod offer;
pub mod path;
pub mod ports;
pub mod registration;
pub mod shelf;
pub mod stream;
pub mod take_in;
pub mod texts;
pub mod tracer;
pub mod transaction;
pub mod witness;

pub use batch::{Batch, Observed};
pub use conversation::{Conversation, Kind};
pub use facts::{Facts, Transport};
pub use incident::Incident;
pub use intake::Intake;
pub use linger::Linger;
pub use stream::MediaStream;
pub use tracer::{Limits, Sink, Tracer};
pub use transaction::{Repeat, Transaction};
