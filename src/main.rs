//! The `sipctl` binary.

fn main() -> std::process::ExitCode {
    sipctl::commands::run()
}
