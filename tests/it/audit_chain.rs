//! The audit log's hash chain: tampering is detected, and denied attempts are limited so they can't fill the disk.

use axum::http::StatusCode;
use candor::cli::demo;
use candor::db::audit_chain::{self, ChainStep, ChainWalk};
use candor::db::{Tx, WriteTx};
use candor::domain::Role::{Owner, Viewer};
use candor::domain::audit::{Action, Digest, Entry, PublicDigest, start_of_hour};
use candor::domain::audit_throttle::{MAX_PER_ADDRESS, MAX_TOTAL};
use candor::worker::Worker;
use chrono::TimeDelta;

use crate::cli::{candor, stderr_text, stdout_text};
use crate::support::app::TestApp;
use crate::support::fixtures::actor;
use crate::support::{TestDb, now};

/// Inserts five rows with every column filled; returns their ids.
async fn five_rows(test: &TestDb) -> Vec<i64> {
    let mut ids = Vec::new();
    for number in 0..5 {
        let tx = test.write().await.unwrap();
        let entry = Entry::new(Action::SampleLoad, format!("subject{number}"), "Subject").before(&number).after(&"x");
        tx.commit(&actor(), now() + TimeDelta::seconds(number), entry).await.unwrap();
        ids.push(audit_chain::head(&mut test.read().await.unwrap()).await.unwrap().unwrap().id);
    }
    ids
}

/// The id of the first broken row, if any.
async fn break_in(tx: &mut Tx) -> Option<i64> {
    let mut walk = ChainWalk::default();
    loop {
        match walk.step(tx).await.unwrap() {
            ChainStep::On => {}
            ChainStep::End => return None,
            ChainStep::Broken(id, _) => return Some(id),
        }
    }
}

async fn tamper(tx: &mut WriteTx, sql: &'static str) {
    let changed = match &mut **tx {
        Tx::Sqlite(tx) => sqlx::query(sql).execute(&mut **tx).await.unwrap().rows_affected(),
        Tx::Postgres(tx) => sqlx::query(sql).execute(&mut **tx).await.unwrap().rows_affected(),
    };
    assert!(changed > 0, "{sql}");
}

/// The first broken row after these statements, which are then rolled back.
async fn break_after(test: &TestDb, statements: &[&'static str]) -> Option<i64> {
    let mut tx = test.write().await.unwrap();
    for sql in statements {
        tamper(&mut tx, sql).await;
    }
    break_in(&mut tx).await
}

#[apply(on_both_databases!)]
async fn changed_audit_row_is_detected_and_named(test: TestDb) {
    let ids = five_rows(&test).await;
    assert_eq!(break_in(&mut test.read().await.unwrap()).await, None);
    let third = [
        "update audit_log set at = '2026-11-10T12:00:02.123457+00:00' where subject_id = 'subject2'",
        "update audit_log set manager_id = 'ines' where subject_id = 'subject2'",
        "update audit_log set actor_name = 'somebody else' where subject_id = 'subject2'",
        "update audit_log set address = '198.51.100.1' where subject_id = 'subject2'",
        "update audit_log set action = 'test.acted' where subject_id = 'subject2'",
        "update audit_log set subject_name = '' where subject_id = 'subject2'",
        "update audit_log set before = null where subject_id = 'subject2'",
        "update audit_log set after = '' where subject_id = 'subject2'",
        "update audit_log set revision = revision + 1 where subject_id = 'subject2'",
        "update audit_log set hash = '' where subject_id = 'subject2'",
        "update audit_log set hash = (select hash from audit_log where subject_id = 'subject1') where subject_id = 'subject2'",
        "update audit_log set subject_id = 'subject9' where subject_id = 'subject2'",
    ];
    for sql in third {
        assert_eq!(break_after(&test, &[sql]).await, Some(ids[2]), "{sql}");
    }
    let removed = "delete from audit_log where subject_id = 'subject2'";
    assert_eq!(break_after(&test, &[removed]).await, Some(ids[3]), "the row behind the gap");
    let first = "delete from audit_log where subject_id = 'subject0'";
    assert_eq!(break_after(&test, &[first]).await, Some(ids[1]));
    let swapped = [
        "update audit_log set subject_id = 'subject1 ' where subject_id = 'subject3'",
        "update audit_log set subject_id = 'subject3' where subject_id = 'subject1'",
        "update audit_log set subject_id = 'subject1' where subject_id = 'subject1 '",
    ];
    assert_eq!(break_after(&test, &swapped).await, Some(ids[1]), "two rows swapped");
    assert_eq!(break_in(&mut test.read().await.unwrap()).await, None, "what was tried was undone");
}

#[apply(on_both_databases!)]
async fn inserted_audit_row_is_detected(test: TestDb) {
    let ids = five_rows(&test).await;
    let copied = "insert into audit_log (at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision, hash)
                  select at, manager_id, actor_name, address, action, subject_id, subject_name, before, after, revision, hash
                  from audit_log where subject_id = 'subject4'";
    let broken = break_after(&test, &[copied]).await.unwrap();
    assert!(broken > ids[4]);
}

#[apply(on_both_databases!)]
async fn unchained_rows_are_chained_at_open(test: TestDb) {
    five_rows(&test).await;
    let before = audit_chain::head(&mut test.read().await.unwrap()).await.unwrap();
    let mut tx = test.write().await.unwrap();
    tamper(&mut tx, "update audit_log set hash = ''").await;
    tx.commit_unaudited().await.unwrap();
    assert!(break_in(&mut test.read().await.unwrap()).await.is_some());
    test.prepare(now()).await.unwrap();
    assert_eq!(break_in(&mut test.read().await.unwrap()).await, None);
    assert_eq!(
        audit_chain::head(&mut test.read().await.unwrap()).await.unwrap(),
        before,
        "the same rows, the same chain"
    );
}

#[apply(on_both_databases!)]
async fn missing_hash_after_chain_start_is_an_error(test: TestDb) {
    let ids = five_rows(&test).await;
    let mut tx = test.write().await.unwrap();
    tamper(&mut tx, "update audit_log set hash = '' where subject_id = 'subject4'").await;
    tx.commit_unaudited().await.unwrap();
    test.prepare(now()).await.unwrap();
    assert_eq!(break_in(&mut test.read().await.unwrap()).await, Some(ids[4]));
}

#[apply(on_both_databases!)]
async fn audit_command_verifies_or_names_the_row(test: TestDb) {
    let verify = ["audit", "verify"];
    demo::load_demo(&test, &test.clock).await.unwrap();
    let output = stdout_text(&candor(&test, &verify, ""));
    let head = audit_chain::head(&mut test.read().await.unwrap()).await.unwrap().unwrap();
    assert!(output.contains("Audit log OK") && output.contains(&format!("{}:{}", head.id, head.hash)), "{output}");
    let mut tx = test.write().await.unwrap();
    tamper(&mut tx, "update audit_log set actor_name = 'x' where id = (select min(id) from audit_log)").await;
    tx.commit_unaudited().await.unwrap();
    let error = stderr_text(&candor(&test, &verify, ""), 1);
    assert!(error.contains("broken at row 1:"), "{error}");
}

#[apply(on_both_databases!)]
async fn saved_digest_detects_truncation_and_rewrite(test: TestDb) {
    let ids = five_rows(&test).await;
    let Digest { id, hash, .. } = audit_chain::head(&mut test.read().await.unwrap()).await.unwrap().unwrap();
    let verify = |digest: String| candor(&test, &["audit", "verify", "--expect", &digest], "");
    stdout_text(&verify(format!("{id}:{hash}")));
    stdout_text(&verify(hash.clone()));
    let error = stderr_text(&verify(format!("{}:{hash}", ids[3])), 1);
    assert!(error.contains("was rewritten"), "{error}");
    let error = stderr_text(&verify("0".repeat(64)), 1);
    assert!(error.contains("No row has this hash"), "{error}");
    for bad in ["", "7", "7:abc", &format!("x:{hash}")] {
        stderr_text(&verify(bad.to_owned()), 2);
    }
    let mut tx = test.write().await.unwrap();
    tamper(&mut tx, "delete from audit_log where subject_id in ('subject3', 'subject4')").await;
    tx.commit_unaudited().await.unwrap();
    stdout_text(&candor(&test, &["audit", "verify"], ""));
    let error = stderr_text(&verify(format!("{id}:{hash}")), 1);
    assert!(error.contains(&format!("Row {id} is missing")), "{error}");
}

#[apply(on_both_databases!)]
async fn digest_of_the_last_full_hour_is_public(test: TestDb) {
    let app = TestApp::new(test).await;
    let digest = async || {
        let answer = app.visitor().get("/.well-known/candor-audit").await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json; charset=utf-8"));
        serde_json::from_str::<Option<PublicDigest>>(&answer.text()).unwrap()
    };
    assert_eq!(digest().await, None);
    let mut work = Worker::default();
    work.tick(&app).await;
    let manager = app.manager("Ines", Owner).await;
    let mut owner = app.with_session(&manager).await;
    owner.post("/admin/groups", &[("name", "Maps")]).await;
    let head = audit_chain::head(&mut app.db.read().await.unwrap()).await.unwrap();
    assert!(head.is_some());
    assert_eq!(digest().await, None, "nothing of this hour is public");
    app.clock.advance(TimeDelta::hours(1));
    work.tick(&app).await;
    let hour = start_of_hour(app.clock.now());
    let public = PublicDigest { until: hour, hash: head.clone().unwrap().hash };
    assert_eq!(digest().await.as_ref(), Some(&public), "published on the hour, without a deed");
    let mut owner = app.with_session(&manager).await;
    owner.post("/admin/groups", &[("name", "Roads")]).await;
    assert_eq!(digest().await, Some(public), "a deed does not show before the hour is over");
    let head = audit_chain::head(&mut app.db.read().await.unwrap()).await.unwrap();
    let shown = owner.get("/admin/audit").await.text();
    let head = head.unwrap();
    assert!(shown.contains(&format!("{}:{}", head.id, head.hash)), "{shown}");
}

#[apply(on_both_databases!)]
async fn denied_attempts_are_audited_without_secrets(test: TestDb) {
    let app = TestApp::new(test).await;
    let revision = app.counts().await.0;
    let viewer = app.manager("Vera", Viewer).await;
    app.with_session(&viewer).await.post("/admin/groups", &[("name", "secret-name")]).await;
    app.visitor().post_with("/logout", &[], &[("sec-fetch-site", "cross-site")]).await;
    app.visitor().post_with("/setup/secret-token", &[], &[("sec-fetch-site", "cross-site")]).await;
    app.visitor().get("/setup/secret-token").await;
    app.visitor().post("/setup/secret-token", &[("password", "secret-password")]).await;
    app.visitor().post("/login", &[("email", "a@example.org"), ("password", "secret-password")]).await;
    app.visitor().post_with("/wp-login.php", &[], &[]).await;
    let audited: Vec<_> = app.audit().await.into_iter().rev().collect();
    let audited: Vec<_> =
        audited.iter().map(|r| (r.action.as_str(), r.actor.name.as_str(), r.subject_name.as_str())).collect();
    let expected = [
        ("manager.deny-role", "Vera", "POST /admin/groups"),
        ("manager.deny-cross-site", "anonymous", "POST /logout"),
        ("manager.deny-cross-site", "anonymous", "POST /setup/…"),
        ("manager.deny-link", "anonymous", ""),
        ("manager.deny-link", "anonymous", ""),
        ("manager.deny-login", "anonymous", "a@example.org"),
    ];
    assert_eq!(audited, expected);
    assert!(!format!("{:?}", app.audit().await).contains("secret"));
    assert_eq!(app.counts().await.0, revision, "who is refused publishes nothing");
    assert_eq!(break_in(&mut app.db.read().await.unwrap()).await, None);
}

#[apply(on_both_databases!)]
async fn denied_requests_never_create_a_revision(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut owner = app.through_login(&manager).await;
    let before = app.db.read().await.unwrap().revision().await.unwrap();
    let mut stranger = app.visitor();
    stranger.peer = Some([192, 0, 2, 9].into());
    let mut statuses = std::collections::BTreeSet::new();
    for _ in 0..40 {
        statuses.insert(stranger.post("/login/passkey", &[("credential", "{}")]).await.status.as_u16());
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [422, 429], "one network is slowed down");
    assert_eq!(owner.post("/admin/proof", &[("proof_password", "wrong")]).await.status.as_u16(), 422);
    assert_eq!(app.db.read().await.unwrap().revision().await.unwrap(), before);
    let rows = app.audit().await;
    let count_denials = |action: &str| rows.iter().filter(|row| row.action == action).count();
    assert_eq!(
        (count_denials("manager.deny-login"), count_denials("manager.deny-reauthentication")),
        (MAX_PER_ADDRESS as usize, 1)
    );
}

#[apply(on_both_databases!)]
async fn denial_flood_is_counted_instead_of_recorded(test: TestDb) {
    let app = TestApp::new(test).await;
    let flood = async |address: &str, attempts: u32| {
        let mut browser = app.visitor();
        browser.peer = Some(address.parse().unwrap());
        for _ in 0..attempts {
            browser.get("/setup/x").await;
        }
    };
    flood("192.0.2.1", MAX_PER_ADDRESS + 5).await;
    assert_eq!(app.audit().await.len(), MAX_PER_ADDRESS as usize);
    for other in 2..20 {
        flood(&format!("192.0.2.{other}"), MAX_PER_ADDRESS).await;
    }
    assert_eq!(app.audit().await.len(), MAX_TOTAL as usize);
    let mut work = Worker::default();
    work.tick(&app).await;
    assert_eq!(app.audit().await.len(), MAX_TOTAL as usize, "the minute is not over");
    app.clock.advance(TimeDelta::minutes(1));
    work.tick(&app).await;
    let row = app.audit().await.remove(0);
    let left_out = MAX_PER_ADDRESS + 5 + 18 * MAX_PER_ADDRESS - MAX_TOTAL;
    assert_eq!(
        (row.action.as_str(), row.subject_name),
        ("audit.suppress-denials", format!("{left_out} denied attempts"))
    );
    assert_eq!(row.actor.address, "several addresses");
    flood("192.0.2.1", 1).await;
    assert_eq!(app.audit().await.len(), MAX_TOTAL as usize + 2);
}
