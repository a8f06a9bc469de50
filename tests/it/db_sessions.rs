//! Sessions in the database.

use candor::db::sessions::{self, Session};
use candor::domain::{Manager, Role};
use chrono::TimeDelta;

use crate::support::fixtures::manager;
use crate::support::{TestDb, now};

pub fn new_session(letter: &str, manager: Option<&Manager>) -> Session {
    Session {
        id_hash: letter.repeat(64),
        manager_id: manager.map(|manager| manager.id.to_string()),
        data: "{}".into(),
        address: "192.0.2.1".into(),
        user_agent: "Browser".into(),
        created_at: now(),
        last_seen_at: now(),
    }
}

#[apply(on_both_databases!)]
async fn session_round_trips_until_it_expires(test: TestDb) {
    let stored = new_session("a", None);
    let mut tx = test.write().await.unwrap();
    sessions::insert(&mut tx, &stored).await.unwrap();
    test.commit(tx).await;
    let mut tx = test.read().await.unwrap();
    let before = now() - TimeDelta::microseconds(1);
    assert_eq!(sessions::find(&mut tx, &stored.id_hash, before, before).await.unwrap(), Some(stored.clone()));
    assert_eq!(sessions::find(&mut tx, &stored.id_hash, now(), before).await.unwrap(), None);
    assert_eq!(sessions::find(&mut tx, &stored.id_hash, before, now()).await.unwrap(), None);
    assert_eq!(sessions::find(&mut tx, "other", before, before).await.unwrap(), None);
}

#[apply(on_both_databases!)]
async fn saving_again_keeps_the_creation_time(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let ines = candor::db::managers::create(&mut tx, manager("Ines", Role::Owner), None, now()).await.unwrap();
    sessions::insert(&mut tx, &new_session("a", None)).await.unwrap();
    let later = now() + TimeDelta::hours(1);
    let again =
        Session { data: "{\"x\":1}".into(), created_at: later, last_seen_at: later, ..new_session("a", Some(&ines)) };
    sessions::update(&mut tx, &again).await.unwrap();
    let ever = now() - TimeDelta::days(1);
    let stored = sessions::find(&mut tx, &again.id_hash, ever, ever).await.unwrap().unwrap();
    assert_eq!(stored, Session { created_at: now(), ..again });
}

#[apply(on_both_databases!)]
async fn used_session_lives_until_its_maximum_age(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let stored = new_session("a", None);
    sessions::insert(&mut tx, &stored).await.unwrap();
    let later = now() + TimeDelta::hours(2);
    sessions::touch(&mut tx, &stored.id_hash, later).await.unwrap();
    let found = sessions::find(&mut tx, &stored.id_hash, now(), now() - TimeDelta::hours(1)).await.unwrap().unwrap();
    assert_eq!((found.created_at, found.last_seen_at), (now(), later));
    assert_eq!(sessions::find(&mut tx, &stored.id_hash, now(), now()).await.unwrap(), None);
}

#[apply(on_both_databases!)]
async fn expired_sessions_are_deleted(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let old = now() - TimeDelta::days(30);
    let cases = [("a", now(), now()), ("b", now(), old), ("c", old, now())];
    for (letter, created_at, last_seen_at) in cases {
        sessions::insert(&mut tx, &Session { created_at, last_seen_at, ..new_session(letter, None) }).await.unwrap();
    }
    sessions::delete_expired(&mut tx, now()).await.unwrap();
    let ever = old - TimeDelta::days(1);
    let mut left = Vec::new();
    for letter in ["a", "b", "c"] {
        left.extend(sessions::find(&mut tx, &letter.repeat(64), ever, ever).await.unwrap().map(|_| letter));
    }
    assert_eq!(left, ["a"]);
}

#[apply(on_both_databases!)]
async fn an_ended_session_is_gone(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let stored = new_session("a", None);
    sessions::insert(&mut tx, &stored).await.unwrap();
    sessions::delete(&mut tx, &stored.id_hash).await.unwrap();
    let ever = now() - TimeDelta::days(1);
    assert_eq!(sessions::find(&mut tx, &stored.id_hash, ever, ever).await.unwrap(), None);
    // A late update by a request that loaded the session earlier does not restore it.
    sessions::update(&mut tx, &stored).await.unwrap();
    assert_eq!(sessions::find(&mut tx, &stored.id_hash, ever, ever).await.unwrap(), None);
}
