//! Incidents in the database.

use candor::db::incidents;
use candor::domain::IncidentId;

use crate::support::TestDb;

on_both_databases!(a_fresh_database_holds_no_incident);

async fn a_fresh_database_holds_no_incident(test: TestDb) {
    let mut tx = test.read().await.unwrap();
    assert!(!incidents::exists(&mut tx, &IncidentId::parse("x").unwrap()).await.unwrap());
    assert!(incidents::open(&mut tx).await.unwrap().is_empty());
}
