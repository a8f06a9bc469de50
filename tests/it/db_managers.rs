//! Managers and their one-time links in the database.

use candor::db::one_time_links::{self, Link};
use candor::db::{Error, managers, sessions};
use candor::domain::manager::LinkPurpose;
use candor::domain::{Manager, Role};
use chrono::TimeDelta;

use crate::db_sessions::new_session;
use crate::support::fixtures::manager;
use crate::support::{TestDb, now};

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

async fn create(test: &TestDb, name: &str, role: Role) -> Manager {
    let mut tx = test.write().await.unwrap();
    let created = managers::create(&mut tx, manager(name, role), Some(HASH), now()).await.unwrap();
    test.commit(tx).await;
    created
}

fn token(letter: &str) -> String {
    letter.repeat(64)
}

fn link(manager: &Manager) -> Link {
    let expires_at = now() + TimeDelta::minutes(30);
    Link { purpose: LinkPurpose::Reset, manager_id: Some(manager.id.clone()), expires_at }
}

#[apply(on_both_databases!)]
async fn a_manager_is_found_by_id_and_by_address(test: TestDb) {
    let ines = create(&test, "Ines", Role::Owner).await;
    let mut tx = test.read().await.unwrap();
    assert_eq!(managers::find(&mut tx, &ines.id).await.unwrap(), ines);
    let (found, hash) = managers::find_by_email(&mut tx, "ines@example.org").await.unwrap().unwrap();
    assert_eq!((found, hash.as_deref()), (ines.clone(), Some(HASH)));
    assert!(managers::find_by_email(&mut tx, "nobody@example.org").await.unwrap().is_none());
    assert_eq!(managers::list(&mut tx, None, 100).await.unwrap(), [ines]);
    assert_eq!(managers::count(&mut tx).await.unwrap(), 1);
}

#[apply(on_both_databases!)]
async fn address_is_unique(test: TestDb) {
    create(&test, "Ines", Role::Owner).await;
    let mut tx = test.write().await.unwrap();
    let again = managers::create(&mut tx, manager("Ines", Role::Viewer), None, now()).await;
    assert!(matches!(again, Err(Error::Conflict(_))));
}

#[apply(on_both_databases!)]
async fn last_active_owner_cannot_be_removed(test: TestDb) {
    let mut ines = create(&test, "Ines", Role::Owner).await;
    let mut rui = create(&test, "Rui", Role::Publisher).await;
    let refused = managers::disable(&mut test.write().await.unwrap(), &mut ines.clone(), now()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    let refused = managers::set_role(&mut test.write().await.unwrap(), &mut ines.clone(), Role::Viewer, now()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    let mut tx = test.write().await.unwrap();
    managers::set_role(&mut tx, &mut rui, Role::Owner, now()).await.unwrap();
    managers::disable(&mut tx, &mut ines, now()).await.unwrap();
    managers::disable(&mut tx, &mut rui, now()).await.unwrap_err();
    managers::enable(&mut tx, &mut ines, now()).await.unwrap();
    assert_eq!(managers::active_owners(&mut tx).await.unwrap(), 1);
}

#[apply(on_both_databases!)]
async fn others_can_be_disabled_before_the_first_active_owner(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let mut invited = managers::create(&mut tx, manager("Ines", Role::Owner), None, now()).await.unwrap();
    let mut viewer = managers::create(&mut tx, manager("Rui", Role::Viewer), Some(HASH), now()).await.unwrap();
    managers::disable(&mut tx, &mut viewer, now()).await.unwrap();
    managers::set_role(&mut tx, &mut viewer, Role::Owner, now()).await.unwrap();
    managers::disable(&mut tx, &mut invited, now()).await.unwrap();
}

#[apply(on_both_databases!)]
async fn a_disabled_manager_has_no_sessions_and_no_links(test: TestDb) {
    create(&test, "Ines", Role::Owner).await;
    let mut rui = create(&test, "Rui", Role::Viewer).await;
    let mut tx = test.write().await.unwrap();
    sessions::insert(&mut tx, &new_session("a", Some(&rui))).await.unwrap();
    one_time_links::create(&mut tx, &token("b"), &link(&rui), now()).await.unwrap();
    managers::disable(&mut tx, &mut rui, now()).await.unwrap();
    let ever = now() - TimeDelta::days(1);
    assert!(sessions::list(&mut tx, &rui.id, (ever, ever), None, 100).await.unwrap().is_empty());
    assert!(one_time_links::find(&mut tx, &token("b"), now()).await.unwrap().is_none());
    assert_eq!(managers::find(&mut tx, &rui.id).await.unwrap().disabled_at, Some(now()));
}

#[apply(on_both_databases!)]
async fn a_new_password_ends_the_other_sessions(test: TestDb) {
    let mut ines = create(&test, "Ines", Role::Owner).await;
    let mut tx = test.write().await.unwrap();
    for letter in ["a", "b", "c"] {
        sessions::insert(&mut tx, &new_session(letter, Some(&ines))).await.unwrap();
    }
    managers::set_password(&mut tx, &mut ines, "new", Some(&token("b")), now()).await.unwrap();
    let ever = now() - TimeDelta::days(1);
    let left = sessions::list(&mut tx, &ines.id, (ever, ever), None, 100).await.unwrap();
    assert_eq!(left.iter().map(|session| session.id_hash.clone()).collect::<Vec<_>>(), [token("b")]);
    let (_, hash) = managers::find_by_email(&mut tx, &ines.email).await.unwrap().unwrap();
    assert_eq!(hash.as_deref(), Some("new"));
}

#[apply(on_both_databases!)]
async fn a_login_is_recorded(test: TestDb) {
    let ines = create(&test, "Ines", Role::Owner).await;
    let mut tx = test.write().await.unwrap();
    managers::record_login(&mut tx, &ines.id, now()).await.unwrap();
    managers::record_password(&mut tx, &ines.id, HASH, None).await.unwrap();
    let (found, hash) = managers::find_by_email(&mut tx, &ines.email).await.unwrap().unwrap();
    assert_eq!((found.last_login_at, hash.as_deref()), (Some(now()), Some(HASH)));
    managers::record_password(&mut tx, &ines.id, "of another password", Some("stronger")).await.unwrap();
    let (_, hash) = managers::find_by_email(&mut tx, &ines.email).await.unwrap().unwrap();
    assert_eq!(hash.as_deref(), Some(HASH), "a new password is not written over");
    managers::record_password(&mut tx, &ines.id, HASH, Some("stronger")).await.unwrap();
    let (_, hash) = managers::find_by_email(&mut tx, &ines.email).await.unwrap().unwrap();
    assert_eq!(hash.as_deref(), Some("stronger"));
}

#[apply(on_both_databases!)]
async fn a_link_works_once(test: TestDb) {
    let ines = create(&test, "Ines", Role::Owner).await;
    let mut tx = test.write().await.unwrap();
    one_time_links::create(&mut tx, &token("a"), &link(&ines), now()).await.unwrap();
    test.commit(tx).await;
    // `find` does not use the link up.
    for _ in 0..2 {
        let found = one_time_links::find(&mut test.read().await.unwrap(), &token("a"), now()).await.unwrap().unwrap();
        assert_eq!((found.purpose, found.manager_id.as_ref()), (LinkPurpose::Reset, Some(&ines.id)));
    }
    let mut tx = test.write().await.unwrap();
    one_time_links::consume(&mut tx, &token("a")).await.unwrap();
    assert!(matches!(one_time_links::consume(&mut tx, &token("a")).await, Err(Error::NotFound)));
    assert!(one_time_links::find(&mut tx, &token("a"), now()).await.unwrap().is_none());
}

#[apply(on_both_databases!)]
async fn link_expires(test: TestDb) {
    let ines = create(&test, "Ines", Role::Owner).await;
    let mut tx = test.write().await.unwrap();
    one_time_links::create(&mut tx, &token("a"), &link(&ines), now()).await.unwrap();
    let minutes = |minutes| now() + TimeDelta::minutes(minutes);
    let moment = TimeDelta::microseconds(1);
    assert!(one_time_links::find(&mut tx, &token("a"), minutes(30) - moment).await.unwrap().is_some());
    assert!(one_time_links::find(&mut tx, &token("a"), minutes(30)).await.unwrap().is_none());
}

#[apply(on_both_databases!)]
async fn new_link_replaces_the_older_one(test: TestDb) {
    let (ines, rui) = (create(&test, "Ines", Role::Owner).await, create(&test, "Rui", Role::Viewer).await);
    let setup = Link { purpose: LinkPurpose::Setup, manager_id: None, expires_at: now() + TimeDelta::minutes(30) };
    let mut tx = test.write().await.unwrap();
    for (letter, link) in [("a", &link(&ines)), ("b", &link(&rui)), ("c", &setup), ("d", &link(&ines)), ("e", &setup)] {
        one_time_links::create(&mut tx, &token(letter), link, now()).await.unwrap();
    }
    let mut good = Vec::new();
    for letter in ["a", "b", "c", "d", "e"] {
        good.extend(one_time_links::find(&mut tx, &token(letter), now()).await.unwrap().map(|_| letter));
    }
    assert_eq!(good, ["b", "d", "e"]);
}

#[apply(on_both_databases!)]
async fn expired_links_are_deleted(test: TestDb) {
    let ines = create(&test, "Ines", Role::Owner).await;
    let mut tx = test.write().await.unwrap();
    one_time_links::create(&mut tx, &token("a"), &link(&ines), now()).await.unwrap();
    one_time_links::delete_expired(&mut tx, now() + TimeDelta::minutes(29)).await.unwrap();
    assert!(one_time_links::find(&mut tx, &token("a"), now()).await.unwrap().is_some());
    one_time_links::delete_expired(&mut tx, now() + TimeDelta::minutes(30)).await.unwrap();
    assert!(one_time_links::find(&mut tx, &token("a"), now()).await.unwrap().is_none());
}
