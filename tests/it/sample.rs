//! The sample data in a database.

use candor::cli::demo;
use candor::db::{admin_incidents, audit, components, incidents, maintenances, page_settings, series};

use crate::support::{TestDb, now};

#[apply(on_both_databases!)]
async fn demo_data_round_trips(test: TestDb) {
    let company = demo::load_demo(&test, &test.clock).await.unwrap();
    assert_eq!(company, demo::demo_data(now()).unwrap());
    let mut tx = test.read().await.unwrap();
    let page = page_settings::load(&mut tx).await.unwrap();
    assert_eq!((page.name.as_str(), page.time_zone.name(), page.links.len()), ("Tidewater Maps", "Europe/Lisbon", 3));
    assert_eq!(components::list(&mut tx).await.unwrap().len(), 12);
    let stored = admin_incidents::list(&mut tx, None, 1000).await.unwrap();
    assert_eq!(stored, company.incidents);
    assert_eq!(incidents::list_open(&mut tx).await.unwrap().len(), 1);
    assert_eq!(maintenances::list(&mut tx, None, 1000).await.unwrap(), company.maintenances);
    assert_eq!(series::list_active(&mut tx).await.unwrap(), [company.series]);
    let rows = audit::list(&mut tx, None, 10).await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].action.as_str(), rows[0].revision),
        (1, "sample.load", tx.revision().await.unwrap())
    );
}

#[apply(on_both_databases!)]
async fn demo_needs_an_empty_database(test: TestDb) {
    demo::load_demo(&test, &test.clock).await.unwrap();
    let before = test.read().await.unwrap().revision().await.unwrap();
    let refused = demo::load_demo(&test, &test.clock).await.unwrap_err();
    assert!(refused.to_string().contains("the database is not empty"), "{refused}");
    assert_eq!(test.read().await.unwrap().revision().await.unwrap(), before);
}
