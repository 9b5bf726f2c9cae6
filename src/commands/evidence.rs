//! What the user tells the analysis beside the input: passwords, certificates, the country.

use super::Failure;
use crate::analysis::Settings;
use crate::analysis::rules::identity::signature::Certificates;
use crate::cli::decode::DecodeArgs;
use crate::digest::Known;
use crate::report::Exit;
use anyhow::{Context, anyhow};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Lines of a credentials file that are taken.
const MOST_LINES: usize = 100_000;
/// Bytes of one file that are read.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The settings that the options name.
///
/// # Errors
/// A file that cannot be read or holds something else, with its line. No secret is in it.
pub(super) fn settings(args: &DecodeArgs) -> Result<Settings, Failure> {
    let mut settings = Settings { home_country: args.home_country.as_deref().map(Into::into), ..Settings::default() };
    if let Some(path) = &args.credentials {
        settings.credentials = credentials(path)?;
    }
    if let Some(folder) = &args.stir_certs {
        let trusted = args.stir_ca.as_deref().map(anchors).transpose()?;
        settings.stir = Some(Certificates { by_name: certificates(folder)?, trusted });
    }
    Ok(settings)
}

/// Certificates of one file that are taken.
const MOST_CERTIFICATES: usize = 1000;
/// Files of a folder that are read.
const MOST_FILES: usize = 10_000;

/// The chains of a folder by the names of their files.
fn certificates(folder: &Path) -> Result<HashMap<String, Vec<Vec<u8>>>, Failure> {
    let usage = |error: anyhow::Error| Failure::new(Exit::Usage, error);
    let doing = || format!("cannot read {}", folder.display());
    let mut chains = HashMap::new();
    for file in std::fs::read_dir(folder).with_context(doing).map_err(usage)?.take(MOST_FILES) {
        let file = file.with_context(doing).map_err(usage)?;
        let Ok(name) = file.file_name().into_string() else { continue };
        if file.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let chain = ders(&read(&file.path())?);
        if !chain.is_empty() {
            chains.insert(name, chain);
        }
    }
    match chains.is_empty() {
        true => Err(usage(anyhow!("{}: there is no certificate in it", folder.display()))
            .with_hint("each file is named like the last part of the x5u that names it, and holds PEM or DER")),
        false => Ok(chains),
    }
}

/// The certificates that are trusted.
fn anchors(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let all = ders(&read(path)?);
    match all.is_empty() {
        true => Err(Failure::new(Exit::Usage, anyhow!("{}: there is no certificate in it", path.display()))),
        false => Ok(all),
    }
}

/// The certificates in PEM or DER, in order; empty where there is none.
fn ders(text: &[u8]) -> Vec<Vec<u8>> {
    let pems = Pem::iter_from_buffer(text).filter_map(Result::ok).filter(|pem| pem.label == "CERTIFICATE");
    let all: Vec<Vec<u8>> = pems.map(|pem| pem.contents).take(MOST_CERTIFICATES).collect();
    let is_der = all.is_empty() && X509Certificate::from_der(text).is_ok();
    if is_der { vec![text.to_vec()] } else { all }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let doing = || format!("cannot read {}", path.display());
    let mut text = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text));
    read.with_context(doing).map_err(|e| Failure::new(Exit::Usage, e))?;
    Ok(text)
}

/// The lines of a credentials file.
fn credentials(path: &Path) -> Result<Vec<Known>, Failure> {
    let shown = path.display();
    let text = read(path)?;
    if let Ok(meta) = std::fs::metadata(path)
        && meta.is_file()
        && meta.permissions().mode() & 0o077 != 0
    {
        // Telling it is all that can be done; a closed standard error is no reason to stop.
        let _ = writeln!(
            std::io::stderr(),
            "sipctl: {}: others than its owner may read the passwords (mode {:03o})",
            super::output::one_line(&shown.to_string()),
            meta.permissions().mode() & 0o777
        );
    }
    let mut known = Vec::new();
    for (at, line) in text.split(|&b| b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() || line.trim_ascii_start().starts_with(b"#") {
            continue;
        }
        // The line itself is not shown: it holds a password.
        let entry = std::str::from_utf8(line).ok().and_then(entry).ok_or_else(|| {
            let error = anyhow!("{shown}:{}: no line user:realm:password", at + 1);
            Failure::new(Exit::Usage, error)
                .with_hint("each line is user:realm:password or user:realm:HA1; an empty realm stands for any")
        })?;
        if known.len() >= MOST_LINES {
            return Err(Failure::new(Exit::Usage, anyhow!("{shown}: more than {MOST_LINES} lines")));
        }
        known.push(entry);
    }
    if known.is_empty() {
        return Err(Failure::new(Exit::Usage, anyhow!("{shown}: there are no credentials in it"))
            .with_hint("each line is user:realm:password"));
    }
    Ok(known)
}

/// A password may hold colons; a user name and a realm may not, so that the first two part the line.
fn entry(line: &str) -> Option<Known> {
    let (user, rest) = line.split_once(':')?;
    let (realm, secret) = rest.split_once(':')?;
    (!user.is_empty()).then(|| Known { user: user.to_owned(), realm: realm.to_owned(), secret: secret.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::credentials;
    use std::io::Write;

    fn told(text: &str) -> Result<Vec<(String, String, String)>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let known = credentials(file.path()).map_err(|e| format!("{e:?}"))?;
        Ok(known.into_iter().map(|k| (k.user, k.realm, k.secret)).collect())
    }

    #[test]
    fn lines_are_users_and_remarks_are_none() {
        let line = |user: &str, realm: &str, secret: &str| (user.to_owned(), realm.to_owned(), secret.to_owned());
        let text = "# a remark\n\nalice:example.com:se:cret \r\nbob::x\n";
        assert_eq!(told(text), Ok(vec![line("alice", "example.com", "se:cret "), line("bob", "", "x")]));
    }

    #[test]
    fn what_is_wrong_is_named_without_the_password() {
        let wrong = told("alice:example.com:x\nhunter2:y\n").unwrap_err();
        assert!(wrong.contains(":2:") && !wrong.contains("hunter2"), "{wrong}");
        assert!(told("# nothing\n").unwrap_err().contains("no credentials"));
        assert!(told(":realm:x").is_err() && told("\u{fffd}").is_err());
    }
}
