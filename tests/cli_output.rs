//! The forms of the output: text, JSON, lines of JSON, colour, width, files; and the commands that tell of the program itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::os::unix::fs::{MetadataExt, symlink};
use support::room::Room;
use support::scenes::CAPTURES;

#[test]
fn text_is_as_wide_as_it_is_told() {
    let room = Room::new();
    for fixture in CAPTURES {
        for width in [80usize, 120, 200] {
            let text = width.to_string();
            let ran = room.decode(&[fixture.name, "--all", "--width", &text]);
            let widest = ran.stdout.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap();
            assert!(ran.code == Some(0) && widest <= width, "{} at {width} is {widest} wide", fixture.name);
        }
    }
}

#[test]
fn ascii_is_ascii_and_nothing_hostile_gets_through() {
    let room = Room::new();
    for fixture in CAPTURES {
        let ran = room.decode(&[fixture.name, "--all", "--ascii", "--messages", "full"]);
        let odd: Vec<char> = ran.stdout.chars().filter(|c| !matches!(c, '\n' | ' '..='~')).collect();
        assert!(odd.is_empty() && ran.code == Some(0), "{}: {odd:?}", fixture.name);
        for args in [
            &["--all", "--messages", "full"][..],
            &["--json", "--raw"],
            &["--format", "ndjson", "--headers"],
            &["--list"],
        ] {
            let ran = room.decode(&[&[fixture.name], args].concat());
            let is_hostile = |c: &char| {
                (c.is_control() && *c != '\n')
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
            };
            let hostile: Vec<char> = ran.stdout.chars().filter(is_hostile).collect();
            assert!(hostile.is_empty(), "{} {args:?}: {hostile:?}", fixture.name);
        }
    }
}

#[test]
fn colour_is_decided_by_option_then_environment_then_terminal() {
    let is_coloured = |room: &Room, args: &[&str]| {
        let ran = room.decode(&[&["busy.pcap"], args].concat());
        assert_eq!(ran.code, Some(0));
        ran.stdout.contains('\x1b')
    };
    let plain = Room::new();
    let forced = Room::new().with("CLICOLOR_FORCE", "1");
    let refused = Room::new().with("NO_COLOR", "1");
    let both = Room::new().with("CLICOLOR_FORCE", "1").with("NO_COLOR", "1");
    assert!(!is_coloured(&plain, &[]));
    assert!(is_coloured(&plain, &["--color", "always"]));
    assert!(is_coloured(&forced, &[]));
    assert!(!is_coloured(&forced, &["--color", "never"]));
    assert!(!is_coloured(&refused, &[]));
    assert!(is_coloured(&refused, &["--color", "always"]));
    assert!(!is_coloured(&both, &[]));
    assert!(!is_coloured(&Room::new().with("CLICOLOR_FORCE", "0"), &[]));
    assert!(!is_coloured(&Room::new().with("NO_COLOR", ""), &[]));
    for form in ["json", "ndjson"] {
        assert!(!is_coloured(&plain, &["--color", "always", "--format", form]));
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let room = Room::new();
    for name in ["basic-call.pcap", "malformed.pcap", "many-calls.pcap"] {
        let plain = room.decode(&[name, "--all"]);
        let coloured = room.decode(&[name, "--all", "--color", "always"]);
        let mut text = String::new();
        let mut rest = coloured.stdout.as_str();
        while let Some((before, after)) = rest.split_once("\x1b[") {
            text.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        text.push_str(rest);
        assert_eq!(text, plain.stdout, "{name}");
    }
}

#[test]
fn json_is_short_for_format_json_and_summary_is_its_head() {
    let room = Room::new();
    let json = room.decode(&["basic-call.pcap", "--json"]);
    assert_eq!(json, room.decode(&["basic-call.pcap", "-f", "json"]));
    assert!(json.ends(0, "").starts_with("{\"schema\":\"sipctl.decode/1\",\"sources\":"), "{json:?}");
    let whole = json.json();
    let keys: Vec<&String> = whole.as_object().unwrap().keys().collect();
    for key in [
        "schema",
        "sources",
        "summary",
        "calls",
        "registrations",
        "exchanges",
        "messages",
        "streams",
        "findings",
        "peers",
    ] {
        assert!(keys.iter().any(|k| *k == key), "{key} is not in {keys:?}");
    }
    let head = room.decode(&["basic-call.pcap", "--json", "--summary"]).json();
    assert_eq!(head.as_object().unwrap().len(), 3);
    for key in ["schema", "sources", "summary"] {
        assert_eq!(head[key], whole[key]);
    }
}

#[test]
fn lines_hold_what_the_document_holds_and_the_summary_is_last() {
    let room = Room::new();
    for fixture in CAPTURES {
        let document = room.decode(&[fixture.name, "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&document.stdout).unwrap();
        let ran = room.decode(&[fixture.name, "--format", "ndjson"]);
        assert!(ran.stdout.lines().all(|l| l.starts_with("{\"type\":\"")), "{}", fixture.name);
        let mut lines = ran.lines();
        let mut last = lines.pop().unwrap();
        let mut head = |key: &str| last.as_object_mut().unwrap().remove(key).unwrap();
        assert_eq!(
            (head("type"), head("sources")),
            ("summary".into(), document["sources"].clone()),
            "{}",
            fixture.name
        );
        assert_eq!(head("schema"), "sipctl.decode/1");
        assert_eq!(last, document["summary"], "{}", fixture.name);
        let words = [
            ("message", "messages"),
            ("call", "calls"),
            ("registration", "registrations"),
            ("exchange", "exchanges"),
            ("stream", "streams"),
            ("finding", "findings"),
        ];
        for (word, key) in words {
            let mut found: Vec<serde_json::Value> = lines.iter().filter(|l| l["type"] == word).cloned().collect();
            for line in &mut found {
                line.as_object_mut().unwrap().remove("type");
            }
            let mut wanted = document[key].as_array().unwrap().clone();
            let by = |v: &serde_json::Value| v.get("index").or(v.get("id")).and_then(serde_json::Value::as_u64);
            found.sort_by_key(by);
            wanted.sort_by_key(by);
            assert_eq!(found, wanted, "{word} of {}", fixture.name);
        }
        assert!(lines.iter().all(|l| words.iter().any(|(word, _)| l["type"] == *word)), "{}", fixture.name);
    }
}

#[test]
fn headers_and_raw_messages_are_there_when_asked_for() {
    let room = Room::new();
    let message = |args: &[&str]| room.decode(&[&["busy.pcap", "--json"], args].concat()).json()["messages"][2].clone();
    assert!(message(&[]).get("headers").is_none() && message(&[]).get("raw").is_none());
    let headers = message(&["--headers"])["headers"].clone();
    assert_eq!(headers[0]["name"], "Via");
    assert!(
        headers
            .as_array()
            .unwrap()
            .iter()
            .any(|h| h["name"] == "Reason" && h["value"].as_str().unwrap().contains("17"))
    );
    let raw = message(&["--raw"])["raw"].clone();
    assert!(raw.as_str().unwrap().starts_with("SIP/2.0 486 Busy Here\r\n"));
    // A selection keeps them.
    assert_eq!(message(&["--raw", "--status", "486"])["raw"], raw);
    assert_eq!(message(&["--headers", "--status", "486"])["headers"], headers);
}

#[test]
fn messages_stand_under_their_arrows() {
    let room = Room::new();
    let show = |how: &str| room.decode(&["busy.pcap", "--messages", how]).stdout;
    assert!(show("headers").contains("┆ Max-Forwards: 70\n") && !show("headers").contains("┆ v=0"));
    assert!(show("full").contains("┆ Max-Forwards: 70\n") && show("full").contains("┆ v=0\n"));
}

#[test]
fn more_than_twenty_calls_are_a_table_unless_all_is_asked_for() {
    let room = Room::new();
    let ladders = |args: &[&str]| {
        let ran = room.decode(&[&["many-calls.pcap"], args].concat());
        ran.stdout.lines().filter(|l| l.starts_with("Call ")).count()
    };
    assert_eq!((ladders(&[]), ladders(&["--all"]), ladders(&["--list"]), ladders(&["--summary"])), (0, 25, 0, 0));
    let list = room.decode(&["many-calls.pcap", "--list"]);
    assert_eq!(list.ends(0, "").lines().count(), 26);
    assert!(list.stdout.starts_with("call  time"), "{list:?}");
    let list = room.decode(&["registration.pcap", "options.pcap", "--list"]);
    assert!(list.stdout.contains("1 registration\n") && list.stdout.contains("2 exchanges\n"), "{list:?}");
}

#[test]
fn a_file_is_private_whole_and_not_reached_through_a_link() {
    let room = Room::new();
    for option in ["-o", "--output", "-w", "--write"] {
        let path = room.path("out");
        std::fs::write(&path, "old and longer than what comes").unwrap();
        let ran = room.decode(&["busy.pcap", "--json", option, path.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600, "{option}");
        if option.ends_with('o') || option.ends_with("output") {
            assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
            let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(written["summary"]["calls"], 1);
        }
        std::fs::remove_file(&path).unwrap();

        let target = room.path("target");
        std::fs::write(&target, "untouched").unwrap();
        symlink(&target, &path).unwrap();
        let ran = room.decode(&["busy.pcap", "--json", option, path.to_str().unwrap()]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let said = format!("sipctl: {} is a symbolic link: captures are not written through one\n", path.display());
        assert_eq!(ran.stderr, said);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "untouched");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_made_is_exit_2() {
    let ran = Room::new().decode(&["busy.pcap", "-o", "/nowhere/out.txt"]);
    assert_eq!(ran.ends(2, "sipctl: cannot create /nowhere/out.txt: No such file or directory\n"), "");
}

#[test]
fn help_and_version_are_on_standard_output() {
    let room = Room::new();
    let help = room.run(&["--help"]);
    assert!(help.ends(0, "").contains("Usage: sipctl <COMMAND>"), "{help:?}");
    for word in ["decode", "schema", "completions", "man"] {
        assert!(help.stdout.lines().any(|l| l.trim_start().starts_with(word)), "{word}");
    }
    assert_eq!(room.run(&["--version"]).ends(0, ""), concat!("sipctl ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(room.run(&[]).code, Some(2));
    assert_eq!(room.run(&["frobnicate"]).code, Some(2));
}

#[test]
fn schemas_completions_and_manual_pages_are_printed() {
    let room = Room::new();
    assert_eq!(
        room.run(&["schema"]).ends(0, ""),
        "decode\ndemo\nping\nregister\ninvite\nresolve\ntrace\nexplain\nlint\n"
    );
    assert!(room.run(&["schema", "decode"]).json()["$defs"].is_object());
    let ran = room.run(&["schema", "serve"]);
    ran.ends(2, "sipctl: there is no schema for 'serve'\n  sipctl schema lists the commands that have one\n");
    let page = room.run(&["man", "decode"]);
    assert!(page.ends(0, "").contains("hep\\-listen"), "{page:?}");
    assert!(room.run(&["man"]).ends(0, "").contains(".TH SIPCTL 1"));
    let ran = room.run(&["man", "frobnicate"]);
    ran.ends(2, "sipctl: there is no command 'frobnicate'\n  sipctl --help lists the commands\n");
    let dir = room.dir.path().to_str().unwrap();
    assert_eq!(room.run(&["man", "--out", dir]).ends(0, ""), "");
    assert_eq!(std::fs::read_to_string(room.path("sipctl-decode.1")).unwrap(), page.stdout);
}

/// The scripts in `completions/` are those that the program prints; `UPDATE_COMPLETIONS=1` writes them.
#[test]
fn stored_completions_are_current() {
    let room = Room::new();
    for (shell, name) in [("bash", "sipctl.bash"), ("zsh", "_sipctl"), ("fish", "sipctl.fish")] {
        let ran = room.run(&["completions", shell]);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name);
        if std::env::var_os("UPDATE_COMPLETIONS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &ran.stdout).unwrap();
        }
        assert!(!ran.ends(0, "").is_empty());
        assert!(
            std::fs::read_to_string(&path).unwrap() == ran.stdout,
            "{name} is stale: UPDATE_COMPLETIONS=1 writes it"
        );
    }
}

macro_rules! snapshot {
    ($name:literal, $file:literal $(, $arg:literal)*) => {
        insta::assert_snapshot!($name, Room::new().decode(&[$file, $($arg),*]).ends(0, ""));
    };
}

#[test]
fn captures_read_as_they_should() {
    snapshot!("basic_call_120", "basic-call.pcap", "--width", "120");
    snapshot!("basic_call_80", "basic-call.pcap", "--width", "80");
    snapshot!("basic_call_200", "basic-call.pcap", "--width", "200");
    snapshot!("basic_call_ascii", "basic-call.pcap", "--ascii");
    snapshot!("fork_80", "fork.pcap", "--width", "80");
    snapshot!("hold_120", "hold.pcap");
    snapshot!("dtmf_120", "dtmf.pcap");
    snapshot!("registration_all_80", "registration.pcap", "--all", "--width", "80");
    snapshot!("no_response_80", "no-response.pcap", "--width", "80");
    snapshot!("ack_missing_120", "ack-missing.pcap");
    snapshot!("rejected_ascii_80", "rejected-488.pcap", "--ascii", "--width", "80");
    snapshot!("malformed_120", "malformed.pcap");
    snapshot!("hostile_names_120", "hostile-names.pcap", "--messages", "full");
    snapshot!("many_calls_120", "many-calls.pcap");
    snapshot!("fragments_summary", "fragments.pcap", "--summary");
}
