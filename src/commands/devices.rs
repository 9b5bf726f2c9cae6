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
        // A struct keeps the order of its fields: the schema stands first.
        let document = Document { schema: "sipctl.devices/1", devices: devices.iter().map(Device::of).collect() };
        serde_json::to_writer(&mut out.writer, &document).map_err(std::io::Error::from)?;
        writeln!(out.writer)?;
    }
    out.writer.flush()?;
    Ok(Exit::Good)
}

/// The list as JSON.
#[cfg(feature = "live")]
#[derive(serde::Serialize)]
struct Document<'a> {
    schema: &'static str,
    devices: Vec<Device<'a>>,
}

#[cfg(feature = "live")]
#[derive(serde::Serialize)]
struct Device<'a> {
    name: &'a str,
    description: Option<&'a str>,
    addresses: &'a [std::net::IpAddr],
    up: bool,
    running: bool,
    loopback: bool,
    wireless: bool,
}

#[cfg(feature = "live")]
impl<'a> Device<'a> {
    fn of(d: &'a crate::capture::live::Device) -> Self {
        Device {
            name: &d.name,
            description: d.description.as_deref(),
            addresses: &d.addresses,
            up: d.up,
            running: d.running,
            loopback: d.loopback,
            wireless: d.wireless,
        }
    }
}

/// Says that this build cannot capture.
///
/// # Errors
/// Always.
#[cfg(not(feature = "live"))]
pub fn list(_: &OutputArgs) -> Result<Exit, Failure> {
    Err(super::decode::no_live())
}
