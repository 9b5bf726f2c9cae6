//! `--expect 'summary.calls_by_state.completed >= 10'`: conditions on the JSON of a report.
//!
//! ```text
//! condition  = all *( "||" all )          all   = one *( "&&" one )
//! one        = [ "!" ] ( "(" condition ")" | value [ op value ] )
//! op         = "==" | "!=" | "<" | "<=" | ">" | ">="
//! value      = number | "text" | 'text' | true | false | null | path | "length(" path ")"
//! path       = name *( "." name | "[" number "]" )
//! ```
//!
//! A path that leads nowhere counts as 0 beside a number and as false on its own: a state that no call is in has no key.

use serde_json::Value;
use std::cmp::Ordering;

/// A condition, read and ready to be held against a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    text: String,
    root: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    Truth(Operand),
    Compare(Operand, Op, Operand),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Literal(Value),
    Path(Vec<Step>),
    Length(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Why a condition cannot be read: where, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the condition '{text}' at column {column}: expected {expected}")]
pub struct ExpectError {
    text: String,
    column: usize,
    expected: &'static str,
}

/// Parentheses may be nested so deep.
const DEPTH_CAP: usize = 32;

impl std::str::FromStr for Expectation {
    type Err = ExpectError;

    fn from_str(text: &str) -> Result<Self, ExpectError> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let root = reader.any()?;
        reader.blanks();
        if reader.at < text.len() {
            return Err(reader.wrong("&&, || or the end"));
        }
        Ok(Expectation { text: text.to_owned(), root })
    }
}

impl Expectation {
    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it asks for more than `schema`, `sources` and `summary`.
    #[must_use]
    pub fn needs_details(&self) -> bool {
        let mut needs = false;
        self.root.each_operand(&mut |operand| {
            if let Operand::Path(steps) | Operand::Length(steps) = operand {
                needs |= !matches!(steps.first(), Some(Step::Key(key)) if matches!(key.as_str(), "schema" | "sources" | "summary"));
            }
        });
        needs
    }

    /// Whether the document fulfils it.
    #[must_use]
    pub fn holds(&self, document: &Value) -> bool {
        self.root.holds(document)
    }

    /// What its paths lead to in the document, for saying why it does not hold: `summary.calls = 3`.
    #[must_use]
    pub fn found(&self, document: &Value) -> Vec<String> {
        let mut told = Vec::new();
        self.root.each_operand(&mut |operand| {
            if !matches!(operand, Operand::Literal(_)) {
                told.push(format!("{} = {}", operand.shown(), operand.value(document)));
            }
        });
        told
    }
}

impl Node {
    fn holds(&self, document: &Value) -> bool {
        match self {
            Node::Any(nodes) => nodes.iter().any(|n| n.holds(document)),
            Node::All(nodes) => nodes.iter().all(|n| n.holds(document)),
            Node::Not(node) => !node.holds(document),
            Node::Truth(operand) => match operand.value(document) {
                Value::Null => false,
                Value::Bool(b) => b,
                Value::Number(n) => n.as_f64() != Some(0.0),
                Value::String(s) => !s.is_empty(),
                Value::Array(a) => !a.is_empty(),
                Value::Object(o) => !o.is_empty(),
            },
            Node::Compare(left, op, right) => compare(&left.value(document), *op, &right.value(document)),
        }
    }

    fn each_operand(&self, tell: &mut impl FnMut(&Operand)) {
        match self {
            Node::Any(nodes) | Node::All(nodes) => nodes.iter().for_each(|n| n.each_operand(tell)),
            Node::Not(node) => node.each_operand(tell),
            Node::Truth(operand) => tell(operand),
            Node::Compare(left, _, right) => {
                tell(left);
                tell(right);
            }
        }
    }
}

fn compare(left: &Value, op: Op, right: &Value) -> bool {
    let absent_as_zero = |value: &Value, other: &Value| match (value, other) {
        (Value::Null, Value::Number(_)) => Value::from(0),
        _ => value.clone(),
    };
    let (a, b) = (absent_as_zero(left, right), absent_as_zero(right, left));
    let order = match (&a, &b) {
        (Value::Number(x), Value::Number(y)) => x.as_f64().partial_cmp(&y.as_f64()),
        (Value::String(x), Value::String(y)) => Some(x.cmp(y)),
        _ if a == b => Some(Ordering::Equal),
        _ => None,
    };
    match op {
        Op::Equal => order == Some(Ordering::Equal),
        Op::Unequal => order != Some(Ordering::Equal),
        Op::Less => order == Some(Ordering::Less),
        Op::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Op::Greater => order == Some(Ordering::Greater),
        Op::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

impl Operand {
    fn value(&self, document: &Value) -> Value {
        let follow = |steps: &[Step]| {
            steps.iter().try_fold(document, |at, step| match step {
                Step::Key(key) => at.get(key),
                Step::Index(index) => at.get(index),
            })
        };
        match self {
            Operand::Literal(value) => value.clone(),
            Operand::Path(steps) => follow(steps).cloned().unwrap_or(Value::Null),
            Operand::Length(steps) => Value::from(match follow(steps) {
                Some(Value::Array(a)) => a.len(),
                Some(Value::Object(o)) => o.len(),
                Some(Value::String(s)) => s.chars().count(),
                _ => 0,
            }),
        }
    }

    fn shown(&self) -> String {
        let path = |steps: &[Step]| {
            let mut text = String::new();
            for step in steps {
                match step {
                    Step::Key(key) if text.is_empty() => text.push_str(key),
                    Step::Key(key) => text.push_str(&format!(".{key}")),
                    Step::Index(index) => text.push_str(&format!("[{index}]")),
                }
            }
            text
        };
        match self {
            Operand::Literal(value) => value.to_string(),
            Operand::Path(steps) => path(steps),
            Operand::Length(steps) => format!("length({})", path(steps)),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn wrong(&self, expected: &'static str) -> ExpectError {
        let column = self.text.get(..self.at).map_or(0, |t| t.chars().count()) + 1;
        ExpectError { text: self.text.to_owned(), column, expected }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn any(&mut self) -> Result<Node, ExpectError> {
        let mut nodes = vec![self.all()?];
        while self.eat("||") {
            nodes.push(self.all()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self) -> Result<Node, ExpectError> {
        let mut nodes = vec![self.one()?];
        while self.eat("&&") {
            nodes.push(self.one()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn one(&mut self) -> Result<Node, ExpectError> {
        self.blanks();
        if self.depth >= DEPTH_CAP {
            return Err(self.wrong("fewer parentheses"));
        }
        if self.rest().starts_with('!') && !self.rest().starts_with("!=") {
            self.at += 1;
            self.depth += 1;
            let node = self.one()?;
            self.depth -= 1;
            return Ok(Node::Not(Box::new(node)));
        }
        if self.eat("(") {
            self.depth += 1;
            let node = self.any()?;
            self.depth -= 1;
            return if self.eat(")") { Ok(node) } else { Err(self.wrong("')'")) };
        }
        let left = self.operand()?;
        const OPS: [(&str, Op); 6] = [
            ("==", Op::Equal),
            ("!=", Op::Unequal),
            ("<=", Op::AtMost),
            (">=", Op::AtLeast),
            ("<", Op::Less),
            (">", Op::Greater),
        ];
        match OPS.iter().find(|(token, _)| self.eat(token)) {
            Some((_, op)) => Ok(Node::Compare(left, *op, self.operand()?)),
            None => Ok(Node::Truth(left)),
        }
    }

    fn operand(&mut self) -> Result<Operand, ExpectError> {
        self.blanks();
        let rest = self.rest();
        match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let end = rest[1..].find(quote).ok_or_else(|| self.wrong("a closing quote"))?;
                self.at += end + 2;
                Ok(Operand::Literal(Value::from(&rest[1..=end])))
            }
            Some(c) if c.is_ascii_digit() || c == '-' => {
                let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let number: f64 = rest[..end].parse().map_err(|_| self.wrong("a number"))?;
                self.at += end;
                Ok(Operand::Literal(Value::from(number)))
            }
            Some(c) if c.is_alphabetic() || c == '_' => {
                let steps = self.path()?;
                match steps.as_slice() {
                    [Step::Key(word)] if word == "true" => Ok(Operand::Literal(Value::Bool(true))),
                    [Step::Key(word)] if word == "false" => Ok(Operand::Literal(Value::Bool(false))),
                    [Step::Key(word)] if word == "null" => Ok(Operand::Literal(Value::Null)),
                    [Step::Key(word)] if word == "length" && self.eat("(") => {
                        let steps = self.path()?;
                        if self.eat(")") { Ok(Operand::Length(steps)) } else { Err(self.wrong("')'")) }
                    }
                    _ => Ok(Operand::Path(steps)),
                }
            }
            _ => Err(self.wrong("a path such as summary.calls, a number or a text")),
        }
    }

    fn path(&mut self) -> Result<Vec<Step>, ExpectError> {
        let mut steps = Vec::new();
        self.blanks();
        loop {
            let rest = self.rest();
            let is_name = |c: char| c.is_alphanumeric() || c == '_' || (c == '-' && !steps.is_empty());
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(self.wrong("a name"));
            }
            steps.push(Step::Key(rest[..end].to_owned()));
            self.at += end;
            while self.rest().starts_with('[') {
                let rest = self.rest();
                let end = rest.find(']').ok_or_else(|| self.wrong("']'"))?;
                let index = rest[1..end].trim().parse().map_err(|_| self.wrong("a number between [ and ]"))?;
                steps.push(Step::Index(index));
                self.at += end + 1;
            }
            if !self.rest().starts_with('.') {
                return Ok(steps);
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Expectation;
    use serde_json::json;

    fn holds(text: &str) -> bool {
        let document = json!({
            "summary": {"calls": 12, "calls_by_state": {"completed": 11, "busy": 1}, "requests": {"INVITE": 12}},
            "calls": [{"id": 1, "state": "completed", "answered_ms": 250.5}],
        });
        text.parse::<Expectation>().unwrap().holds(&document)
    }

    #[test]
    fn compares_paths_with_numbers_and_texts() {
        assert!(holds("summary.calls_by_state.completed >= 10"));
        assert!(!holds("summary.calls_by_state.completed > 11"));
        assert!(holds("calls[0].state == 'completed' && calls[0].answered_ms < 300"));
        assert!(holds("length(calls) == 1 && summary.requests.INVITE != 3"));
        assert!(holds("!(summary.calls == 1 || summary.calls == 2)"));
    }

    #[test]
    fn a_key_that_is_not_there_counts_as_zero() {
        assert!(holds("summary.calls_by_state.failed == 0"));
        assert!(!holds("summary.calls_by_state.failed > 0"));
        assert!(!holds("calls[7].state"));
        assert!(holds("calls[7].state == null"));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, column) in
            [("", 1), ("summary.calls >=", 17), ("(a == 1", 8), ("a == 'x", 6), ("a = 1", 3), ("a[x] > 1", 2)]
        {
            let error = text.parse::<Expectation>().unwrap_err();
            assert!(error.to_string().contains(&format!("column {column}:")), "{text}: {error}");
        }
        assert!(format!("{}1{}", "(".repeat(99), ")".repeat(99)).parse::<Expectation>().is_err());
    }

    #[test]
    fn says_what_was_found() {
        let e: Expectation = "summary.calls >= 3".parse().unwrap();
        assert_eq!(e.found(&json!({"summary": {"calls": 2}})), ["summary.calls = 2"]);
    }
}
