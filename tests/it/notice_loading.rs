//! The content of a notice is what visitors see when it is sent.

use candor::db::{components, incidents, maintenances, postmortems};
use candor::domain::notice::Event;
use candor::domain::postmortem::PublishedPostmortem;
use candor::domain::{Incident, IncidentId, Notice, NoticeId, Postmortem, UpdateId, Visibility};
use candor::publish::notices::{EmailTemplate, NoticeContent, Subject};
use chrono::TimeDelta;

use crate::notice_content::links;
use crate::support::fixtures;
use crate::support::{TestDb, noon_in};

fn notice(test: &TestDb, event: Event, subject: &str, update: Option<&str>) -> Notice {
    Notice {
        id: NoticeId::parse("notice").unwrap(),
        event,
        subject_id: subject.into(),
        update_id: update.map(|id| UpdateId::parse(id).unwrap()),
        components: Vec::new(),
        change: None,
        created_at: test.clock.now(),
    }
}

async fn load(test: &TestDb, event: Event, subject: &str, update: Option<&str>) -> Option<NoticeContent> {
    let mut tx = test.read().await.unwrap();
    NoticeContent::load(&mut tx, &notice(test, event, subject, update), "https://status.example.org/").await.unwrap()
}

fn incident(test: &TestDb, id: &str, visibility: Visibility) -> Incident {
    Incident {
        visibility,
        internal_note: Some("secret note".into()),
        ..fixtures::incident(id, test.clock.now() - TimeDelta::minutes(5))
    }
}

#[apply(on_both_databases!)]
async fn hidden_incidents_have_no_content(test: TestDb) {
    let embargo = Visibility::Embargoed(test.clock.now() + TimeDelta::hours(1));
    let all = [("open", Visibility::Public), ("later", embargo), ("internal", Visibility::Internal)];
    test.insert(&all.map(|(id, visibility)| incident(&test, id, visibility))).await;
    for id in ["later", "internal", "unknown", "not an id", ""] {
        assert!(load(&test, Event::IncidentOpened, id, None).await.is_none(), "{id}");
    }
    let content = load(&test, Event::IncidentOpened, "open", Some("open-1")).await.expect("a public incident");
    let mail = EmailTemplate::new(&content).for_subscriber(&links());
    assert!(mail.text.contains("https://status.example.org/incidents/open"), "{}", mail.text);
    let shown = format!("{content:?} {} {}", mail.text, mail.html);
    for hidden in ["later", "internal-1", "secret note"] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
}

#[apply(on_both_databases!)]
async fn withdrawn_texts_are_not_sent(test: TestDb) {
    test.insert(&[incident(&test, "it", Visibility::Public)]).await;
    assert!(load(&test, Event::IncidentUpdated, "it", Some("it-1")).await.is_some());
    assert!(load(&test, Event::IncidentUpdated, "it", Some("it-2")).await.is_none(), "the update was deleted");
    assert!(load(&test, Event::PostmortemPublished, "it", None).await.is_none(), "there is no postmortem");
    let mut tx = test.write().await.unwrap();
    incidents::delete(&mut tx, &IncidentId::parse("it").unwrap()).await.unwrap();
    test.commit(tx).await;
    assert!(load(&test, Event::IncidentUpdated, "it", Some("it-1")).await.is_none());
}

#[apply(on_both_databases!)]
async fn published_postmortem_is_loaded(test: TestDb) {
    let now = test.clock.now();
    let reviewed = Incident {
        visibility: Visibility::Public,
        ..fixtures::resolved("it", now - TimeDelta::hours(9), TimeDelta::hours(1))
    };
    test.insert(&[reviewed]).await;
    let published = Some(PublishedPostmortem { body: "The cause.".into(), at: now, update_id: None });
    let id = IncidentId::parse("it").unwrap();
    let mut review = Postmortem { incident: id, body: "A draft.".into(), published, updated_at: now, version: 0 };
    let mut tx = test.write().await.unwrap();
    postmortems::save(&mut tx, &mut review, now).await.unwrap();
    test.commit(tx).await;
    let content = load(&test, Event::PostmortemPublished, "it", None).await.expect("a postmortem");
    let mail = EmailTemplate::new(&content).for_subscriber(&links());
    assert!(mail.text.contains("The cause.") && !mail.text.contains("A draft."), "{}", mail.text);
    assert!(mail.text.contains("/incidents/it#postmortem"), "{}", mail.text);
}

#[apply(on_both_databases!)]
async fn maintenances_and_components_are_loaded(test: TestDb) {
    let now = test.clock.now();
    let mut tx = test.write().await.unwrap();
    let api = components::create(&mut tx, fixtures::component("API"), now).await.unwrap();
    let it = fixtures::maintenance("work", noon_in(2), noon_in(2) + TimeDelta::hours(1), &[api.id.as_str()]);
    maintenances::insert(&mut tx, &it).await.unwrap();
    test.commit(tx).await;
    let content = load(&test, Event::MaintenanceScheduled, "work", Some("work-1")).await.expect("a maintenance");
    assert!(matches!(&content.subject, Subject::Maintenance(found) if found.id == it.id));
    let content = load(&test, Event::ComponentUpdated, api.id.as_str(), None).await.expect("a component");
    assert!(matches!(&content.subject, Subject::Component(found) if found.id == api.id));
    for (event, id) in [(Event::MaintenanceScheduled, "other"), (Event::ComponentUpdated, "other")] {
        assert!(load(&test, event, id, None).await.is_none());
    }
}
