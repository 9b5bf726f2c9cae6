//! The tables: text, a row a line.
//!
//! ```text
//! callee  caller  findings[  option ; option]
//! ```
//! A finding is `severity:code`; several are joined by commas, and `-` is none. What is only worth knowing (`info`) is expected where it is written and
//! allowed where it is not. Options: `NAME=value` for the lab's scripts, `callee WORDS` and `caller WORDS` for the command line of one side, `behind
//! SCENARIO` for the callee that Kamailio forwards to, `linger SECONDS` for how long the capture goes on. `#` begins a comment.

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who is called: a scenario, a mode, or a user.
    pub callee: String,
    /// Who calls: a scenario, or `sipctl-ping` and `sipctl-register`.
    pub caller: String,
    /// What is to be found, sorted.
    pub expected: Vec<String>,
    /// What the scripts of the lab are told.
    pub settings: Vec<(String, String)>,
    /// More for the command line of the callee.
    pub callee_words: Vec<String>,
    /// More for the command line of the caller.
    pub caller_words: Vec<String>,
    /// The scenario behind Kamailio.
    pub behind: Option<String>,
    /// Seconds that are captured after the caller has ended.
    pub linger: u64,
}

impl Row {
    /// Whether the caller registers.
    pub fn registers(&self) -> bool {
        self.caller.starts_with("uac_register") || self.caller == "sipctl-register"
    }

    /// Its name: unique in all tables.
    pub fn name(&self) -> String {
        let more: Vec<String> =
            self.settings.iter().map(|(_, value)| value.clone()).chain(self.behind.clone()).collect();
        let name = [&[self.callee.clone(), self.caller.clone()], &more[..]].concat().join("-");
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
    }

    /// What is not as the table says.
    pub fn difference(&self, found: &[String]) -> Option<String> {
        let is_told = |f: &&String| !f.starts_with("info:") || self.expected.contains(*f);
        let told: Vec<&String> = found.iter().filter(is_told).collect();
        (told != self.expected.iter().collect::<Vec<_>>())
            .then(|| format!("{}: expected {}, found {}", self.name(), list(&self.expected), list(found)))
    }
}

fn list(findings: &[String]) -> String {
    if findings.is_empty() { "-".to_owned() } else { findings.join(",") }
}

/// The rows of a table.
pub fn rows(table: &str) -> Vec<Row> {
    let lines = table.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(row).collect()
}

fn row(line: &str) -> Row {
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        rest = after.trim_start();
        word.to_owned()
    };
    let (callee, caller, findings) = (word(), word(), word());
    let mut expected: Vec<String> = findings.split(',').filter(|f| *f != "-").map(str::to_owned).collect();
    assert!(expected.iter().all(|f| f.contains(':')) && !findings.is_empty(), "findings are missing: {line}");
    expected.sort();
    let mut row = Row {
        callee,
        caller,
        expected,
        settings: Vec::new(),
        callee_words: Vec::new(),
        caller_words: Vec::new(),
        behind: None,
        linger: 0,
    };
    for option in rest.split(" ; ").map(str::trim).filter(|option| !option.is_empty()) {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        match option.split_once(' ').unwrap_or((option, "")) {
            ("callee", more) => row.callee_words = words(more),
            ("caller", more) => row.caller_words = words(more),
            ("behind", scenario) => row.behind = Some(scenario.to_owned()),
            ("linger", seconds) => row.linger = seconds.parse().unwrap(),
            _ => {
                let (name, value) = option.split_once('=').unwrap_or_else(|| panic!("no option: {option}"));
                row.settings.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    row
}
