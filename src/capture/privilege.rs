//! Giving up root once the device is open: what parses bytes of strangers needs no power over the machine.

use super::CaptureError;
use nix::unistd::{Gid, Uid, User, getegid, geteuid, getgid, getuid, setgid, setgroups, setuid};

/// Becomes `user` (a name or a number) for good, with no other groups than the user's own. Without effective root it does
/// nothing and returns `false`: whoever was given only the right to capture has nothing to give up.
///
/// # Errors
/// [`CaptureError::Privilege`] where there is no such user, the system refuses, or root could be taken back.
pub fn drop_to(user: &str) -> Result<bool, CaptureError> {
    if !geteuid().is_root() {
        return Ok(false);
    }
    let failed = |cause: String| CaptureError::Privilege { user: user.to_owned(), cause };
    let plain = |e: nix::errno::Errno| failed(e.desc().to_owned());
    let found = match user.parse::<u32>() {
        Ok(number) => User::from_uid(Uid::from_raw(number)),
        Err(_) => User::from_name(user),
    };
    let found = found.map_err(plain)?.ok_or_else(|| failed("there is no such user".to_owned()))?;
    if found.uid.is_root() {
        return Err(failed("that would still be root".to_owned()));
    }
    // Groups first: without root they could not be set any more.
    setgroups(&[found.gid]).map_err(plain)?;
    setgid(found.gid).map_err(plain)?;
    setuid(found.uid).map_err(plain)?;
    let changed = [getuid(), geteuid()] == [found.uid; 2] && [getgid(), getegid()] == [found.gid; 2];
    if !changed || setuid(Uid::from_raw(0)).is_ok() || setgid(Gid::from_raw(0)).is_ok() && !is_root_group(found.gid) {
        return Err(failed("root could be taken back".to_owned()));
    }
    Ok(true)
}

/// Whether the user's own group is that of root, so that becoming it again proves nothing.
fn is_root_group(group: Gid) -> bool {
    group.as_raw() == 0
}

#[cfg(test)]
mod tests {
    use super::drop_to;
    use nix::unistd::{geteuid, getgroups, getuid};
    use std::process::Command;

    /// Runs only when the test below starts it in a process of its own.
    #[test]
    fn in_a_process_of_its_own() {
        if std::env::var_os("SIPCTL_TEST_DROP").is_none() {
            return;
        }
        assert!(drop_to("no-such-user-here").unwrap_err().to_string().contains("there is no such user"));
        assert!(drop_to("root").unwrap_err().to_string().contains("still be root"));
        assert!(drop_to("nobody").unwrap());
        assert!(!getuid().is_root() && !geteuid().is_root());
        assert!(getgroups().unwrap().iter().all(|g| g.as_raw() != 0));
        assert!(std::fs::File::open("/etc/shadow").is_err());
        assert!(!drop_to("nobody").unwrap(), "there is nothing more to give up");
    }

    #[test]
    fn root_is_given_up_for_good() {
        if !geteuid().is_root() {
            return eprintln!("skipped: not root");
        }
        let done = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "capture::privilege::tests::in_a_process_of_its_own", "--nocapture"])
            .env("SIPCTL_TEST_DROP", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
    }
}
