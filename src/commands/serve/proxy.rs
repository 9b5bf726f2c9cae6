//! `sipctl serve proxy`.

use super::between::{self, Between};
use super::{server_field, usage};
use crate::base::Entropy;
use crate::cli::serve::ProxyArgs;
use crate::commands::Failure;
use crate::driver::endpoint::proxy::Options;
use crate::driver::endpoint::{Identity, Proxy};
use crate::report::Exit;
use crate::transaction::Timers;
use std::time::Instant;

/// Runs a proxy until it is stopped.
pub(super) fn serve(args: &ProxyArgs, mut entropy: Entropy) -> Result<Exit, Failure> {
    if args.auth && args.accounts.user.is_empty() && args.accounts.users.is_none() {
        return Err(usage(anyhow::anyhow!("--auth asks for credentials, and there is no account"))
            .with_hint("give accounts with --user NAME:PASSWORD or --users FILE"));
    }
    let registrar = between::registrar(&args.accounts, &mut entropy, Instant::now())?;
    let options = Options {
        record_route: !args.no_record_route,
        stateless: args.stateless,
        authenticates: args.auth,
        next_hop: args.next_hop.clone(),
        server: server_field(&args.endpoint),
        timers: Timers::with_t1(args.t1),
    };
    let between = Between {
        role: "proxy",
        endpoint: &args.endpoint,
        dns: args.dns,
        tls_ca: args.tls_ca.as_deref(),
        tls_insecure: args.tls_insecure,
    };
    between.serve(|places, _| Proxy::new(options, Identity::new(places, args.domain.clone()), registrar, entropy))
}
