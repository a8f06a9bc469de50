//! The command line as a child process.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use candor::cli::demo;
use candor::clock::Clock;
use candor::credentials::secret_token;
use candor::db::{
    admin_incidents, audit, components, incidents, managers, one_time_links, page_settings, second_factors, totp,
};
use candor::domain::{Impact, Incident, Phase, Role, Status};

use crate::support::{TestDb, now};

/// Runs `candor` on the test's database with `input` on its standard input.
pub fn candor(test: &TestDb, arguments: &[&str], input: &str) -> Output {
    run_candor(&test.url, arguments, input)
}

fn run_candor(url: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_candor"))
        .args(arguments)
        .env_clear()
        .env("CANDOR_DATABASE_URL", url)
        .env("CANDOR_TEST_CLOCK_OFFSET_MS", clock_offset().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that rejects its arguments exits before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// How far the tests' clock is ahead of the machine's, in ms.
fn clock_offset() -> i64 {
    (now() - Clock::system().now()).num_milliseconds()
}

/// The output of a command that must succeed.
pub fn stdout_text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The error output of a command that must fail with `code`.
pub fn stderr_text(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn newest_incident(test: &TestDb) -> Incident {
    incidents::list_open(&mut test.read().await.unwrap()).await.unwrap().remove(0)
}

#[apply(on_both_databases!)]
async fn an_incident_is_opened_updated_and_resolved(test: TestDb) {
    demo::load_demo(&test, &test.clock).await.unwrap();
    let before = test.read().await.unwrap().revision().await.unwrap();
    let open =
        ["incident", "open", "--title", "Tiles fail", "--phase", "identified", "--component", "tile api=major_outage"];
    let more = ["--component", "Maps - Geocoding=degraded_performance", "--impact", "critical", "--body", "-"];
    stdout_text(&candor(&test, &[&open[..], &more].concat(), "We are looking.\r\nMore soon.\n"));
    let incident = newest_incident(&test).await;
    assert_eq!(
        (incident.title.as_str(), incident.phase, incident.impact()),
        ("Tiles fail", Phase::Identified, Impact::Critical)
    );
    assert_eq!(incident.updates[0].body, "We are looking.\nMore soon.");
    assert_eq!(incident.affected_components().iter().map(|(_, name)| *name).collect::<Vec<_>>().len(), 2);
    let id = incident.id.as_str();
    stdout_text(&candor(
        &test,
        &["incident", "update", id, "--component", "Tile API=operational", "--body", "Better."],
        "",
    ));
    stdout_text(&candor(&test, &["incident", "resolve", id, "--body", "Over."], ""));
    let mut tx = test.read().await.unwrap();
    let incident = incidents::find(&mut tx, &incident.id).await.unwrap();
    let phases: Vec<Phase> = incident.updates.iter().map(|update| update.phase).collect();
    assert_eq!(phases, [Phase::Identified, Phase::Identified, Phase::Resolved]);
    assert!(incident.ended_at.is_some());
    let rows = audit::list(&mut tx, None, 3).await.unwrap();
    let audited: Vec<(&str, &str)> = rows.iter().map(|row| (row.action.as_str(), row.actor.name.as_str())).collect();
    assert_eq!(audited, [("incident.update", "shell"), ("incident.update", "shell"), ("incident.open", "shell")]);
    assert_eq!(tx.revision().await.unwrap(), before + 3);
    drop(tx);
    let list = stdout_text(&candor(&test, &["incident", "list", "--limit", "2"], ""));
    assert!(list.contains("Bay of Biscay") && list.contains(id), "{list}");
}

#[apply(on_both_databases!)]
async fn an_update_promises_the_next_one(test: TestDb) {
    let open = ["incident", "open", "--title", "Tiles fail", "--body", "We look.", "--next-update", "30"];
    stdout_text(&candor(&test, &open, ""));
    let incident = newest_incident(&test).await;
    let wait = incident.next_update_at.unwrap() - incident.updates[0].posted_at;
    assert_eq!(wait.num_minutes(), 30);
    let id = incident.id.as_str();
    let update = |next: &str| candor(&test, &["incident", "update", id, "--body", "More.", "--next-update", next], "");
    assert!(stderr_text(&update("2020-01-01T00:00:00Z"), 1).contains("next_update: "));
    assert!(stderr_text(&update("soon"), 1).contains("next_update: "));
    let due = now() + chrono::TimeDelta::hours(2);
    stdout_text(&update(&due.format("%Y-%m-%dT%H:%M:%SZ").to_string()));
    assert_eq!(newest_incident(&test).await.next_update_at.unwrap().timestamp(), due.timestamp());
    stdout_text(&candor(&test, &["incident", "update", id, "--body", "No promise."], ""));
    assert_eq!(newest_incident(&test).await.next_update_at, None);
}

#[apply(on_both_databases!)]
async fn hidden_incident_can_be_published(test: TestDb) {
    const OPEN: [&str; 6] = ["incident", "open", "--title", "Tiles fail", "--body", "We look."];
    let open = |more: &[&str]| candor(&test, &[&OPEN[..], more].concat(), "");
    stdout_text(&open(&["--internal"]));
    stdout_text(&open(&["--publish-at", "2150-01-01T00:00:00Z"]));
    let hidden = admin_incidents::list_open(&mut test.read().await.unwrap(), None, 100).await.unwrap();
    let mut seen: Vec<&str> = hidden.iter().map(|it| it.visibility.key()).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["embargoed", "internal"]);
    assert!(incidents::list_open(&mut test.read().await.unwrap()).await.unwrap().is_empty());
    assert!(stderr_text(&open(&["--publish-at", "2020-01-01T00:00:00Z"]), 1).contains("publish_at: "));
    assert!(stderr_text(&open(&["--publish-at", "soon"]), 1).contains("--publish-at: "));
    assert!(stderr_text(&open(&["--internal", "--publish-at", "soon"]), 2).contains("--publish-at"));
    let id = hidden[0].id.as_str();
    stdout_text(&candor(&test, &["incident", "publish", id], ""));
    assert_eq!(newest_incident(&test).await.id.as_str(), id);
    assert!(stderr_text(&candor(&test, &["incident", "publish", id], ""), 1).contains("already"));
    let rows = audit::list(&mut test.read().await.unwrap(), None, 1).await.unwrap();
    assert_eq!((rows[0].action.as_str(), rows[0].actor.name.as_str()), ("incident.publish", "shell"));
}

#[apply(on_both_databases!)]
async fn commands_validate_like_the_web(test: TestDb) {
    demo::load_demo(&test, &test.clock).await.unwrap();
    let before = test.read().await.unwrap().revision().await.unwrap();
    let over = demo::demo_data(now()).unwrap().incidents[1].id.to_string();
    for (arguments, code, message) in [
        (vec!["incident", "open", "--title", " ", "--body", "x"], 1, "title: "),
        (vec!["incident", "open", "--title", "x", "--body", " "], 1, "body: "),
        (vec!["incident", "open", "--title", "x", "--body", "x", "--started-at", "2150-01-01T00:00:00Z"], 1, "future"),
        (vec!["incident", "open", "--title", "x", "--body", "x", "--started-at", "soon"], 1, "--started-at"),
        (
            vec!["incident", "open", "--title", "x", "--body", "x", "--component", "Radio=major_outage"],
            1,
            "unknown component",
        ),
        (vec!["incident", "open", "--title", "x", "--body", "x", "--component", "Billing=bad"], 2, "partial_outage"),
        (vec!["incident", "open", "--title", "x", "--body", "x", "--phase", "bad"], 2, "investigating"),
        (vec!["incident", "update", "missing", "--body", "x"], 1, "unknown incident missing"),
        (vec!["incident", "resolve", &over, "--body", "x"], 1, "already resolved"),
        (vec!["component", "set", "Radio", "major_outage"], 1, "unknown component"),
        (vec!["manager", "disable", "nobody@example.org"], 1, "no manager with the e-mail address"),
        (vec!["manager", "add", "--email", "x", "--name", "X", "--role", "viewer"], 1, "email: "),
        (vec!["import", "statuspage", "/dev/null"], 1, "nothing was imported"),
        (vec!["nonsense"], 2, "nonsense"),
    ] {
        let error = stderr_text(&candor(&test, &arguments, ""), code);
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
    assert_eq!(test.read().await.unwrap().revision().await.unwrap(), before);
}

#[apply(on_both_databases!)]
async fn component_status_can_be_set(test: TestDb) {
    demo::load_demo(&test, &test.clock).await.unwrap();
    stdout_text(&candor(&test, &["component", "set", "billing", "partial_outage"], ""));
    let mut tx = test.read().await.unwrap();
    let billing = components::list(&mut tx).await.unwrap().into_iter().find(|part| part.name == "Billing").unwrap();
    assert_eq!(billing.status, Status::PartialOutage);
    let row = audit::find_latest(&mut tx, billing.id.as_str()).await.unwrap().unwrap();
    assert_eq!(row.action, "component.set-status");
    assert_eq!(
        (&row.before.unwrap()["status"], &row.after.unwrap()["status"]),
        (&"operational".into(), &"partial_outage".into())
    );
    drop(tx);
    let list = stdout_text(&candor(&test, &["component", "list"], ""));
    assert!(list.lines().any(|line| line.contains("Account - Billing") && line.contains("partial_outage")), "{list}");
}

#[apply(on_both_databases!)]
async fn manager_is_added_with_password_or_link(test: TestDb) {
    let ines =
        ["manager", "add", "--email", "Ines@example.org", "--name", "Ines", "--role", "owner", "--password-stdin"];
    let error = stderr_text(&candor(&test, &ines, "passwordpassword\n"), 1);
    assert!(error.contains("password can't be used"), "{error}");
    stdout_text(&candor(&test, &ines, "harbour crane whistles\n"));
    let rui = ["manager", "add", "--email", "rui@example.org", "--name", "Rui", "--role", "viewer"];
    let link = stdout_text(&candor(&test, &[&rui[..], &["--base-url", "https://status.example.org"]].concat(), ""));
    let token = link.trim_end().rsplit_once("https://status.example.org/setup/").unwrap().1;
    let error = stderr_text(&candor(&test, &rui, ""), 1);
    assert!(error.contains("already"), "{error}");
    let mut tx = test.read().await.unwrap();
    let (owner, hash) = managers::find_by_email(&mut tx, "ines@example.org").await.unwrap().unwrap();
    assert_eq!((owner.role, owner.has_password), (Role::Owner, true));
    assert!(hash.unwrap().starts_with("$argon2id$"));
    let (viewer, hash) = managers::find_by_email(&mut tx, "rui@example.org").await.unwrap().unwrap();
    assert_eq!((viewer.role, hash), (Role::Viewer, None));
    let link = one_time_links::find(&mut tx, &secret_token::hash_token(token), now()).await.unwrap().unwrap();
    assert_eq!(link.manager_id, Some(viewer.id));
    // Neither a password nor a token is in the audit log.
    let rows = audit::list(&mut tx, None, 10).await.unwrap();
    assert!(rows.iter().all(|row| (row.action.as_str(), row.actor.name.as_str()) == ("manager.add", "shell")));
    let rows = format!("{rows:?}");
    assert!(!rows.contains("argon2") && !rows.contains(token) && !rows.contains(&secret_token::hash_token(token)));
    drop(tx);
    let list = stdout_text(&candor(&test, &["manager", "list"], ""));
    assert!(list.contains("ines@example.org  Ines  owner   active") && list.contains("invited"), "{list}");
}

#[apply(on_both_databases!)]
async fn a_manager_is_disabled_and_enabled(test: TestDb) {
    let add = |email: &'static str, role: &'static str| {
        let arguments = ["manager", "add", "--email", email, "--name", "N", "--role", role, "--password-stdin"];
        stdout_text(&candor(&test, &arguments, "harbour crane whistles"));
    };
    add("a@example.org", "owner");
    add("b@example.org", "publisher");
    stdout_text(&candor(&test, &["manager", "disable", "B@example.org"], ""));
    assert!(stderr_text(&candor(&test, &["manager", "disable", "b@example.org"], ""), 1).contains("already"));
    assert!(stderr_text(&candor(&test, &["manager", "reset-password", "b@example.org"], ""), 1).contains("disabled"));
    stdout_text(&candor(&test, &["manager", "enable", "b@example.org"], ""));
    let error = stderr_text(&candor(&test, &["manager", "disable", "a@example.org"], ""), 1);
    assert!(error.contains("only active owner"), "{error}");
}

#[apply(on_both_databases!)]
async fn lost_second_factors_can_be_removed(test: TestDb) {
    let who = ["--email", "ines@example.org", "--name", "Ines", "--role", "owner", "--password-stdin"];
    stdout_text(&candor(&test, &[&["manager", "add"][..], &who].concat(), "harbour crane whistles\n"));
    let remove = ["manager", "remove-factors", "ines@example.org"];
    assert!(stderr_text(&candor(&test, &remove, ""), 1).contains("has no second factor"));
    let (ines, _) =
        managers::find_by_email(&mut test.read().await.unwrap(), "ines@example.org").await.unwrap().unwrap();
    let mut tx = test.write().await.unwrap();
    totp::store_pending(&mut tx, &ines.id, "sealed", now()).await.unwrap();
    totp::accept(&mut tx, &ines.id, 1, now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert!(stdout_text(&candor(&test, &remove, "")).contains("can log in with the password only"));
    let mut tx = test.read().await.unwrap();
    assert!(!second_factors::load(&mut tx, &ines.id).await.unwrap().any());
    assert_eq!(audit::list(&mut tx, None, 1).await.unwrap()[0].action, "manager.remove-factors");
}

#[apply(on_both_databases!)]
async fn password_is_reset_by_link_or_stdin(test: TestDb) {
    let add = ["manager", "add", "--email", "a@example.org", "--name", "N", "--role", "owner", "--password-stdin"];
    stdout_text(&candor(&test, &add, "harbour crane whistles"));
    let hash = async || {
        let mut tx = test.read().await.unwrap();
        managers::find_by_email(&mut tx, "a@example.org").await.unwrap().unwrap().1
    };
    let first = hash().await;
    let reset = ["manager", "reset-password", "a@example.org"];
    let link = stdout_text(&candor(&test, &reset, ""));
    assert!(link.contains("30 minutes") && link.contains("http://127.0.0.1:3000/setup/"), "{link}");
    let mut tx = test.write().await.unwrap();
    page_settings::set_server_origin(&mut tx, "https://status.example.org").await.unwrap();
    test.commit(tx).await;
    let link = stdout_text(&candor(&test, &reset, ""));
    assert!(link.contains("https://status.example.org/setup/"), "{link}");
    let given = stdout_text(&candor(&test, &[&reset[..], &["--base-url", "https://other.example.org"]].concat(), ""));
    assert!(given.contains("https://other.example.org/setup/"), "{given}");
    assert_eq!(hash().await, first);
    stdout_text(&candor(
        &test,
        &["manager", "reset-password", "a@example.org", "--password-stdin"],
        "another crane whistles\n",
    ));
    assert_ne!(hash().await, first);
}

#[apply(on_both_databases!)]
async fn sound_database_passes_check(test: TestDb) {
    assert!(stdout_text(&candor(&test, &["check"], "")).contains("Database OK"));
}

#[tokio::test]
async fn backup_is_complete_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let test = TestDb::sqlite().await;
    demo::load_demo(&test, &test.clock).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("it's a copy.db");
    let arguments = ["backup", copy.to_str().unwrap()];
    stdout_text(&candor(&test, &arguments, ""));
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let list = ["component", "list"];
    assert_eq!(stdout_text(&run_candor(&database_url(&copy), &list, "")), stdout_text(&candor(&test, &list, "")));
    let error = stderr_text(&candor(&test, &arguments, ""), 1);
    assert!(error.contains("it's a copy.db already exists") && !error.contains("unavailable"), "{error}");
}

#[tokio::test]
async fn postgres_backup_needs_its_own_tool() {
    let Some(test) = TestDb::postgres().await else { return };
    assert!(stderr_text(&candor(&test, &["backup", "x"], ""), 1).contains("pg_dump"));
}

#[test]
fn reading_commands_create_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("candor.db");
    for arguments in [vec!["check"], vec!["incident", "list"], vec!["manager", "list"], vec!["backup", "x"]] {
        let error = stderr_text(&run_candor(&database_url(&file), &arguments, ""), 1);
        assert!(error.contains("there is no database"), "{error}");
    }
    assert!(!file.exists());
}

#[test]
fn check_detects_damaged_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("candor.db");
    stdout_text(&run_candor(&database_url(&file), &["sample"], ""));
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 20_000].fill(0xaa);
    std::fs::write(&file, bytes).unwrap();
    stderr_text(&run_candor(&database_url(&file), &["check"], ""), 1);
}

#[test]
fn database_url_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("address");
    std::fs::write(&file, format!("{}\n", database_url(&folder.path().join("other.db")))).unwrap();
    stdout_text(&run_candor("sqlite://unused", &["--database-url-file", file.to_str().unwrap(), "sample"], ""));
    assert!(folder.path().join("other.db").exists());
}

#[test]
fn the_help_names_every_command() {
    let help = stdout_text(&run_candor("sqlite://unused", &["--help"], ""));
    for command in [
        "serve",
        "manager",
        "incident",
        "maintenance",
        "component",
        "import",
        "sample",
        "export",
        "backup",
        "restore",
        "audit",
        "check",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
    }
}

fn database_url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}
