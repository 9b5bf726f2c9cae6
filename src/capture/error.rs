//! What can go wrong between a capture and us. Every message is one line: operation, object, cause, way out.

use std::io;

/// A capture that could not be read, written or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The input is no packet capture that can be read.
    #[error("{path}: not a packet capture: {found}{hint}")]
    NotACapture {
        /// The input as it was named.
        path: String,
        /// What its contents look like.
        found: String,
        /// What to do instead, with its separator; empty where nothing is known.
        hint: String,
    },
    /// A file or socket operation failed.
    #[error("cannot {operation} {object}: {}", plain(cause))]
    Io {
        /// What was tried: `open`, `read`, `write`, `listen on` …
        operation: &'static str,
        /// On what: a path, an address.
        object: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// The file to write is a symbolic link.
    #[error("{path} is a symbolic link: captures are not written through one")]
    SymbolicLink {
        /// The path as it was given.
        path: String,
    },
    /// The system's libpcap is missing.
    #[error("live capture and filters need libpcap: apt-get install libpcap0.8 ({cause})")]
    NoLibpcap {
        /// What the dynamic loader said.
        cause: String,
    },
    /// The process may not capture.
    #[error(
        "no permission to capture on {device}: run as root, or allow it once with \
         sudo setcap cap_net_raw,cap_net_admin=eip $(command -v sipctl)"
    )]
    NotPermitted {
        /// The device that was asked for.
        device: String,
    },
    /// There is no such device.
    #[error("no device named {device}; devices here: {known}")]
    NoSuchDevice {
        /// The device that was asked for.
        device: String,
        /// The names of those that exist, with commas.
        known: String,
    },
    /// libpcap failed in another way.
    #[error("cannot {operation} device {device}: {cause}")]
    Device {
        /// What was tried.
        operation: &'static str,
        /// The device.
        device: String,
        /// What libpcap said.
        cause: String,
    },
    /// A filter expression that does not compile.
    #[error("filter '{expression}': {cause}")]
    Filter {
        /// The expression as it was typed.
        expression: String,
        /// What libpcap said.
        cause: String,
    },
    /// Root could not be given up.
    #[error("cannot become user {user}: {cause}")]
    Privilege {
        /// The user to become.
        user: String,
        /// What failed.
        cause: String,
    },
}

impl CaptureError {
    /// An I/O failure with what was tried on what.
    pub(super) fn io(operation: &'static str, object: impl Into<String>, cause: io::Error) -> Self {
        CaptureError::Io { operation, object: object.into(), cause }
    }
}

/// The system's words without the number that Rust puts behind them.
fn plain(cause: &io::Error) -> String {
    let text = cause.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::CaptureError;

    #[test]
    fn an_io_error_reads_as_one_plain_line() {
        let cause = std::io::Error::from_raw_os_error(2);
        let shown = CaptureError::io("open", "x.pcap", cause).to_string();
        assert_eq!(shown, "cannot open x.pcap: No such file or directory");
    }
}
