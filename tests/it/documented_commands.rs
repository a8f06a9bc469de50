//! Every command line in README.md and docs runs as it is written there, in order, over the sample page.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use candor::cli::Cli;
use candor::clock::Clock;
use chrono::{DateTime, Utc};
use clap::Parser as _;
use clap::error::ErrorKind;

use crate::support::TestDb;

/// Command lines that are parsed but not run: how they begin, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("candor serve", "runs until it is stopped; process.rs starts it"),
    ("candor import statuspage https://", "reads another server; import_fetch.rs has one"),
    ("candor import statuspage", "needs an export of another page; export_import.rs has one"),
    ("candor import openstatus https://", "reads another server; import_hosted.rs has one"),
    ("candor import upptime", "reads another server or a clone of a repository; import_hosted.rs has both"),
    ("candor import incident-io https://", "reads another server; import_hosted.rs has one"),
    ("candor import instatus https://", "reads another server; import_hosted.rs has one"),
    ("candor restore", "replaces the database of the test; restore.rs"),
    ("candor audit verify --expect", "needs the hash of an earlier row; audit_chain.rs"),
];
/// As [`NOT_RUN`], on PostgreSQL only.
const NOT_ON_POSTGRES: &[(&str, &str)] = &[("candor backup", "pg_dump backs it up")];
/// Command lines that fail here, and what they say.
const FAILING: &[(&str, &str)] = &[
    ("candor manager passwords on", "already enabled"),
    ("candor manager remove-factors", "no second factor"),
    ("candor mail check", "no mail server is configured"),
    ("candor mail test", "no mail server is configured"),
    ("candor mail bounce", "not a mail"),
    ("candor health", "Connection refused"),
    // On SQLite.
    ("candor nodes", "several nodes need PostgreSQL"),
    // The fixture has a file that can't be imported.
    ("candor import cstate", "1 refused"),
];

/// Before the dates in the documentation.
const NOW: &str = "2026-11-20T12:00:00Z";

struct CommandLine {
    file: String,
    text: String,
    /// Whether it stands in a block of its own. In running text it may lack arguments.
    is_block: bool,
}

fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root.join("docs")).unwrap().map(|it| it.unwrap().path()).collect();
    paths.push(root.join("README.md"));
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "md"));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

fn command_lines() -> Vec<CommandLine> {
    let mut found = Vec::new();
    for (file, text) in documents() {
        for line in text.lines().filter_map(|line| line.strip_prefix("    ")) {
            let line = line.trim_start_matches("ExecStart=/usr/local/bin/");
            if line.starts_with("candor ") {
                found.push(CommandLine { file: file.clone(), text: line.to_owned(), is_block: true });
            }
        }
        for code in text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("candor ")) {
            let text = code.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push(CommandLine { file: file.clone(), text, is_block: false });
        }
    }
    found
}

/// The arguments as a shell splits them, without a comment.
fn split_arguments(line: &str) -> Vec<String> {
    let (mut arguments, mut current, mut is_quoted) = (Vec::new(), String::new(), false);
    for sign in line.chars() {
        match sign {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted && current.is_empty() => break,
            ' ' if !is_quoted => {
                if !current.is_empty() {
                    arguments.push(std::mem::take(&mut current));
                }
            }
            '…' if !is_quoted && current.is_empty() => {
                arguments.extend(["--title", "Example", "--body", "Text"].map(str::to_owned));
            }
            sign => current.push(sign),
        }
    }
    arguments.extend((!current.is_empty()).then_some(current));
    arguments
}

struct Runner<'a> {
    test: &'a TestDb,
    folder: tempfile::TempDir,
    backups: usize,
}

impl Runner<'_> {
    fn run(&self, arguments: &[String]) -> Output {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let offset = (now - Clock::system().now()).num_milliseconds();
        Command::new(env!("CARGO_BIN_EXE_candor"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("CANDOR_DATABASE_URL", &self.test.url)
            .env("CANDOR_TEST_CLOCK_OFFSET_MS", offset.to_string())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The first id that `candor NOUN list` shows.
    fn first_id(&self, noun: &str) -> String {
        let list = self.run(&[noun.to_owned(), "list".to_owned()]);
        let list = String::from_utf8(list.stdout).unwrap();
        let row = list.lines().nth(1).unwrap_or_else(|| panic!("{noun} list is empty: {list}"));
        row.split_whitespace().next().unwrap().to_owned()
    }

    /// Puts values in the place of words like FILE.
    fn fill_in(&mut self, arguments: Vec<String>) -> Vec<String> {
        let fixture = |name: &str| format!("{}/tests/it/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        let command = arguments.join(" ");
        let noun = arguments.get(1).cloned().unwrap_or_default();
        let path = |name: String| self.folder.path().join(name).to_string_lossy().into_owned();
        let number = self.backups;
        self.backups += 1;
        let value = |word: String| match word.as_str() {
            "ID" => self.first_id(&noun),
            "DIR" if command.starts_with("candor import cstate") => fixture("cstate"),
            "DIR" => path(format!("export-{number}")),
            "FILE" if command.starts_with("candor import kuma") => fixture("kuma/backup.json"),
            "FILE" => path(format!("backup-{number}.db")),
            "FILES" => fixture("cachet"),
            "ZONE" => "Europe/Lisbon".into(),
            "HASH" => format!("1:{}", "a".repeat(64)),
            _ => word.split('|').next().unwrap_or_default().to_owned(),
        };
        arguments.into_iter().map(value).collect()
    }
}

fn begins<'a>(list: &'a [(&str, &str)], line: &str) -> Option<&'a str> {
    list.iter().find(|(start, _)| line.starts_with(start)).map(|(_, why)| *why)
}

#[apply(on_both_databases!)]
async fn documented_command_lines_run(test: TestDb) {
    let mut runner = Runner { test: &test, folder: tempfile::tempdir().unwrap(), backups: 0 };
    std::fs::write(runner.folder.path().join("list.csv"), "email\nana@example.org\n").unwrap();
    let sample = runner.run(&["sample".to_owned()]);
    assert!(sample.status.success(), "{}", String::from_utf8_lossy(&sample.stderr));
    let (mut ran, mut failures) = (0, Vec::new());
    for CommandLine { file, text, is_block } in command_lines() {
        let words = split_arguments(&text);
        if words.get(1).is_none_or(|word| word == "COMMAND") {
            continue;
        }
        let arguments = runner.fill_in(words);
        match Cli::try_parse_from(&arguments) {
            Ok(_) => {}
            // In running text, a command may be named without its arguments.
            Err(error)
                if !is_block
                    && matches!(
                        error.kind(),
                        ErrorKind::DisplayHelp
                            | ErrorKind::InvalidValue
                            | ErrorKind::MissingRequiredArgument
                            | ErrorKind::MissingSubcommand
                            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    ) =>
            {
                continue;
            }
            Err(error) => {
                failures.push(format!("{file}: {text}: {error}"));
                continue;
            }
        }
        let is_postgres = test.url.starts_with("postgres");
        let skipped = begins(NOT_RUN, &text).or_else(|| begins(NOT_ON_POSTGRES, &text).filter(|_| is_postgres));
        if skipped.is_some() {
            continue;
        }
        let output = runner.run(&arguments[1..]);
        let error = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let is_expected = begins(FAILING, &text).is_some_and(|words| error.contains(words));
        if !output.status.success() && !is_expected {
            failures.push(format!("{file}: {text}: {error}"));
        }
        ran += 1;
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(ran > 20, "{ran}");
}

/// A reader like `head` ends before the program does.
#[apply(on_both_databases!)]
async fn closed_pipe_ends_a_command_quietly(test: TestDb) {
    let runner = Runner { test: &test, folder: tempfile::tempdir().unwrap(), backups: 0 };
    assert!(runner.run(&["sample".to_owned()]).status.success());
    for arguments in [
        &["--help"][..],
        &["incident", "--help"],
        &["incident", "list"],
        &["maintenance", "list"],
        &["component", "list"],
        &["manager", "list"],
        &["audit", "verify"],
        &["check"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_candor"))
            .args(arguments)
            .current_dir(runner.folder.path())
            .env_clear()
            .env("CANDOR_DATABASE_URL", &test.url)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("panicked"), "{arguments:?}: {error}");
        assert_eq!((output.status.code(), error.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn exceptions_are_still_documented() {
    let lines = command_lines();
    for (start, why) in NOT_RUN.iter().chain(NOT_ON_POSTGRES).chain(FAILING) {
        assert!(!why.is_empty() && lines.iter().any(|line| line.text.starts_with(start)), "{start}");
    }
    let comment = split_arguments("candor incident open --body \"a # b\"  # why");
    assert_eq!(comment, ["candor", "incident", "open", "--body", "a # b"]);
}
