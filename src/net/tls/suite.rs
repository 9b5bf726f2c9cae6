//! The table of cipher suites: names, and what has to be known of one to open its records.

use std::fmt;

use super::schedule::Hash;

/// A cipher suite by its number in the TLS registry of IANA.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CipherSuite(pub u16);

impl CipherSuite {
    /// The registered name, `None` for a suite that is not in the table.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|e| e.name)
    }

    /// How its records are protected; `None` for what cannot be opened here.
    pub(super) fn protection(self) -> Option<Protection> {
        self.entry().and_then(|e| e.protection)
    }

    /// The hash under the PRF of TLS 1.2 and the key schedule of TLS 1.3.
    pub(super) fn hash(self) -> Hash {
        // RFC 5246 §5: suites that name no stronger hash use SHA-256.
        match self.entry() {
            Some(e) if e.name.ends_with("SHA384") => Hash::Sha384,
            _ => Hash::Sha256,
        }
    }

    /// Whether the premaster secret is sent under the server's RSA key (RFC 5246 §7.4.7.1).
    pub(super) fn is_rsa_key_exchange(self) -> bool {
        self.entry().is_some_and(|e| e.name.starts_with("TLS_RSA_WITH_"))
    }

    fn entry(self) -> Option<&'static Entry> {
        SUITES.binary_search_by_key(&self.0, |e| e.number).ok().and_then(|i| SUITES.get(i))
    }
}

impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl fmt::Debug for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the records of a suite are protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protection {
    /// AES in Galois/Counter Mode, with 16 or 32 bytes of key (RFC 5288).
    Gcm { key: usize },
    /// ChaCha20-Poly1305 (RFC 7905).
    ChaCha20Poly1305,
    /// AES in CBC mode with an HMAC.
    Cbc { key: usize, mac: Hash },
    /// No encryption, an HMAC only.
    Null { mac: Hash },
}

impl Protection {
    /// Bytes of MAC key, cipher key and implicit nonce that each side takes from the key block (RFC 5246 §6.3).
    pub(super) fn key_lengths(self, chained_iv: bool) -> (usize, usize, usize) {
        match self {
            Protection::Gcm { key } => (0, key, 4),
            Protection::ChaCha20Poly1305 => (0, 32, 12),
            Protection::Cbc { key, mac } => (mac.len(), key, if chained_iv { 16 } else { 0 }),
            Protection::Null { mac } => (mac.len(), 0, 0),
        }
    }
}

struct Entry {
    number: u16,
    name: &'static str,
    protection: Option<Protection>,
}

const fn suite(number: u16, name: &'static str, protection: Option<Protection>) -> Entry {
    Entry { number, name, protection }
}

const GCM128: Option<Protection> = Some(Protection::Gcm { key: 16 });
const GCM256: Option<Protection> = Some(Protection::Gcm { key: 32 });
const CHACHA: Option<Protection> = Some(Protection::ChaCha20Poly1305);
const CBC128_SHA: Option<Protection> = Some(Protection::Cbc { key: 16, mac: Hash::Sha1 });
const CBC256_SHA: Option<Protection> = Some(Protection::Cbc { key: 32, mac: Hash::Sha1 });
const CBC128_SHA256: Option<Protection> = Some(Protection::Cbc { key: 16, mac: Hash::Sha256 });
const CBC256_SHA256: Option<Protection> = Some(Protection::Cbc { key: 32, mac: Hash::Sha256 });
const CBC256_SHA384: Option<Protection> = Some(Protection::Cbc { key: 32, mac: Hash::Sha384 });
const NULL_MD5: Option<Protection> = Some(Protection::Null { mac: Hash::Md5 });
const NULL_SHA: Option<Protection> = Some(Protection::Null { mac: Hash::Sha1 });
const NULL_SHA256: Option<Protection> = Some(Protection::Null { mac: Hash::Sha256 });
const NULL_SHA384: Option<Protection> = Some(Protection::Null { mac: Hash::Sha384 });
const CLOSED: Option<Protection> = None;

/// In ascending order of the number, as `entry` searches it.
static SUITES: &[Entry] = &[
    suite(0x0001, "TLS_RSA_WITH_NULL_MD5", NULL_MD5),
    suite(0x0002, "TLS_RSA_WITH_NULL_SHA", NULL_SHA),
    suite(0x0004, "TLS_RSA_WITH_RC4_128_MD5", CLOSED),
    suite(0x0005, "TLS_RSA_WITH_RC4_128_SHA", CLOSED),
    suite(0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0x0013, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0x0018, "TLS_DH_anon_WITH_RC4_128_MD5", CLOSED),
    suite(0x001b, "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0x002c, "TLS_PSK_WITH_NULL_SHA", NULL_SHA),
    suite(0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0030, "TLS_DH_DSS_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0031, "TLS_DH_RSA_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x0036, "TLS_DH_DSS_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x0037, "TLS_DH_RSA_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x003b, "TLS_RSA_WITH_NULL_SHA256", NULL_SHA256),
    suite(0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", CBC256_SHA256),
    suite(0x003e, "TLS_DH_DSS_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x003f, "TLS_DH_RSA_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", CLOSED),
    suite(0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", CLOSED),
    suite(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x0068, "TLS_DH_DSS_WITH_AES_256_CBC_SHA256", CBC256_SHA256),
    suite(0x0069, "TLS_DH_RSA_WITH_AES_256_CBC_SHA256", CBC256_SHA256),
    suite(0x006a, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", CBC256_SHA256),
    suite(0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", CBC256_SHA256),
    suite(0x006c, "TLS_DH_anon_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x006d, "TLS_DH_anon_WITH_AES_256_CBC_SHA256", CBC256_SHA256),
    suite(0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", CLOSED),
    suite(0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", CLOSED),
    suite(0x008b, "TLS_PSK_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0x008c, "TLS_PSK_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x008d, "TLS_PSK_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x0090, "TLS_DHE_PSK_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0091, "TLS_DHE_PSK_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x0094, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0x0095, "TLS_RSA_PSK_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00a0, "TLS_DH_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x00a1, "TLS_DH_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00a2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x00a3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00a4, "TLS_DH_DSS_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x00a5, "TLS_DH_DSS_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x00a7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00aa, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x00ab, "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00ac, "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0x00ad, "TLS_RSA_PSK_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0x00ae, "TLS_PSK_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x00af, "TLS_PSK_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0x00b0, "TLS_PSK_WITH_NULL_SHA256", NULL_SHA256),
    suite(0x00b1, "TLS_PSK_WITH_NULL_SHA384", NULL_SHA384),
    suite(0x00b2, "TLS_DHE_PSK_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x00b3, "TLS_DHE_PSK_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0x00b6, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0x00b7, "TLS_RSA_PSK_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0x1301, "TLS_AES_128_GCM_SHA256", GCM128),
    suite(0x1302, "TLS_AES_256_GCM_SHA384", GCM256),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", CHACHA),
    suite(0x1304, "TLS_AES_128_CCM_SHA256", CLOSED),
    suite(0x1305, "TLS_AES_128_CCM_8_SHA256", CLOSED),
    suite(0xc001, "TLS_ECDH_ECDSA_WITH_NULL_SHA", NULL_SHA),
    suite(0xc002, "TLS_ECDH_ECDSA_WITH_RC4_128_SHA", CLOSED),
    suite(0xc003, "TLS_ECDH_ECDSA_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0xc004, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0xc005, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0xc006, "TLS_ECDHE_ECDSA_WITH_NULL_SHA", NULL_SHA),
    suite(0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", CLOSED),
    suite(0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0xc00b, "TLS_ECDH_RSA_WITH_NULL_SHA", NULL_SHA),
    suite(0xc00c, "TLS_ECDH_RSA_WITH_RC4_128_SHA", CLOSED),
    suite(0xc00d, "TLS_ECDH_RSA_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0xc00e, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0xc00f, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0xc010, "TLS_ECDHE_RSA_WITH_NULL_SHA", NULL_SHA),
    suite(0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", CLOSED),
    suite(0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", CLOSED),
    suite(0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0xc015, "TLS_ECDH_anon_WITH_NULL_SHA", NULL_SHA),
    suite(0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0xc019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0xc025, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0xc026, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0xc029, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0xc02a, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0xc02d, "TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0xc02e, "TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0xc031, "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", GCM128),
    suite(0xc032, "TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384", GCM256),
    suite(0xc035, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA", CBC128_SHA),
    suite(0xc036, "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA", CBC256_SHA),
    suite(0xc037, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256", CBC128_SHA256),
    suite(0xc038, "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA384", CBC256_SHA384),
    suite(0xc039, "TLS_ECDHE_PSK_WITH_NULL_SHA", NULL_SHA),
    suite(0xc03a, "TLS_ECDHE_PSK_WITH_NULL_SHA256", NULL_SHA256),
    suite(0xc03b, "TLS_ECDHE_PSK_WITH_NULL_SHA384", NULL_SHA384),
    suite(0xc09c, "TLS_RSA_WITH_AES_128_CCM", CLOSED),
    suite(0xc09d, "TLS_RSA_WITH_AES_256_CCM", CLOSED),
    suite(0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM", CLOSED),
    suite(0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM", CLOSED),
    suite(0xc0a0, "TLS_RSA_WITH_AES_128_CCM_8", CLOSED),
    suite(0xc0a1, "TLS_RSA_WITH_AES_256_CCM_8", CLOSED),
    suite(0xc0a2, "TLS_DHE_RSA_WITH_AES_128_CCM_8", CLOSED),
    suite(0xc0a3, "TLS_DHE_RSA_WITH_AES_256_CCM_8", CLOSED),
    suite(0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", CLOSED),
    suite(0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", CLOSED),
    suite(0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", CLOSED),
    suite(0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", CLOSED),
    suite(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    suite(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    suite(0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    suite(0xccab, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    suite(0xccac, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    suite(0xccad, "TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
    suite(0xccae, "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256", CHACHA),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_entry_is_found() {
        for e in SUITES {
            assert_eq!(CipherSuite(e.number).name(), Some(e.name));
        }
    }

    #[test]
    fn the_hash_follows_the_name() {
        // RFC 5288 §3: AES-256-GCM suites have SHA-384; RFC 5246 §5: the SHA-1 suites have SHA-256 under the PRF.
        assert_eq!(CipherSuite(0xc030).hash(), Hash::Sha384);
        assert_eq!(CipherSuite(0x002f).hash(), Hash::Sha256);
        assert_eq!(CipherSuite(0x1302).hash(), Hash::Sha384);
        assert_eq!(CipherSuite(0xfafa).to_string(), "0xfafa");
        assert!(CipherSuite(0x009c).is_rsa_key_exchange());
        assert!(!CipherSuite(0x00ac).is_rsa_key_exchange());
    }
}
