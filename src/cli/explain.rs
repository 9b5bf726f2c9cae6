//! Options of `sipctl explain`.

use super::output::OutputArgs;
use clap::Args;

/// Options of `sipctl explain`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Try: sipctl explain 488\n     sipctl explain ack-missing\n     sipctl explain timer B\n     \
                  sipctl explain q850 16\n     sipctl explain tls 48\n     sipctl explain header:v\n\n\
                  Exit codes: 0 explained, 2 an unknown topic.")]
pub struct ExplainArgs {
    /// A finding's code, a status code, a method, a header field or its compact form, a timer, a Q.850 cause, a TLS alert, a
    /// warning code, or an element of a SIP network. With several meanings all are shown; kind:TOPIC (header:b, timer:b) picks one
    #[arg(required_unless_present = "list", value_name = "TOPIC")]
    pub topic: Vec<String>,
    /// List everything that can be explained
    #[arg(long, conflicts_with = "topic")]
    pub list: bool,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}
