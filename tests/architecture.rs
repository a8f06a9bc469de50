//! The modules depend on each other in one direction, from `main` down to `format`; see docs/ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules of the crate from the lowest up. A module uses only modules of earlier lines, and none of its own line.
const LAYERS: [&[&str]; 16] = [
    &["format"],
    &["domain"],
    &["background", "clock", "counters", "log_limit", "logo", "output", "private_folder", "regular_file"],
    &["islands", "log"],
    &["credentials", "net"],
    &["db"],
    &["acme", "notify", "oidc", "ui"],
    &["publish"],
    &["actions"],
    &["state"],
    &["import", "worker"],
    &["web"],
    &["config"],
    &["server"],
    &["cli"],
    &["lib", "main"],
];

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file: its path below `src`, and its text without comments and tests.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source_folder()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let name = path.strip_prefix(source_folder()).unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split_once("#[cfg(test)]\nmod tests {").map_or(text.as_str(), |(code, _)| code);
            let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
            found.push((name, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(found.len() > 300, "{}", found.len());
    found
}

/// The top-level module of a file: `web` for `web/admin/settings.rs`.
fn module_of(file: &str) -> &str {
    let (first, _) = file.split_once('/').unwrap_or((file, ""));
    first.trim_end_matches(".rs")
}

/// The modules that `text` names after `crate::`, alone or in braces.
fn used_modules(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let end = group.find(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth < 0
            });
            let mut depth = 0;
            let items = group[..end.unwrap()].split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            });
            found.extend(items.map(first_name).filter(|name| !name.is_empty()));
        } else {
            found.insert(first_name(rest));
        }
    }
    found
}

fn first_name(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// The module of a file: `web::admin` for `web/admin/mod.rs`.
fn file_module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    path.strip_suffix("/mod").unwrap_or(path).split('/').map(str::to_owned).collect()
}

fn paths_at(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        let (mut depth, mut start, mut found) = (0, 0, Vec::new());
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    found.extend(paths_at(&group[start..at]));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
        return found;
    }
    let name = first_name(text);
    if name.is_empty() {
        return vec![Vec::new()];
    }
    let Some(rest) = text[name.len()..].strip_prefix("::") else { return vec![vec![name]] };
    let with_name = |path: Vec<String>| std::iter::once(name.clone()).chain(path).collect();
    paths_at(rest).into_iter().map(with_name).collect()
}

fn named_paths(module: &[String], text: &str) -> Vec<Vec<String>> {
    let absolute = text.split("crate::").skip(1).flat_map(paths_at);
    let parent = &module[..module.len() - 1];
    let relative = text.split("super::").skip(1).flat_map(paths_at);
    let relative = relative.map(|path| parent.iter().cloned().chain(path).collect());
    absolute.chain(relative).collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn every_module_has_a_layer() {
    let modules: BTreeSet<_> = sources().iter().map(|(file, _)| module_of(file).to_owned()).collect();
    let named: BTreeSet<_> = LAYERS.iter().flat_map(|modules| modules.iter().map(|name| (*name).to_owned())).collect();
    assert_eq!(modules, named);
}

#[test]
fn modules_use_only_lower_layers() {
    let mut wrong = BTreeSet::new();
    let mut arrows = 0;
    for (file, text) in sources() {
        let module = module_of(&file).to_owned();
        for used in used_modules(&text) {
            let Some(below) = layer(&used) else { continue };
            arrows += 1;
            if used != module && below >= layer(&module).unwrap() {
                wrong.insert(format!("{file} uses {used}"));
            }
        }
    }
    assert!(arrows > 700, "{arrows}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A `mod.rs` and its own children may name each other; no other files may.
#[test]
fn files_do_not_import_each_other_in_a_circle() {
    let sources: Vec<_> =
        sources().into_iter().filter(|(file, _)| !["lib.rs", "main.rs"].contains(&file.as_str())).collect();
    let modules: BTreeSet<Vec<String>> = sources.iter().map(|(file, _)| file_module(file)).collect();
    let mut graph: std::collections::BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = Default::default();
    for (file, text) in &sources {
        let module = file_module(file);
        let used = named_paths(&module, text).into_iter().filter_map(|path| {
            (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|prefix| modules.contains(prefix))
        });
        let used = used.filter(|used| !used.starts_with(&module) && !module.starts_with(used));
        graph.insert(module.clone(), used.collect());
    }
    assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 1500);
    // Files that use none of the remaining files are not part of a cycle.
    while let Some(free) = graph.iter().find(|(_, used)| used.iter().all(|used| !graph.contains_key(used))) {
        let free = free.0.clone();
        graph.remove(&free);
    }
    // Neither are files that no remaining file uses.
    loop {
        let needed: BTreeSet<_> = graph.values().flatten().cloned().collect();
        let before = graph.len();
        graph.retain(|module, _| needed.contains(module));
        if graph.len() == before {
            break;
        }
    }
    let circles: Vec<String> = graph.keys().map(|module| module.join("::")).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn only_the_database_module_uses_sqlx() {
    let users = sources().into_iter().filter(|(file, text)| text.contains("sqlx::") && module_of(file) != "db");
    assert_eq!(users.map(|(file, _)| file).collect::<Vec<_>>(), Vec::<String>::new());
}

/// Changes are made and audited in `actions`. The exceptions write their own entries: restoring a database, and mail
/// that is sent outside a request.
#[test]
fn only_actions_make_audit_entries() {
    let allowed = ["domain/audit.rs", "db/examine.rs", "notify/password_reset.rs"];
    let makers = sources().into_iter().filter(|(file, text)| {
        text.contains("Entry::new(") && module_of(file) != "actions" && !allowed.contains(&file.as_str())
    });
    assert_eq!(makers.map(|(file, _)| file).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_audit_action_is_used() {
    let sources = sources();
    let (enumeration, others): (Vec<_>, Vec<_>) =
        sources.into_iter().partition(|(file, _)| file == "domain/audit_action.rs");
    let rows = enumeration[0].1.lines().filter_map(|line| line.trim().split_once(" = \"")).map(|(variant, _)| variant);
    let unused: Vec<_> = rows
        .clone()
        .filter(|variant| {
            let used = format!("Action::{variant}");
            let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
            !others.iter().any(|(_, text)| text.split(used.as_str()).skip(1).any(is_end))
        })
        .collect();
    assert!(rows.count() > 80);
    assert!(unused.is_empty(), "{unused:?}");
}

/// Each change is published once: by its form or API call, or by the worker's round.
#[test]
fn changes_are_published_in_one_place_of_each_interface() {
    let publishing = sources().into_iter().filter(|(file, text)| {
        text.contains(".publish()") && module_of(file) != "publish" && module_of(file) != "state"
    });
    let files: Vec<_> = publishing.map(|(file, _)| file).collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(files, ["web/admin/edit.rs", "web/api/change.rs", "worker/mod.rs"]);
}

/// The functions of a text: name, number of arguments besides `self`, number of lines.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let declaration = line.trim_start();
        let indent = line.len() - declaration.len();
        let words: Vec<&str> = declaration.split([' ', '(', '<']).collect();
        let Some(place) = words.iter().position(|word| *word == "fn") else { continue };
        if !words[..place].iter().all(|word| ["pub", "async", "const", "super)", "in", "crate::web)"].contains(word)) {
            continue;
        }
        let Some(body) = lines[start..].iter().position(|line| line.trim_end().ends_with(['{', ';', '}'])) else {
            continue;
        };
        if !lines[start + body].trim_end().ends_with('{') {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let end = lines[start..].iter().position(|line| *line == close).unwrap();
        let signature = lines[start..=start + body].join(" ");
        let name = format!("fn {}", words[place + 1]);
        let behind = &signature[signature.find(&name).unwrap() + name.len()..];
        let arguments = &behind[behind.find('(').unwrap()..];
        let count = arguments.split(" -> ").next().unwrap().matches(": ").count();
        found.push((words[place + 1].to_owned(), count, end + 1));
    }
    found
}

#[test]
fn admin_functions_are_short_and_take_few_arguments() {
    let admin = sources().into_iter().filter(|(file, _)| file.starts_with("web/admin/"));
    let mut count = 0;
    let mut wrong = Vec::new();
    for (file, text) in admin {
        for (name, arguments, lines) in functions(&text) {
            count += 1;
            if arguments > 5 || lines > 40 {
                wrong.push(format!("{file}: {name} takes {arguments} arguments and has {lines} lines"));
            }
        }
    }
    assert!(count > 150, "{count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn features_are_named_in_lib_only() {
    let users = sources().into_iter().filter(|(file, text)| text.contains("cfg(feature") && file != "lib.rs");
    assert_eq!(users.map(|(file, _)| file).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn groups_of_imports_are_read() {
    let text = "use crate::{db::{self, Tx}, domain::Role, log};\nuse crate::state::State;";
    assert_eq!(used_modules(text), ["db", "domain", "log", "state"].map(str::to_owned).into());
    let paths: Vec<String> = paths_at("db::{self, tx::{Tx, WriteTx}};").iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["db::self", "db::tx::Tx", "db::tx::WriteTx"]);
}
