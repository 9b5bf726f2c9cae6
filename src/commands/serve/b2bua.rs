//! `sipctl serve b2bua`.

use super::between::{self, Between};
use super::server_field;
use crate::base::Entropy;
use crate::cli::serve::B2buaArgs;
use crate::commands::Failure;
use crate::driver::endpoint::b2bua::Options;
use crate::driver::endpoint::{B2bua, Identity};
use crate::driver::media::{Relay, Relays};
use crate::report::Exit;
use crate::transaction::Timers;
use std::time::Instant;

/// Runs a B2BUA until it is stopped.
pub(super) fn serve(args: &B2buaArgs, mut entropy: Entropy) -> Result<Exit, Failure> {
    let registrar = between::registrar(&args.accounts, &mut entropy, Instant::now())?;
    let options = Options {
        to: args.to.clone(),
        hides: args.hide_topology,
        follows: args.follow_redirects,
        server: server_field(&args.endpoint),
        timers: Timers::with_t1(args.t1),
    };
    let relays_media = args.relay_media || args.hide_topology;
    let between = Between {
        role: "b2bua",
        endpoint: &args.endpoint,
        dns: args.dns,
        tls_ca: args.tls_ca.as_deref(),
        tls_insecure: args.tls_insecure,
    };
    between.serve(|places, tap| {
        let relays = relays_media.then(|| Box::new(Relay::new(tap)) as Box<dyn Relays>);
        B2bua::new(options, Identity::new(places, args.domain.clone()), registrar, relays, entropy)
    })
}
