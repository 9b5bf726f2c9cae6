//! The challenges of a field value as servers really write them: several in one field, quotes where none belong and none where they
//! do, schemes that nobody can answer among them. RFC 3261 §20.44

use super::param::{Param, Params};

/// The challenges in one value of WWW-Authenticate or Proxy-Authenticate: scheme and parameters of each.
///
/// A comma parts parameters and challenges alike (RFC 9110 §11.6.1 names the trap). What tells them apart is the space
/// between a scheme and the name of its first parameter.
#[must_use]
pub fn challenges(value: &[u8]) -> Vec<(&[u8], Vec<Param<'_>>)> {
    let mut challenges: Vec<(&[u8], Vec<Param<'_>>)> = Vec::new();
    for param in Params::by_comma(value) {
        let name = param.name;
        let space = name.iter().position(u8::is_ascii_whitespace);
        match (space, challenges.last_mut()) {
            (Some(at), _) => {
                let (scheme, rest) = name.split_at(at);
                challenges.push((scheme, vec![Param { name: rest.trim_ascii_start(), value: param.value }]));
            }
            (None, _) if param.value.is_none() && is_scheme(name) => challenges.push((name, Vec::new())),
            (None, Some((_, params))) => params.push(param),
            // Parameters before any scheme belong to nothing.
            (None, None) => challenges.push((b"", vec![param])),
        }
    }
    challenges
}

/// Schemes that stand without parameters, or with a comma behind them.
fn is_scheme(name: &[u8]) -> bool {
    ["Digest", "Basic", "Bearer", "Negotiate", "NTLM", "Kerberos"]
        .iter()
        .any(|s| name.eq_ignore_ascii_case(s.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::challenges;

    #[test]
    fn several_in_one_value_are_told_apart() {
        let found = challenges(b"Bearer authz_server=\"https://a\", Digest realm=\"a, b\",nonce=n, Basic, NTLM");
        let schemes: Vec<_> = found.iter().map(|(s, p)| (*s, p.len())).collect();
        assert_eq!(schemes, [(&b"Bearer"[..], 1), (b"Digest", 2), (b"Basic", 0), (b"NTLM", 0)]);
        assert_eq!(challenges(b"nonce=1")[0].0, b"");
    }
}
