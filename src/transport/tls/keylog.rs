//! TLS secrets, as Wireshark and `decode --keylog` read them.

use crate::transport::{Phase, Tap, TransportError, Wire};
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Writes secrets down: in a file, for a [`Tap`], or both.
pub(in crate::transport) struct Secrets {
    file: Option<Mutex<File>>,
    tap: Option<Arc<dyn Tap>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// `None` where nobody wants them.
    pub(in crate::transport) fn of(
        path: Option<&Path>,
        tap: Option<Arc<dyn Tap>>,
    ) -> Result<Option<Arc<Self>>, TransportError> {
        let file = path.map(open_private).transpose()?.map(Mutex::new);
        Ok((file.is_some() || tap.is_some()).then(|| Arc::new(Secrets { file, tap })))
    }
}

/// Opens a file to append to, which nobody else may read and no link leads elsewhere.
fn open_private(path: &Path) -> Result<File, TransportError> {
    let failed = |e: io::Error| {
        let tried = format!("cannot write secrets to {}", path.display());
        // Without O_NOFOLLOW, whoever can make links in the directory chooses where the secrets go.
        if e.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) {
            return TransportError::new(Phase::Tls, "io", format!("{tried}: it is a symbolic link"));
        }
        TransportError::of_io(Phase::Tls, &tried, &e)
    };
    let flags = nix::fcntl::OFlag::O_NOFOLLOW.bits();
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path);
    let file = opened.map_err(failed)?;
    if file.metadata().map_err(failed)?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(file)
}

impl rustls::KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for (at, bytes) in [client_random, secret].into_iter().enumerate() {
            if at > 0 {
                line.push(' ');
            }
            for byte in bytes {
                let _ = write!(line, "{byte:02x}");
            }
        }
        if let Some(tap) = &self.tap {
            tap.wire(SystemTime::now(), Wire::Secret(&line));
        }
        if let Some(file) = &self.file {
            line.push('\n');
            // Whole lines in one write: other programs may append to the same file. That it could not be written keeps no
            // connection from working.
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }
    }
}
