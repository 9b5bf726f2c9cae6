//! TLS as it looks from outside: records, hellos and certificates, none of which opens anything.

/// A record of some content type. RFC 8446 §5.1
pub fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend((content.len() as u16).to_be_bytes());
    bytes.extend(content);
    bytes
}

/// A handshake message in a record of its own.
fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    record(22, &[&[kind][..], &length[1..], body].concat())
}

/// A ClientHello of TLS 1.2 that asks for a name. RFC 5246 §7.4.1.2, RFC 6066 §3
pub fn client_hello(name: &str) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([0x5a; 32]);
    body.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    let entry = [&[0][..], &(name.len() as u16).to_be_bytes(), name.as_bytes()].concat();
    let list = [&(entry.len() as u16).to_be_bytes()[..], &entry].concat();
    let extension = [&[0, 0][..], &(list.len() as u16).to_be_bytes(), &list].concat();
    body.extend((extension.len() as u16).to_be_bytes());
    body.extend(extension);
    handshake(1, &body)
}

/// The answer to it, with the server's certificate. RFC 5246 §7.4.1.3, §7.4.2
pub fn server_hello(certificate: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([0xa5; 32]);
    body.extend([0, 0xc0, 0x2f, 0]);
    let length = |n: usize| (n as u32).to_be_bytes()[1..].to_vec();
    let entry = [length(certificate.len()), certificate.to_vec()].concat();
    let chain = [length(entry.len()), entry].concat();
    [handshake(2, &body), handshake(11, &chain), handshake(14, &[])].concat()
}

/// What a side sends to end its handshake: ChangeCipherSpec, and a Finished that is protected. RFC 5246 §7.1
pub fn finished() -> Vec<u8> {
    [record(20, &[1]), record(22, &[0x77; 40])].concat()
}

/// A fatal alert in the clear. RFC 8446 §6
pub fn alert(description: u8) -> Vec<u8> {
    record(21, &[2, description])
}

/// Protected data.
pub fn data(length: usize) -> Vec<u8> {
    record(23, &vec![0x33; length])
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        n @ 0..128 => bytes.push(n as u8),
        n => bytes.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    bytes.extend(content);
    bytes
}

fn name(common: &str) -> Vec<u8> {
    let attribute = [der(6, &[0x55, 4, 3]), der(12, common.as_bytes())].concat();
    der(0x30, &der(0x31, &der(0x30, &attribute)))
}

/// A certificate for one name, signed by another with nothing that verifies. Times are `YYMMDDHHMMSSZ`. RFC 5280 §4.1
pub fn certificate(subject: &str, issuer: &str, not_before: &str, not_after: &str) -> Vec<u8> {
    let ecdsa = der(0x30, &der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));
    let curve =
        [der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])].concat();
    let key = [vec![0, 4], vec![0x11; 64]].concat();
    let content = [
        der(0xa0, &der(2, &[2])),
        der(2, &[1]),
        ecdsa.clone(),
        name(issuer),
        der(0x30, &[der(0x17, not_before.as_bytes()), der(0x17, not_after.as_bytes())].concat()),
        name(subject),
        der(0x30, &[der(0x30, &curve), der(3, &key)].concat()),
    ];
    let signature = [&[0][..], &der(0x30, &[der(2, &[1]), der(2, &[1])].concat())].concat();
    der(0x30, &[der(0x30, &content.concat()), ecdsa, der(3, &signature)].concat())
}
