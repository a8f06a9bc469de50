//! `candor subscriber …`, and `--no-notify`.

use candor::db::notices;
use candor::db::subscribers::{self, SubscriberFilter};
use candor::domain::Subscriber;
use candor::domain::subscriber::Channel;

use crate::cli::{candor, stderr_text, stdout_text};
use crate::support::{TestDb, now};

async fn all(test: &TestDb) -> Vec<Subscriber> {
    let mut tx = test.read().await.unwrap();
    subscribers::list(&mut tx, &SubscriberFilter::default(), None, 1000).await.unwrap()
}

#[apply(on_both_databases!)]
async fn subscribers_are_added_listed_exported_and_forgotten(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let key = folder.path().join("secret.key");
        candor(&test, &[&["subscriber"], arguments, &["--secret-key-file", key.to_str().unwrap()]].concat(), "")
    };
    let added = stdout_text(&run(&["add", "Ines@Example.org"]));
    assert!(added.starts_with("Added "), "{added}");
    stdout_text(&run(&["add", "ops@example.org", "--endpoint", "https://hooks.example.org/a"]));
    let list = stdout_text(&candor(&test, &["subscriber", "list"], ""));
    assert!(list.contains("ines@example.org") && list.contains("hooks.example.org"), "{list}");
    let export = stdout_text(&run(&["export"]));
    assert!(export.contains("ops@example.org,https://hooks.example.org/a,,active,webhook"), "{export}");
    assert!(stderr_text(&run(&["add", "ines@example.org"]), 1).contains("subscribed already"));
    assert!(stderr_text(&run(&["add", "nonsense"]), 1).contains("not an e-mail address"));
    let forgotten = stdout_text(&run(&["forget", "ines@example.org"]));
    assert!(forgotten.contains("Deleted 1 subscription"), "{forgotten}");
    assert_eq!(all(&test).await.len(), 1);
    assert!(stdout_text(&run(&["forget", "ines@example.org"])).contains("nothing about this address"));
}

#[apply(on_both_databases!)]
async fn a_list_is_imported_only_with_consent(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let (key, list) = (folder.path().join("secret.key"), folder.path().join("list.csv"));
    std::fs::write(&list, "email\nines@example.org\nnonsense\nhttps://x\n").unwrap();
    let run = |more: &[&str]| {
        let arguments = ["subscriber", "import", list.to_str().unwrap(), "--secret-key-file", key.to_str().unwrap()];
        candor(&test, &[&arguments[..], more].concat(), "")
    };
    let checked = stdout_text(&run(&[]));
    assert!(checked.contains("1 would be added") && checked.contains("line 3: nonsense"), "{checked}");
    assert!(all(&test).await.is_empty());
    assert!(stdout_text(&run(&["--agreed"])).contains("Added 1 subscriber, skipped 2"));
    assert_eq!(all(&test).await[0].channel, Channel::Email);
}

#[apply(on_both_databases!)]
async fn another_key_file_is_refused(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    stdout_text(&candor(&test, &["subscriber", "add", "a@example.org", "--secret-key-file", &file("one")], ""));
    let wrong = candor(&test, &["subscriber", "forget", "a@example.org", "--secret-key-file", &file("two")], "");
    assert!(stderr_text(&wrong, 1).contains("there is no key file"), "the key of the server is needed");
}

#[apply(on_both_databases!)]
async fn no_notify_keeps_commands_silent(test: TestDb) {
    let count = async || notices::list_progress(&mut test.read().await.unwrap(), now(), 50).await.unwrap().len();
    let open = ["incident", "open", "--title", "Slow", "--body", "Text"];
    stdout_text(&candor(&test, &[&open[..], &["--no-notify"]].concat(), ""));
    assert_eq!(count().await, 0);
    let opened = stdout_text(&candor(&test, &open, ""));
    assert_eq!(count().await, 1);
    let id = opened.strip_prefix("Opened ").unwrap().split(':').next().unwrap();
    let update = ["incident", "update", id, "--body", "Text", "--phase", "identified", "--no-notify"];
    stdout_text(&candor(&test, &update, ""));
    stdout_text(&candor(&test, &["incident", "resolve", id, "--body", "Text", "--no-notify"], ""));
    assert_eq!(count().await, 1);
    let day = (now() + chrono::TimeDelta::days(1)).format("%Y-%m-%d");
    let (from, until) = (format!("{day}T10:00:00Z"), format!("{day}T11:00:00Z"));
    let plan = ["maintenance", "plan", "--title", "Move", "--body", "Text", "--from", &from, "--until", &until];
    stdout_text(&candor(&test, &[&plan[..], &["--no-notify"]].concat(), ""));
    assert_eq!(count().await, 1);
    let planned = stdout_text(&candor(&test, &plan, ""));
    assert_eq!(count().await, 2);
    let id = planned.strip_prefix("Scheduled ").unwrap().split(':').next().unwrap();
    stdout_text(&candor(&test, &["maintenance", "start", id, "--no-notify"], ""));
    stdout_text(&candor(&test, &["maintenance", "cancel", id, "--no-notify"], ""));
    assert_eq!(count().await, 2);
}
