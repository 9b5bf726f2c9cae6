//! `sipctl decode --list-devices`

use super::Failure;
use crate::cli::output::OutputArgs;
use crate::report::Exit;

/// Lists the devices that can be captured on.
///
/// # Errors
/// When libpcap is absent, or the list cannot be had.
#[cfg(feature = "live")]
pub fn list(args: &OutputArgs) -> Result<Exit, Failure> {
    use super::output;
    use crate::capture::live;
    use crate::cli::output::Format;
    let devices = live::devices().map_err(|e| Failure::new(Exit::Unreachable, e))?;
    let mut out = output::open(args)?;
    if args.form() == Format::Text {
        for device in devices {
            let addresses: Vec<String> = device.addresses.iter().map(ToString::to_string).collect();
            let state = if device.up { "up" } else { "down" };
            let what = device.description.unwrap_or_default();
            let line = format!("{:<16} {state:<5} {:<40} {what}", device.name, addresses.join(" "));
            writeln!(out.writer, "{}", output::one_line(line.trim_end()))?;
        }
    } else {
        let told: Vec<serde_json::Value> = devices
            .into_iter()
            .map(|d| {
                serde_json::json!({
                    "name": d.name, "description": d.description, "addresses": d.addresses,
                    "up": d.up, "running": d.running, "loopback": d.loopback, "wireless": d.wireless,
                })
            })
            .collect();
        let document = serde_json::json!({"schema": "sipctl.devices/1", "devices": told});
        writeln!(out.writer, "{document}")?;
    }
    out.writer.flush()?;
    Ok(Exit::Good)
}

/// Says that this build cannot capture.
///
/// # Errors
/// Always.
#[cfg(not(feature = "live"))]
pub fn list(_: &OutputArgs) -> Result<Exit, Failure> {
    Err(super::decode::no_live())
}
