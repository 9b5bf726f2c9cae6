//! Options of `sipctl trace`.

use clap::Args;

/// Options of `sipctl trace`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Try: sipctl trace sip:bob@example.com\n     sipctl trace --json --probes 1 sip.example.com:5080"
)]
pub struct TraceArgs {
    /// Whom to trace: sip:user@host, sips:…, host, host:port, 192.0.2.1:5070, [2001:db8::1]:5060
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// Method of the requests
    #[arg(long, value_name = "METHOD", default_value = "OPTIONS", value_parser = method)]
    pub method: String,
    /// Hops to ask at most
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..))]
    pub max_hops: u8,
    /// Requests to send for each hop
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub probes: u32,
    /// How to get there.
    #[command(flatten)]
    pub active: super::active::ActiveArgs,
    /// The form of the output.
    #[command(flatten)]
    pub output: super::output::OutputArgs,
}

/// A method that starts nothing which would have to be ended again.
fn method(text: &str) -> Result<String, String> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c);
    if text.is_empty() || !text.chars().all(is_token) {
        return Err("a method is one word: OPTIONS, MESSAGE".to_owned());
    }
    match text {
        "INVITE" => Err("an INVITE that arrives would ring: OPTIONS takes the same way".to_owned()),
        "ACK" | "BYE" | "CANCEL" | "PRACK" => Err(format!("{text} belongs to a call: OPTIONS takes the same way")),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::method;

    #[test]
    fn methods_that_start_or_need_a_call_are_refused() {
        assert_eq!(method("MESSAGE").unwrap(), "MESSAGE");
        assert_eq!(method("PING").unwrap(), "PING");
        for wrong in ["", "A B", "INVITE", "ACK", "BYE", "CANCEL", "PRACK", "A\r\nB"] {
            assert!(method(wrong).is_err(), "{wrong}");
        }
    }
}
