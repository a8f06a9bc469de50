//! Transactions: atomic commits, consistent reads and serialized writers.

use candor::db::{Db, Error, admin_incidents, audit, components, incidents};
use candor::domain::audit::{Action, Entry};
use candor::domain::history::HistoryFilter;
use chrono::TimeDelta;

use crate::support::fixtures::{actor, component, entry, incident};
use crate::support::{TestDb, now};

async fn revision(test: &TestDb) -> i64 {
    test.read().await.unwrap().revision().await.unwrap()
}

#[apply(on_both_databases!)]
async fn change_audit_row_and_revision_commit_together(test: TestDb) {
    let before = revision(&test).await;
    let new_incident = incident("a", now());
    let mut tx = test.write().await.unwrap();
    incidents::insert(&mut tx, &new_incident).await.unwrap();
    let entry = Entry::new(Action::IncidentOpen, &new_incident.id, &new_incident.title).after(&new_incident);
    let made = tx.commit(&actor(), now(), entry).await.unwrap();
    assert_eq!((made, revision(&test).await), (before + 1, before + 1));
    let mut tx = test.read().await.unwrap();
    let row = audit::find_latest(&mut tx, "a").await.unwrap().unwrap();
    assert_eq!((row.action.as_str(), row.revision, row.at, row.actor), ("incident.open", made, now(), actor()));
    assert_eq!(row.before, None);
    assert_eq!(row.after.unwrap()["title"], "Incident a");
}

#[apply(on_both_databases!)]
async fn dropped_transaction_leaves_nothing(test: TestDb) {
    let before = revision(&test).await;
    let mut tx = test.write().await.unwrap();
    incidents::insert(&mut tx, &incident("a", now())).await.unwrap();
    drop(tx);
    let mut tx = test.write().await.unwrap();
    assert!(!admin_incidents::exists(&mut tx, &incident("a", now()).id).await.unwrap());
    drop(tx);
    assert_eq!(revision(&test).await, before);
    assert!(audit::list(&mut test.read().await.unwrap(), None, 10).await.unwrap().is_empty());
}

#[apply(on_both_databases!)]
async fn several_entries_share_one_revision(test: TestDb) {
    let tx = test.write().await.unwrap();
    let committed = tx.commit_all(&actor(), now(), &[entry(), entry(), entry()]).await.unwrap();
    let rows = audit::list(&mut test.read().await.unwrap(), None, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.revision).collect::<Vec<_>>(), [committed; 3]);
}

#[apply(on_both_databases!)]
async fn unaudited_commit_makes_no_revision(test: TestDb) {
    let before = revision(&test).await;
    test.write().await.unwrap().commit_unaudited().await.unwrap();
    assert_eq!(revision(&test).await, before);
}

#[apply(on_both_databases!)]
async fn audit_log_is_listed_newest_first(test: TestDb) {
    for number in 0..5 {
        let tx = test.write().await.unwrap();
        tx.commit(&actor(), now(), Entry::new(Action::SampleLoad, number, "")).await.unwrap();
    }
    let mut tx = test.read().await.unwrap();
    let first = audit::list(&mut tx, None, 3).await.unwrap();
    let rest = audit::list(&mut tx, first.last().map(|row| row.id), 3).await.unwrap();
    let subjects: Vec<&str> = first.iter().chain(&rest).map(|row| row.subject_id.as_str()).collect();
    assert_eq!(subjects, ["4", "3", "2", "1", "0"]);
}

#[apply(on_both_databases!)]
async fn readers_see_a_consistent_snapshot(test: TestDb) {
    let mut reader = test.read().await.unwrap();
    let before = reader.revision().await.unwrap();
    test.insert(&[incident("a", now())]).await;
    assert_eq!(reader.revision().await.unwrap(), before);
    let none = incidents::totals(&mut reader, &HistoryFilter::default(), (None, None)).await.unwrap();
    assert_eq!((none.count, incidents::list_open(&mut reader).await.unwrap().len()), (0, 0));
    drop(reader);
    assert_eq!(revision(&test).await, before + 1);
    assert_eq!(incidents::list_open(&mut test.read().await.unwrap()).await.unwrap().len(), 1);
}

#[apply(on_both_databases!)]
async fn a_reader_cannot_write(test: TestDb) {
    // The types allow no write in a read transaction; the database must reject it too.
    let mut refused = false;
    match test.read().await.unwrap() {
        candor::db::Tx::Sqlite(mut tx) => {
            refused |= sqlx::query("delete from page").execute(&mut *tx).await.is_err();
        }
        candor::db::Tx::Postgres(mut tx) => {
            refused |= sqlx::query("delete from page").execute(&mut *tx).await.is_err();
        }
    }
    assert!(refused);
}

#[apply(on_both_databases!)]
async fn twenty_writers_at_once_all_succeed(test: TestDb) {
    let before = revision(&test).await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let db = test.db.clone();
        writers.spawn(async move {
            let mut tx = db.write().await.unwrap();
            // Reads before it writes, like every change.
            let count = components::list(&mut tx).await.unwrap().len();
            components::create(&mut tx, component(&format!("Component {number}")), now()).await.unwrap();
            tx.commit(&actor(), now() + TimeDelta::seconds(number), entry()).await.unwrap();
            count
        });
    }
    let mut counts = writers.join_all().await;
    counts.sort_unstable();
    // Each writer saw the rows of those before it: they ran one after the other.
    assert_eq!(counts, (0..20).collect::<Vec<_>>());
    assert_eq!(revision(&test).await, before + 20);
    let mut places: Vec<i64> =
        components::list(&mut test.read().await.unwrap()).await.unwrap().iter().map(|it| it.position).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=20).collect::<Vec<_>>());
}

#[apply(on_both_databases!)]
async fn concurrent_prepare_is_serialized(test: TestDb) {
    let others = [Db::at(&test.url).unwrap(), Db::at(&test.url).unwrap(), Db::at(&test.url).unwrap()];
    let (a, b, c) = tokio::join!(others[0].prepare(now()), others[1].prepare(now()), others[2].prepare(now()));
    for prepared in [a, b, c] {
        prepared.unwrap();
    }
    for other in others {
        other.close().await;
    }
}

#[apply(on_both_databases!)]
async fn a_closed_database_is_unavailable(test: TestDb) {
    test.close().await;
    assert!(matches!(test.read().await, Err(Error::Unavailable(_))));
    assert!(matches!(test.write().await, Err(Error::Unavailable(_))));
}
