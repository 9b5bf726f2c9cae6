//! A PASSporT: who signs that a caller may use a number, taken apart. RFC 8225, RFC 8224 §4, RFC 8588, RFC 8946

use crate::sip::Params;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Base64url; padding, which does not belong there, does no harm. RFC 8225 §3
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Numbers of one list that are looked at.
const MOST: usize = 16;

/// What is wrong with the form of an Identity header field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// In a sentence.
    pub what: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// What an Identity header field says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Passport {
    /// `shaken`, `div`, …; `None` for the baseline.
    pub ppt: Option<String>,
    /// Where the certificate is, as the PASSporT says.
    pub x5u: String,
    /// When it was signed, in seconds since the epoch.
    pub iat: i64,
    /// The number that calls; empty where a URI is named instead.
    pub orig: String,
    /// The numbers that are called.
    pub dest: Vec<String>,
    /// How far the signer knows the caller: A, B or C. RFC 8588 §4
    pub attest: Option<String>,
    /// The signer's name for where the call came from. RFC 8588 §5
    pub origid: Option<String>,
    /// The number that a call was diverted from. RFC 8946 §3
    pub div: Option<String>,
    /// What is signed.
    pub signed: String,
    /// The signature: r and s of ES256.
    pub signature: Vec<u8>,
    /// What is wrong with it, besides.
    pub faults: Vec<Fault>,
}

impl Passport {
    /// Reads the value of an Identity header field. `None` for the compact form, which tells nothing by itself.
    ///
    /// # Errors
    /// Why there is nothing to be read in it.
    pub fn read(value: &[u8]) -> Result<Option<Passport>, Fault> {
        let fault = |what, rule| Fault { what, rule };
        let text = std::str::from_utf8(value.trim_ascii())
            .map_err(|_| fault("it holds bytes that are no text", "RFC 8224 §4"))?;
        // The signature alone, in quotes: the form of RFC 4474, which RFC 8224 replaced. It names nobody.
        if text.starts_with('"') {
            return Ok(None);
        }
        let (token, params) = text.split_once(';').unwrap_or((text, ""));
        let mut parts = token.trim().split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fault("it is not three parts with a dot between them", "RFC 8225 §3"));
        };
        let param = |name: &str| {
            Params::new(params.as_bytes()).find(name).map(|p| String::from_utf8_lossy(&p.text()).into_owned())
        };
        if header.is_empty() && payload.is_empty() {
            return match param("ppt") {
                // RFC 8224 §4.1: an extension cannot be put together again from the request.
                Some(_) => {
                    Err(fault("it has an extension (ppt) in the compact form, which cannot carry one", "RFC 8225 §7"))
                }
                None => Ok(None),
            };
        }
        let signature = BASE64.decode(signature).map_err(|_| fault("its signature is no base64url", "RFC 8225 §6"))?;
        let header_json = object(header).ok_or(fault("its header is no JSON object in base64url", "RFC 8225 §4"))?;
        let claims = object(payload).ok_or(fault("its claims are no JSON object in base64url", "RFC 8225 §5"))?;
        let mut passport = Passport { signed: format!("{header}.{payload}"), signature, ..Passport::default() };
        passport.take_header(&header_json);
        passport.take_claims(&claims);
        passport.take_params(&param);
        Ok(Some(passport))
    }

    fn wrong(&mut self, is_wrong: bool, what: &'static str, rule: &'static str) {
        if is_wrong {
            self.faults.push(Fault { what, rule });
        }
    }

    fn take_header(&mut self, header: &Value) {
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        self.wrong(text("typ") != Some("passport"), "typ is not \"passport\"", "RFC 8225 §4.1");
        self.wrong(text("alg") != Some("ES256"), "alg is not ES256", "RFC 8225 §4.2");
        self.wrong(text("x5u").is_none_or(str::is_empty), "x5u does not say where the certificate is", "RFC 8225 §4.3");
        self.x5u = text("x5u").unwrap_or_default().to_owned();
        self.ppt = text("ppt").map(str::to_owned);
        self.wrong(self.signature.len() != 64, "the signature does not have the 64 bytes of ES256", "RFC 8225 §6");
    }

    fn take_claims(&mut self, claims: &Value) {
        let number = |value: &Value| value.get("tn").and_then(Value::as_str).unwrap_or_default().to_owned();
        let iat = claims.get("iat").and_then(|t| t.as_i64().or_else(|| t.as_f64().map(|f| f as i64)));
        self.wrong(iat.is_none(), "iat does not say when it was signed", "RFC 8225 §5.1.1");
        self.iat = iat.unwrap_or_default();
        let orig = claims.get("orig");
        let is_named = |o: &Value| o.get("tn").is_some() || o.get("uri").is_some();
        self.wrong(!orig.is_some_and(is_named), "orig does not name who calls", "RFC 8225 §5.2.1");
        self.orig = orig.map(number).unwrap_or_default();
        let dest = claims.get("dest");
        self.wrong(!dest.is_some_and(is_named), "dest does not name who is called", "RFC 8225 §5.2.1");
        // RFC 8225 §5.2.1: dest holds arrays; a bare string is met all the same.
        self.dest = match dest.and_then(|d| d.get("tn")) {
            Some(Value::Array(all)) => all.iter().take(MOST).filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        (self.attest, self.origid) = (text("attest"), text("origid"));
        self.div = claims.get("div").map(number);
        match self.ppt.as_deref() {
            Some("shaken") => {
                let known = matches!(self.attest.as_deref(), Some("A" | "B" | "C"));
                self.wrong(!known, "attest is none of A, B and C", "RFC 8588 §4");
                self.wrong(self.origid.is_none(), "origid is missing", "RFC 8588 §5");
            }
            Some("div") => self.wrong(self.div.is_none(), "div does not name who diverted the call", "RFC 8946 §3"),
            _ => {}
        }
    }

    fn take_params(&mut self, param: &impl Fn(&str) -> Option<String>) {
        let info = param("info").map(|info| info.trim_matches(['<', '>']).to_owned());
        self.wrong(info.is_none(), "the parameter info is missing", "RFC 8224 §4");
        self.wrong(info.is_some_and(|info| info != self.x5u), "info is not the x5u that was signed", "RFC 8224 §4");
        let ppt = param("ppt");
        let differs = ppt.is_some() && ppt != self.ppt;
        self.wrong(differs, "the parameter ppt is not the one that was signed", "RFC 8224 §4.1");
        let alg = param("alg").is_some_and(|alg| alg != "ES256");
        self.wrong(alg, "the parameter alg is not ES256", "RFC 8224 §4");
    }

    /// The same in a few words: `number signed, attestation A`.
    #[must_use]
    pub fn note(&self) -> String {
        match (self.ppt.as_deref(), self.attest.as_deref()) {
            (_, Some(attest @ ("A" | "B" | "C"))) => format!("number signed, attestation {attest}"),
            (Some("div"), _) => "diversion signed".to_owned(),
            _ => "number signed".to_owned(),
        }
    }

    /// What it says, for people: `shaken, attestation A (the signer knows the caller and the right to the number), 1202… to 1703…`.
    #[must_use]
    pub fn words(&self) -> String {
        let attest = match self.attest.as_deref() {
            Some("A") => ", attestation A (the signer knows the caller and that the number is theirs)",
            Some("B") => ", attestation B (the signer knows the caller, not whether the number is theirs)",
            Some("C") => ", attestation C (the signer only knows where the call came in)",
            _ => "",
        };
        let ppt = self.ppt.as_deref().unwrap_or("PASSporT without extension");
        let orig = if self.orig.is_empty() { "a URI" } else { &self.orig };
        let dest = if self.dest.is_empty() { "a URI".to_owned() } else { self.dest.join(", ") };
        format!("{ppt}{attest}, {orig} to {dest}")
    }
}

fn object(part: &str) -> Option<Value> {
    let json: Value = serde_json::from_slice(&BASE64.decode(part).ok()?).ok()?;
    json.is_object().then_some(json)
}

#[cfg(test)]
mod tests {
    use super::Passport;

    /// The example of RFC 8225 §5 (payload) with the header of §4, in the form that RFC 8224 §4 gives it.
    const EXAMPLE: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9.\
        eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19.\
        VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ_iUqqk79UD81fHQ0E1b3_GluIkba7UWYRM47ZbNFdOJquE35cw";

    #[test]
    fn the_example_of_the_rfc_is_read() {
        let value = format!("{EXAMPLE};info=<https://cert.example.org/passport.cer>");
        let read = Passport::read(value.as_bytes()).unwrap().unwrap();
        assert_eq!((read.iat, read.orig.as_str(), read.dest.len()), (1_471_375_418, "12155551212", 0));
        assert_eq!((read.x5u.as_str(), read.signature.len()), ("https://cert.example.org/passport.cer", 64));
        assert!(read.faults.is_empty(), "{:?}", read.faults);
        assert_eq!(read.note(), "number signed");
        assert_eq!(read.words(), "PASSporT without extension, 12155551212 to a URI");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let whats = |value: &str| match Passport::read(value.as_bytes()) {
            Ok(read) => read.map(|p| p.faults.iter().map(|f| f.what).collect()).unwrap_or_default(),
            Err(fault) => vec![fault.what],
        };
        assert_eq!(whats(EXAMPLE), ["the parameter info is missing"]);
        assert_eq!(whats(&format!("{EXAMPLE};info=<https://other>;ppt=shaken")).len(), 2);
        assert_eq!(whats("a.b"), ["it is not three parts with a dot between them"]);
        assert_eq!(whats("!.e30.AA"), ["its header is no JSON object in base64url"]);
        assert!(whats("..c2ln;info=<https://a>").is_empty() && whats("\"ZYNBbHC00VMZr2kZt6Vm=\"").is_empty());
        assert_eq!(whats("..c2ln;info=<https://a>;ppt=shaken").len(), 1);
        // {} as header and claims: all is missing.
        assert!(whats("e30.e30.AA").len() >= 7);
        let deep = "[".repeat(5000);
        assert_eq!(whats(&format!("{}.e30.AA", base64::Engine::encode(&super::BASE64, deep))).len(), 1);
    }
}
