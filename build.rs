//! Lets the crate be linked where libpcap is not installed. The `pcap` crate asks the linker for `-lpcap`; it is given an
//! empty archive, and `src/capture/libpcap.rs` defines the functions, which load the real library when a device is opened.

use std::path::Path;
use std::{env, fs};

/// An `ar` archive without members.
const EMPTY_ARCHIVE: &[u8] = b"!<arch>\n";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_LIVE").is_none() {
        return;
    }
    let Some(out) = env::var_os("OUT_DIR") else { return };
    let archive = Path::new(&out).join("libpcap.a");
    if let Err(e) = fs::write(&archive, EMPTY_ARCHIVE) {
        println!("cargo:error=cannot write {}: {e}", archive.display());
    }
    println!("cargo:rustc-link-search=native={}", Path::new(&out).display());
}
