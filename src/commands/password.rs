//! The password: from a file, from standard input, from `SIPCTL_PASSWORD`, never from an argument. CONTRACT §2

use super::Failure;
use crate::cli::active::ActiveArgs;
use crate::report::Exit;
use anyhow::{Context, anyhow};
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The longest line that is taken as a password, in bytes.
const LONGEST: u64 = 4096;
/// The variable that is looked at where no option says otherwise.
pub const VARIABLE: &str = "SIPCTL_PASSWORD";

/// The password that the options name; `None` where there is none.
///
/// # Errors
/// What cannot be read, is empty, or is no text.
pub fn read(args: &ActiveArgs) -> Result<Option<String>, Failure> {
    of(args.password_file.as_deref(), args.password_stdin)
}

/// The password in that file, or on standard input, or in the variable; `None` where there is none.
///
/// # Errors
/// What cannot be read, is empty, or is no text.
pub fn of(file: Option<&Path>, is_typed: bool) -> Result<Option<String>, Failure> {
    let usage = |error: anyhow::Error| Failure::new(Exit::Usage, error);
    if let Some(path) = file {
        return of_file(path).map(Some);
    }
    if is_typed {
        let mut line = Vec::new();
        // Only the line: what follows may be targets.
        let read = std::io::stdin().lock().take(LONGEST).read_until(b'\n', &mut line);
        read.context("cannot read the password from standard input").map_err(usage)?;
        return first_line(&line, "standard input").map(Some).map_err(usage);
    }
    of_variable(VARIABLE)
}

/// The password that a variable holds; `None` where it is not set, or empty.
///
/// # Errors
/// Where it is no text.
pub fn of_variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(password) if password.is_empty() => Ok(None),
        Ok(password) => Ok(Some(password)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::new(Exit::Usage, anyhow!("{name} is not UTF-8"))),
    }
}

/// The password in the first line of a file.
///
/// # Errors
/// What cannot be read, is empty, or is no text.
pub fn of_file(path: &Path) -> Result<String, Failure> {
    let usage = |error: anyhow::Error| Failure::new(Exit::Usage, error);
    let text = from_file(path).map_err(usage)?;
    first_line(&text, &path.display().to_string()).map_err(usage)
}

fn from_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let doing = || format!("cannot read the password from {}", path.display());
    let file = std::fs::File::open(path).with_context(doing)?;
    let meta = file.metadata().with_context(doing)?;
    if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
        // Telling it is all that can be done; a closed standard error is no reason to stop.
        let _ = writeln!(
            std::io::stderr(),
            "sipctl: {}: others than its owner may read the password (mode {:03o})",
            super::output::one_line(&path.display().to_string()),
            meta.permissions().mode() & 0o777
        );
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).with_context(doing)?;
    Ok(text)
}

/// The first line without its end. The password itself is in no error.
fn first_line(text: &[u8], of: &str) -> anyhow::Result<String> {
    let line = text.split(|&b| b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(anyhow!("{of}: there is no password on the first line"));
    }
    if line.len() as u64 >= LONGEST {
        return Err(anyhow!("{of}: the first line is longer than {LONGEST} bytes"));
    }
    String::from_utf8(line.to_vec()).map_err(|_| anyhow!("{of}: the password is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn the_first_line_counts_without_its_end() {
        assert_eq!(first_line(b"se cret\r\nmore\n", "x").unwrap(), "se cret");
        assert_eq!(first_line(b"secret", "x").unwrap(), "secret");
        assert_eq!(
            first_line(b"\nsecret", "file").unwrap_err().to_string(),
            "file: there is no password on the first line"
        );
        assert!(first_line(b"\xff\n", "x").unwrap_err().to_string().ends_with("is not UTF-8"));
        assert!(first_line(&[b'x'; 5000], "x").is_err());
    }
}
