//! The page's settings in the database.

use candor::db::{Error, page_settings};
use candor::domain::forms::PageSettings;
use candor::domain::page::Link;

use crate::support::{TestDb, now};

#[apply(on_both_databases!)]
async fn new_database_has_a_page(test: TestDb) {
    let page = page_settings::load(&mut test.read().await.unwrap()).await.unwrap();
    assert_eq!((page.name.as_str(), page.time_zone.name(), page.id.len(), page.version), ("Status", "UTC", 12, 1));
    test.prepare(now()).await.unwrap();
    assert_eq!(page_settings::load(&mut test.read().await.unwrap()).await.unwrap(), page);
}

#[apply(on_both_databases!)]
async fn settings_round_trip_and_stale_version_conflicts(test: TestDb) {
    let link = |label: &str| Link { label: label.into(), url: "https://example.org".into() };
    let mut settings = PageSettings {
        name: "Tidewater Maps".into(),
        url: "https://tidewater.example".into(),
        time_zone: chrono_tz::Europe::Lisbon,
        logo_text: "Tidewater".into(),
        links: vec![link("Z"), link("A")],
        embedders: vec!["https://a.example".into(), "https://b.example:8443".into()],
    };
    let mut tx = test.write().await.unwrap();
    let before = page_settings::load(&mut tx).await.unwrap();
    page_settings::update(&mut tx, &before, &settings, now()).await.unwrap();
    page_settings::set_id(&mut tx, "k2v7xq0m4c9z").await.unwrap();
    let after = page_settings::load(&mut tx).await.unwrap();
    assert_eq!((after.id.as_str(), after.version, &after.links), ("k2v7xq0m4c9z", 2, &settings.links));
    assert_eq!(after.embedders, settings.embedders);
    assert_eq!(
        (after.name, after.time_zone, after.logo_text),
        (settings.name.clone(), settings.time_zone, "Tidewater".into())
    );
    settings.links.clear();
    assert!(matches!(page_settings::update(&mut tx, &before, &settings, now()).await, Err(Error::Conflict(_))));
}
