//! The accounts of `--users`: a CSV file with a user, a password and perhaps another name for challenges on each line.

use crate::agent::Account;
use crate::commands::Failure;
use crate::digest::{Algorithm, Secret};
use crate::report::Exit;
use anyhow::{Context, anyhow};
use std::path::Path;

/// Accounts that one run takes.
const MAX_ACCOUNTS: usize = 100_000;

/// An account to try.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its address of record, as it would be typed.
    pub aor: String,
    /// Who it is to a registrar that asks.
    pub account: Account,
}

/// Reads the file. A user without a domain is one of `domain`.
///
/// # Errors
/// What cannot be read, with its line.
pub(super) fn read(path: &Path, domain: &str, algorithm: Option<Algorithm>) -> Result<Vec<Entry>, Failure> {
    let usage =
        |error: anyhow::Error| Failure::new(Exit::Usage, error).with_hint("each line is user,password[,auth-user]");
    let shown = path.display();
    let text = std::fs::read(path)
        .with_context(|| format!("cannot read {shown}"))
        .map_err(|e| Failure::new(Exit::Usage, e))?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_slice());
    let mut entries = Vec::new();
    for (at, record) in reader.records().enumerate() {
        // The record itself is not shown: it holds a password.
        let record = record.map_err(|_| usage(anyhow!("{shown}: entry {} is no CSV in UTF-8", at + 1)))?;
        let field = |n: usize| record.get(n).unwrap_or_default();
        let (user, password) = (field(0), field(1));
        if at == 0 && user.eq_ignore_ascii_case("user") && password.eq_ignore_ascii_case("password") {
            continue;
        }
        if user.is_empty() || record.len() < 2 {
            let line = record.position().map_or(at as u64 + 1, csv::Position::line);
            return Err(usage(anyhow!("{shown}:{line}: a user or a password is missing")));
        }
        if entries.len() >= MAX_ACCOUNTS {
            return Err(usage(anyhow!("{shown}: more than {MAX_ACCOUNTS} accounts")));
        }
        entries.push(entry(user, password, field(2), domain, algorithm));
    }
    if entries.is_empty() {
        return Err(usage(anyhow!("{shown} has no accounts")));
    }
    Ok(entries)
}

fn entry(user: &str, password: &str, auth_user: &str, domain: &str, algorithm: Option<Algorithm>) -> Entry {
    let has_domain = user.contains('@');
    let aor = match domain.split_once(':') {
        _ if has_domain => user.to_owned(),
        Some((scheme @ ("sip" | "sips"), host)) => format!("{scheme}:{user}@{host}"),
        _ => format!("sip:{user}@{domain}"),
    };
    let bare = user.rsplit_once('@').map_or(user, |(name, _)| name);
    let bare = bare.strip_prefix("sip:").or_else(|| bare.strip_prefix("sips:")).unwrap_or(bare);
    let username = if auth_user.is_empty() { bare } else { auth_user }.to_owned();
    let secret = (!password.is_empty()).then(|| Secret::Password(password.to_owned()));
    Entry { aor, account: Account { username, secret, algorithm } }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::digest::Secret;
    use std::io::Write;

    fn entries(text: &str) -> Result<Vec<(String, String, Option<Secret>)>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let read = read(file.path(), "sip:example.com:5070", None).map_err(|e| format!("{e:?}"))?;
        Ok(read.into_iter().map(|e| (e.aor, e.account.username, e.account.secret)).collect())
    }

    #[test]
    fn lines_are_accounts() {
        let secret = |p: &str| Some(Secret::Password(p.to_owned()));
        let text = "user,password\n# a remark\nalice,\"se,cret\"\nbob, pw ,bob-auth\nsip:carol@example.org,x\ndave,\n";
        assert_eq!(
            entries(text).unwrap(),
            [
                ("sip:alice@example.com:5070".to_owned(), "alice".to_owned(), secret("se,cret")),
                ("sip:bob@example.com:5070".to_owned(), "bob-auth".to_owned(), secret("pw")),
                ("sip:carol@example.org".to_owned(), "carol".to_owned(), secret("x")),
                ("sip:dave@example.com:5070".to_owned(), "dave".to_owned(), None),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_without_the_password() {
        let told = entries("alice,secret\nhunter2\n").unwrap_err();
        assert!(told.contains(":2:") && !told.contains("hunter2"), "{told}");
        assert!(entries("").unwrap_err().contains("no accounts"));
        assert!(entries("a,\u{1}\n").is_ok());
    }
}
