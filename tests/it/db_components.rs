//! Components and groups in the database.

use candor::db::{Error, components};
use candor::domain::forms::{NewComponent, NewGroup};
use candor::domain::{ComponentId, GroupId, Status};
use chrono::{NaiveDate, TimeDelta};

use crate::support::fixtures::component;
use crate::support::{TestDb, now};

fn group(name: &str) -> NewGroup {
    NewGroup { name: name.into(), description: String::new(), position: None }
}

#[apply(on_both_databases!)]
async fn component_round_trips(test: TestDb) {
    let new = NewComponent {
        description: "What it does".into(),
        status: Status::UnderMaintenance,
        start_date: NaiveDate::from_ymd_opt(2024, 2, 29),
        only_show_if_degraded: true,
        ..component("API")
    };
    let mut tx = test.write().await.unwrap();
    let stored = components::create(&mut tx, new, now()).await.unwrap();
    test.commit(tx).await;
    let mut tx = test.read().await.unwrap();
    assert_eq!(components::find(&mut tx, &stored.id).await.unwrap(), stored);
    assert_eq!(components::list(&mut tx).await.unwrap(), [stored]);
}

#[apply(on_both_databases!)]
async fn positions_are_per_group_and_top_level(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let first = components::create_group(&mut tx, group("First"), now()).await.unwrap();
    let single = components::create(&mut tx, component("Single"), now()).await.unwrap();
    let second = components::create_group(&mut tx, group("Second"), now()).await.unwrap();
    let inside = |name: &str| NewComponent { group_id: Some(first.id.clone()), ..component(name) };
    let a = components::create(&mut tx, inside("A"), now()).await.unwrap();
    let b = components::create(&mut tx, inside("B"), now()).await.unwrap();
    assert_eq!([first.position, single.position, second.position, a.position, b.position], [1, 2, 3, 1, 2]);
    test.commit(tx).await;
    let groups = components::list_groups(&mut test.read().await.unwrap()).await.unwrap();
    assert_eq!(groups, [first, second]);
}

#[apply(on_both_databases!)]
async fn unknown_group_is_rejected(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let lost = NewComponent { group_id: GroupId::parse("nowhere"), ..component("API") };
    assert!(matches!(components::create(&mut tx, lost, now()).await, Err(Error::NotFound)));
    let mut stored = components::create(&mut tx, component("API"), now()).await.unwrap();
    stored.group_id = GroupId::parse("nowhere");
    assert!(matches!(components::update(&mut tx, &mut stored, now()).await, Err(Error::NotFound)));
}

#[apply(on_both_databases!)]
async fn stale_component_change_is_a_conflict(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let mut first = components::create(&mut tx, component("API"), now()).await.unwrap();
    let mut second = first.clone();
    first.status = Status::MajorOutage;
    let later = now() + TimeDelta::minutes(5);
    components::update(&mut tx, &mut first, later).await.unwrap();
    second.name = "Lost".into();
    assert!(matches!(components::update(&mut tx, &mut second, later).await, Err(Error::Conflict(_))));
    test.commit(tx).await;
    let stored = components::find(&mut test.read().await.unwrap(), &first.id).await.unwrap();
    assert_eq!((stored.version, stored.status, stored.updated_at), (2, Status::MajorOutage, later));
    assert_eq!(stored, first);
}

#[apply(on_both_databases!)]
async fn stale_group_change_is_a_conflict(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let mut first = components::create_group(&mut tx, group("Maps"), now()).await.unwrap();
    let mut second = first.clone();
    first.name = "Charts".into();
    components::update_group(&mut tx, &mut first, now()).await.unwrap();
    assert!(matches!(components::update_group(&mut tx, &mut second, now()).await, Err(Error::Conflict(_))));
    assert_eq!(components::find_group(&mut tx, &first.id).await.unwrap(), first);
}

#[apply(on_both_databases!)]
async fn deleting_a_group_keeps_its_components(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let maps = components::create_group(&mut tx, group("Maps"), now()).await.unwrap();
    let new = NewComponent { group_id: Some(maps.id.clone()), ..component("Tiles") };
    let tiles = components::create(&mut tx, new, now()).await.unwrap();
    components::delete_group(&mut tx, &maps.id).await.unwrap();
    test.commit(tx).await;
    let mut tx = test.read().await.unwrap();
    assert!(matches!(components::find_group(&mut tx, &maps.id).await, Err(Error::NotFound)));
    let left = components::find(&mut tx, &tiles.id).await.unwrap();
    assert_eq!((left.group_id, left.version), (None, 2));
}

#[apply(on_both_databases!)]
async fn a_deleted_component_is_gone(test: TestDb) {
    let mut tx = test.write().await.unwrap();
    let tiles = components::create(&mut tx, component("Tiles"), now()).await.unwrap();
    components::delete(&mut tx, &tiles.id).await.unwrap();
    assert!(matches!(components::find(&mut tx, &tiles.id).await, Err(Error::NotFound)));
    let missing = ComponentId::parse("missing").unwrap();
    assert!(matches!(components::find(&mut tx, &missing).await, Err(Error::NotFound)));
}
