//! The `sipctl` binary.

/// The open calls of a long capture are spread over a hundred megabytes, and each message touches some of them: in large
/// pages, which jemalloc asks for (`.cargo/config.toml` says so when it is built), fewer addresses have to be looked up.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    sipctl::commands::run()
}
