//! The functions of libpcap that the `pcap` crate calls, each of which loads the system's library when it is first needed.
//!
//! Linking libpcap would keep the whole program from starting where it is missing or has another file name, although only
//! live capture and filters need it. This file holds the only unsafe code of the crate. Why it is sound: the signatures are
//! those of `pcap.h`, every argument is passed on as it came from the `pcap` crate, and without the library each function
//! returns what libpcap itself returns on failure.
#![allow(unsafe_code)]

use super::CaptureError;
use libloading::Library;
use std::error::Error;
use std::ffi::{c_char, c_int, c_uchar, c_uint, c_void};
use std::sync::OnceLock;

/// Names of the library: the standard one, Debian's, and the one of development packages and macOS.
const NAMES: &[&str] = &["libpcap.so.1", "libpcap.so.0.8", "libpcap.so", "libpcap.dylib"];

static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();

/// Loads libpcap if it has not been yet.
///
/// # Errors
/// [`CaptureError::NoLibpcap`] where no library of its names can be loaded.
pub(super) fn load() -> Result<(), CaptureError> {
    match library() {
        Ok(_) => Ok(()),
        Err(cause) => Err(CaptureError::NoLibpcap { cause: cause.clone() }),
    }
}

fn library() -> &'static Result<Library, String> {
    LIBRARY.get_or_init(|| {
        let mut cause = String::new();
        for name in NAMES {
            // SAFETY: the constructors of libpcap and of what it is linked to may run at any time.
            match unsafe { Library::new(*name) } {
                Ok(library) => return Ok(library),
                // The reason stands in the source of the error; the error itself only says what failed.
                Err(e) if cause.is_empty() => cause = e.source().map_or_else(|| e.to_string(), ToString::to_string),
                Err(_) => {}
            }
        }
        Err(cause)
    })
}

/// Defines functions that pass their arguments to the library's function of the same name, or return what stands behind
/// `else` where the library or the function is missing.
macro_rules! forward {
    ($(fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $absent:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $ty),*) $(-> $ret)? {
            type Function = unsafe extern "C" fn($($ty),*) $(-> $ret)?;
            static FOUND: OnceLock<Option<Function>> = OnceLock::new();
            let found = FOUND.get_or_init(|| {
                let library = library().as_ref().ok()?;
                // SAFETY: the type is that of the declaration in `pcap.h`, and the library is never closed.
                unsafe { library.get::<Function>(concat!(stringify!($name), "\0").as_bytes()) }.ok().map(|f| *f)
            });
            match found {
                // SAFETY: the caller keeps the promises that `pcap.h` asks for; they are passed on unchanged.
                Some(function) => unsafe { function($($arg),*) },
                None => $absent,
            }
        }
    )*};
}

/// A handle, a list of devices, a compiled filter or a packet: only libpcap and the `pcap` crate look inside.
type Opaque = *mut c_void;
/// libpcap's PCAP_ERROR.
const FAILED: c_int = -1;
const NULL: Opaque = std::ptr::null_mut();

forward! {
    fn pcap_create(device: *const c_char, error: *mut c_char) -> Opaque = NULL;
    fn pcap_set_snaplen(handle: Opaque, snaplen: c_int) -> c_int = FAILED;
    fn pcap_set_promisc(handle: Opaque, on: c_int) -> c_int = FAILED;
    fn pcap_set_timeout(handle: Opaque, milliseconds: c_int) -> c_int = FAILED;
    fn pcap_set_buffer_size(handle: Opaque, bytes: c_int) -> c_int = FAILED;
    fn pcap_set_rfmon(handle: Opaque, on: c_int) -> c_int = FAILED;
    fn pcap_set_immediate_mode(handle: Opaque, on: c_int) -> c_int = FAILED;
    fn pcap_set_tstamp_type(handle: Opaque, kind: c_int) -> c_int = FAILED;
    fn pcap_set_tstamp_precision(handle: Opaque, precision: c_int) -> c_int = FAILED;
    fn pcap_get_tstamp_precision(handle: Opaque) -> c_int = 0;
    fn pcap_activate(handle: Opaque) -> c_int = FAILED;
    fn pcap_open_dead(link: c_int, snaplen: c_int) -> Opaque = NULL;
    fn pcap_open_dead_with_tstamp_precision(link: c_int, snaplen: c_int, precision: c_uint) -> Opaque = NULL;
    fn pcap_open_offline(path: *const c_char, error: *mut c_char) -> Opaque = NULL;
    fn pcap_open_offline_with_tstamp_precision(path: *const c_char, precision: c_uint, error: *mut c_char) -> Opaque
        = NULL;
    fn pcap_fopen_offline(file: Opaque, error: *mut c_char) -> Opaque = NULL;
    fn pcap_fopen_offline_with_tstamp_precision(file: Opaque, precision: c_uint, error: *mut c_char) -> Opaque = NULL;
    fn pcap_close(handle: Opaque) = ();
    fn pcap_loop(handle: Opaque, count: c_int, callback: Opaque, user: *mut c_uchar) -> c_int = FAILED;
    fn pcap_dispatch(handle: Opaque, count: c_int, callback: Opaque, user: *mut c_uchar) -> c_int = FAILED;
    fn pcap_next_ex(handle: Opaque, header: *mut Opaque, data: *mut *const c_uchar) -> c_int = FAILED;
    fn pcap_breakloop(handle: Opaque) = ();
    fn pcap_stats(handle: Opaque, stats: Opaque) -> c_int = FAILED;
    fn pcap_setfilter(handle: Opaque, program: Opaque) -> c_int = FAILED;
    fn pcap_setdirection(handle: Opaque, direction: c_uint) -> c_int = FAILED;
    fn pcap_setnonblock(handle: Opaque, on: c_int, error: *mut c_char) -> c_int = FAILED;
    fn pcap_sendpacket(handle: Opaque, data: *const c_uchar, len: c_int) -> c_int = FAILED;
    fn pcap_geterr(handle: Opaque) -> *mut c_char = MISSING.as_ptr().cast_mut();
    fn pcap_compile(handle: Opaque, program: Opaque, text: *const c_char, optimize: c_int, netmask: c_uint) -> c_int
        = FAILED;
    fn pcap_freecode(program: Opaque) = ();
    fn pcap_offline_filter(program: Opaque, header: Opaque, data: *const c_uchar) -> c_int = 0;
    fn pcap_datalink(handle: Opaque) -> c_int = FAILED;
    fn pcap_list_datalinks(handle: Opaque, list: *mut *mut c_int) -> c_int = FAILED;
    fn pcap_set_datalink(handle: Opaque, link: c_int) -> c_int = FAILED;
    fn pcap_free_datalinks(list: *mut c_int) = ();
    fn pcap_datalink_name_to_val(name: *const c_char) -> c_int = FAILED;
    fn pcap_datalink_val_to_name(link: c_int) -> *const c_char = std::ptr::null();
    fn pcap_datalink_val_to_description(link: c_int) -> *const c_char = std::ptr::null();
    fn pcap_major_version(handle: Opaque) -> c_int = 0;
    fn pcap_minor_version(handle: Opaque) -> c_int = 0;
    fn pcap_fileno(handle: Opaque) -> c_int = FAILED;
    fn pcap_get_selectable_fd(handle: Opaque) -> c_int = FAILED;
    fn pcap_dump_open(handle: Opaque, path: *const c_char) -> Opaque = NULL;
    fn pcap_dump_open_append(handle: Opaque, path: *const c_char) -> Opaque = NULL;
    fn pcap_dump_fopen(handle: Opaque, file: Opaque) -> Opaque = NULL;
    fn pcap_dump_flush(dumper: Opaque) -> c_int = FAILED;
    fn pcap_dump_close(dumper: Opaque) = ();
    fn pcap_dump(user: *mut c_uchar, header: Opaque, data: *const c_uchar) = ();
    fn pcap_findalldevs(list: *mut Opaque, error: *mut c_char) -> c_int = FAILED;
    fn pcap_freealldevs(list: Opaque) = ();
}

/// What the error text of a handle is without the library; there is no handle then, so nobody asks.
const MISSING: &std::ffi::CStr = c"libpcap is not loaded";

/// Whether the times of this open handle are in nanoseconds.
pub(super) fn has_nanoseconds<T: pcap::Activated>(handle: &pcap::Capture<T>) -> bool {
    // SAFETY: the handle is open for as long as it is borrowed, and the call only reads a field of it.
    unsafe { pcap_get_tstamp_precision(handle.as_ptr().cast()) == 1 }
}
