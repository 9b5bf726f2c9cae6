//! The accounts of a registrar or proxy.

use super::{read, usage};
use crate::cli::serve::AccountArgs;
use crate::commands::Failure;
use crate::digest::Secret;
use anyhow::anyhow;
use std::collections::HashMap;

/// Those of `--user` and `--users`.
///
/// # Errors
/// Where the file cannot be read, and what is wrong with it. Passwords are not repeated.
pub(super) fn of(args: &AccountArgs) -> Result<HashMap<String, Secret>, Failure> {
    let typed = args.user.iter().map(|a| (a.name.clone(), Secret::Password(a.password.clone())));
    let mut users: HashMap<String, Secret> = typed.collect();
    let Some(path) = &args.users else { return Ok(users) };
    let text = read(path)?;
    let name = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    for (n, record) in reader.records().enumerate() {
        let record = record.map_err(|_| usage(anyhow!("{name}, record {}: no CSV", n + 1)))?;
        match (record.get(0).unwrap_or_default(), record.get(1)) {
            ("user" | "username", _) if n == 0 => {}
            ("", None) => {}
            (user, Some(password)) if !user.is_empty() => {
                users.insert(user.to_owned(), Secret::Password(password.to_owned()));
            }
            _ => return Err(usage(anyhow!("{name}, record {}: an account is user,password", n + 1))),
        }
    }
    if users.is_empty() {
        return Err(usage(anyhow!("{name}: no account in it")).with_hint("without --users everybody may register"));
    }
    Ok(users)
}
