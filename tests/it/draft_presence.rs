//! Draft presence: shown to the other managers and not audited.

use axum::http::StatusCode;
use candor::domain::Role::Publisher;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Browser, TestApp};

async fn open_draft_twice(app: &TestApp) -> (Browser, Browser, String) {
    let (ines, rui) = (app.manager("Ines", Publisher).await, app.manager("Rui", Publisher).await);
    let (mut ines, rui) = (app.with_session(&ines).await, app.with_session(&rui).await);
    let fields = [("title", "Begun"), ("body", "One"), ("save_draft", "1")];
    let path = ines.post("/admin/incidents", &fields).await.location().split('?').next().unwrap().to_owned();
    (ines, rui, path)
}

#[apply(on_both_databases!)]
async fn draft_shows_who_has_it_open(test: TestDb) {
    let app = TestApp::new(test).await;
    let (mut ines, mut rui, path) = open_draft_twice(&app).await;
    let before = app.counts().await;
    assert!(ines.get("/admin").await.words(".draft .waiting").is_empty());
    let own = ines.get(&path).await;
    assert!(own.words("main p.waiting").is_empty(), "{:?}", own.words("main p.waiting"));
    app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(rui.get("/admin").await.word(".draft .waiting"), "Ines is editing this since 12:00.");
    let notice = rui.get(&path).await.words("main p.waiting");
    assert!(notice.contains(&"Ines is editing this since 12:00.".to_owned()), "{notice:?}");
    // A short break keeps the start time; a long one resets it.
    app.clock.advance(TimeDelta::minutes(20));
    ines.get(&path).await;
    rui.get("/admin").await;
    app.clock.advance(TimeDelta::minutes(20));
    assert_eq!(rui.get("/admin").await.word(".draft .waiting"), "Ines is editing this since 12:00.");
    assert!(ines.get("/admin").await.words(".draft .waiting").is_empty(), "Rui was away for 40 minutes");
    app.clock.advance(TimeDelta::minutes(15));
    assert!(rui.get("/admin").await.words(".draft .waiting").is_empty());
    ines.get(&path).await;
    assert_eq!(rui.get("/admin").await.word(".draft .waiting"), "Ines is editing this since 12:57.");
    assert_eq!(app.counts().await, before, "looking at a draft is a deed, or publishes");
    // What is gone is open nowhere.
    assert_eq!(ines.post(&format!("{path}/deletion"), &[("version", "1")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.number("select count(*) from draft_presence").await, 0);
    assert_eq!(rui.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn deleting_a_draft_asks_and_names_its_editor(test: TestDb) {
    let app = TestApp::new(test).await;
    let (mut ines, mut rui, path) = open_draft_twice(&app).await;
    ines.get(&path).await;
    let deletion = format!("{path}/deletion");
    let dashboard = rui.get("/admin").await;
    assert_eq!(dashboard.attributes(".draft a.quiet", "href"), [deletion.as_str()]);
    assert!(dashboard.attributes("main form", "action").iter().all(|action| *action != deletion), "no button deletes");
    let question = rui.get(&deletion).await;
    assert_eq!((question.word("h1"), question.word(".quoted strong")), ("Delete this draft?".into(), "Begun".into()));
    assert_eq!(question.word("main p.waiting"), "Ines is editing this since 12:00.");
    assert!(question.word("main").contains("Last edited by Ines"), "{}", question.text());
    assert_eq!(rui.post(&deletion, &[]).await.status, StatusCode::CONFLICT, "a bare request asks as well");
    let id = path.rsplit('/').next().unwrap();
    let edit = [("draft", id), ("draft_version", "1"), ("title", "Begun"), ("body", "Two"), ("save_draft", "1")];
    ines.post("/admin/incidents", &edit).await;
    let stale = rui.post(&deletion, &[("version", question.field("version").as_str())]).await;
    assert_eq!((stale.status, stale.field("version").as_str()), (StatusCode::CONFLICT, "2"));
    assert!(stale.word("[role=alert]").contains("changed this draft") && stale.word(".quoted").contains("Two"));
    let done = rui.post(&deletion, &[("version", "2")]).await;
    assert_eq!(done.location(), "/admin?done=draft-deleted");
    assert_eq!(rui.get(&deletion).await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn prefetched_draft_counts_as_not_open(test: TestDb) {
    let app = TestApp::new(test).await;
    let (mut ines, _, path) = open_draft_twice(&app).await;
    assert_eq!(ines.get_with(&path, &[("sec-purpose", "prefetch")]).await.status, StatusCode::OK);
    assert_eq!(app.number("select count(*) from draft_presence").await, 0);
}

#[apply(on_both_databases!)]
async fn draft_opens_when_presence_cannot_be_recorded(test: TestDb) {
    let app = TestApp::new(test).await;
    let (mut ines, mut rui, path) = open_draft_twice(&app).await;
    app.tamper(
        "create trigger full before insert on draft_presence begin select raise(abort, 'full'); end",
        "create function full_up() returns trigger as $$ begin raise exception 'full'; end $$ language plpgsql;
         create trigger full_up before insert on draft_presence for each row execute function full_up()",
    )
    .await;
    let page = ines.get(&path).await;
    assert_eq!((page.status, page.field("body")), (StatusCode::OK, "One".into()));
    assert!(rui.get(&path).await.words("main p.waiting").iter().all(|words| !words.contains("editing this since")));
}
