//! The real binary in a prepared room: an own directory, an empty environment, `testdata/` at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file of `testdata/`.
pub fn testdata(name: &str) -> PathBuf {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    if name.is_empty() { base } else { base.join(name) }
}

/// A directory of its own in which `sipctl` runs with nothing of the environment but what a test sets.
pub struct Room {
    /// The directory.
    pub dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Room {
    /// A room.
    pub fn new() -> Room {
        Room { dir: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    /// The same with a variable set.
    pub fn with(mut self, name: &str, value: &str) -> Room {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the room.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The command, not run yet. Its working directory is `testdata/`.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
        command.args(args).current_dir(testdata("")).env_clear().env("TMPDIR", self.dir.path());
        command.envs(self.env.iter().map(|(n, v)| (n.as_str(), v.as_str()))).stdin(Stdio::null());
        command
    }

    /// Runs `sipctl`.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Runs `sipctl decode`.
    pub fn decode(&self, args: &[&str]) -> Ran {
        self.run(&[&["decode"], args].concat())
    }

    /// Runs `sipctl decode` with something on standard input.
    pub fn decode_from(&self, stdin: &[u8], args: &[&str]) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command(&[&["decode"], args].concat()));
        Ran::of(command.write_stdin(stdin).output().unwrap())
    }
}

impl Ran {
    /// What a finished process left.
    pub fn of(output: std::process::Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Its output as JSON; the run has to have been good and quiet.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{self:?}"))
    }

    /// Its output as JSON, one value a line.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
    }

    /// Asserts exit code and standard error, and gives standard output.
    #[track_caller]
    pub fn ends(&self, code: i32, stderr: &str) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(code), stderr), "{self:?}");
        &self.stdout
    }
}
