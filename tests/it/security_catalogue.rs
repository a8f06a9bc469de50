//! docs/SECURITY.md lists every case of the catalogue once, and every test that it names exists.

use std::collections::BTreeSet;
use std::path::Path;

/// The cases: 1-59, 64-77, 80-84 and 90-99, and those about the identity provider, the process, mail, and files and
/// restores.
fn cases() -> Vec<String> {
    let general = (1..=59).chain(64..=77).chain(80..=84).chain(90..=99).map(|number| format!("A-{number:02}"));
    let provider = (1..=14).map(|number| format!("O-{number:02}"));
    let process = (1..=9).map(|number| format!("P-{number:02}"));
    let mail = (1..=6).map(|number| format!("M-{number:02}"));
    let files = (1..=6).map(|number| format!("R-{number:02}"));
    general.chain(provider).chain(process).chain(mail).chain(files).collect()
}

fn document() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SECURITY.md")).unwrap()
}

/// The rows of the catalogue: case, description, tests.
fn rows(document: &str) -> Vec<[&str; 3]> {
    let cells = document
        .lines()
        .filter(|line| ["| A-", "| O-", "| P-", "| M-", "| R-"].iter().any(|start| line.starts_with(start)))
        .map(|line| line.trim_matches('|').split(" | "));
    cells.map(|mut cells| std::array::from_fn(|_| cells.next().expect("three cells").trim())).collect()
}

#[test]
fn catalogue_cases_are_unique() {
    let document = document();
    let listed: Vec<String> = rows(&document).iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(listed, cases());
}

#[test]
fn every_case_has_test_or_reason() {
    let document = document();
    for [case, what, tested] in rows(&document) {
        assert!(what.len() > 10, "{case}");
        assert!(tested.contains('`') || tested.starts_with("Does not apply: "), "{case}: {tested}");
    }
}

/// The third column names tests as `web_login::name`, `totp.rs::name`, `crates/NAME/src/FILE.rs::name` or `name.spec.ts`. A test with its own process
/// has its own file in `tests`.
#[test]
fn catalogue_tests_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = document();
    let mut named = BTreeSet::new();
    for [case, _, tested] in rows(&document) {
        for name in tested.split('`').skip(1).step_by(2) {
            named.insert((case, name));
        }
    }
    assert!(named.len() > 60, "{}", named.len());
    for (case, name) in named {
        let (place, function) = name.split_once("::").unwrap_or((name, ""));
        let file = if place.ends_with(".ts") {
            format!("end2end/tests/{place}")
        } else if place.starts_with("crates/") {
            place.to_owned()
        } else if place.ends_with(".rs") {
            format!("src/{place}")
        } else if root.join(format!("tests/{place}.rs")).exists() {
            format!("tests/{place}.rs")
        } else {
            format!("tests/it/{place}.rs")
        };
        let source = std::fs::read_to_string(root.join(&file)).unwrap_or_else(|_| panic!("{case} names {file}"));
        let exists = function.is_empty() || source.contains(&format!("fn {function}("));
        assert!(exists, "{case} names {function}, which is not in {file}");
    }
}

/// Every statement is a literal. The exceptions can't use parameters.
#[test]
fn sql_is_never_concatenated() {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let uses = source.lines().filter(|line| line.contains("AssertSqlSafe(")).count();
            found.extend((uses > 0).then(|| (path.file_name().unwrap().to_str().unwrap().to_owned(), uses)));
        }
    }
    found.sort();
    // A file name, and a number from our own code: SQLite can bind neither.
    assert_eq!(found, [("backup.rs".to_owned(), 2), ("connect.rs".to_owned(), 2)]);
}
