//! The guided setup after the first owner, and the checklist on the dashboard.

use axum::http::StatusCode;
use candor::domain::Role::{Owner, Publisher};
use candor::domain::manager::LinkPurpose;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::TestApp;
use crate::web_brand::upload;

#[apply(on_both_databases!)]
async fn first_owner_is_led_through_four_steps(test: TestDb) {
    let app = TestApp::new(test).await;
    let token = app.link(LinkPurpose::Setup, None, TimeDelta::minutes(9)).await;
    let mut owner = app.visitor();
    let fields = [("name", "Ines"), ("email", "ines@example.org"), ("password", "gravel lantern otter")];
    let begun = owner.post(&format!("/setup/{token}"), &fields).await;
    assert_eq!(begun.location(), "/admin/setup/page?done=welcome", "{}", begun.text());
    assert!(app.visitor().get("/").await.text().contains("being set up"));
    let step = owner.get("/admin/setup/page").await;
    assert_eq!(step.words("nav[aria-label=Setup] li"), ["Page", "Brand", "Components", "Managers"]);
    assert_eq!(step.words("nav[aria-label=Setup] [aria-current]"), ["Page"]);
    assert!(step.attributes("main a", "href").contains(&"/admin/setup/brand".to_owned()), "it can be skipped");
    let version = step.field("version");
    let fields = [("version", version.as_str()), ("name", "Tidewater"), ("time_zone", "Europe/Lisbon")];
    let named = owner.post("/admin/setup/page", &fields).await;
    assert!(named.location().starts_with("/admin/setup/brand"), "{}", named.text());
    let brand = owner.get("/admin/setup/brand").await;
    let version = brand.field("version");
    let fields =
        [("version", version.as_str()), ("ground", "cool"), ("typeface", "system"), ("appearance", "automatic")];
    let branded = owner.post("/admin/setup/brand", &fields).await;
    assert!(branded.location().starts_with("/admin/setup/components"), "{}", branded.text());
    let listed = owner.post("/admin/setup/components", &[("names", "Website\nAPI\n\nSign-in")]).await;
    assert!(listed.location().starts_with("/admin/setup/managers"), "{}", listed.text());
    let page = app.visitor().get("/").await.text();
    for part in ["Tidewater", "Website", "API", "Sign-in"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(owner.post("/admin/setup/finish", &[]).await.location().ends_with("done=setup-finished"));
}

#[apply(on_both_databases!)]
async fn name_step_keeps_the_other_settings(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let version = owner.get("/admin/settings").await.field("version");
    let fields = [
        ("version", version.as_str()),
        ("name", "Tidewater"),
        ("time_zone", "UTC"),
        ("embedders", "https://a.example"),
    ];
    owner.post("/admin/settings", &fields).await;
    let version = owner.get("/admin/brand").await.field("version");
    let links = b"https://example.org/help Help";
    upload(&mut owner, &[("version", version.as_bytes()), ("logo_text", b"Tides"), ("links", links)]).await;
    let version = owner.get("/admin/setup/page").await.field("version");
    let fields = [("version", version.as_str()), ("name", "Tidewater Maps"), ("time_zone", "UTC")];
    assert_eq!(owner.post("/admin/setup/page", &fields).await.status, StatusCode::SEE_OTHER);
    let (settings, brand) = (owner.get("/admin/settings").await, owner.get("/admin/brand").await);
    assert_eq!((settings.field("name"), brand.field("logo_text")), ("Tidewater Maps".into(), "Tides".into()));
    assert!(brand.field("links").contains("Help") && settings.field("embedders").contains("a.example"));
}

#[apply(on_both_databases!)]
async fn component_names_are_added_together_or_not_at_all(test: TestDb) {
    let app = TestApp::new(test).await;
    app.component("API").await;
    let mut owner = app.logged_in(Owner).await;
    let before = app.all_content().await;
    for names in ["", "Web\nAPI", "Web\nweb", "Web\n\u{7}"] {
        let answer = owner.post("/admin/setup/components", &[("names", names)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{names:?}");
        assert!(!answer.message("names").is_empty() && answer.field("names").trim() == names.trim(), "{names:?}");
    }
    assert!(app.all_content().await == before);
    let mut publisher = app.logged_in(Publisher).await;
    assert_eq!(publisher.post("/admin/setup/components", &[("names", "Web")]).await.status, StatusCode::FORBIDDEN);
}

#[apply(on_both_databases!)]
async fn checklist_stays_until_it_is_dismissed(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let items = owner.get("/admin").await.words(".checklist li");
    assert_eq!(items.len(), 6, "{items:?}");
    assert!(!items.iter().any(|item| item.starts_with("Done")), "{items:?}");
    app.component("API").await;
    let fields =
        [("title", "A test"), ("phase", "investigating"), ("body", "Only for us."), ("visibility", "internal")];
    owner.post("/admin/incidents", &fields).await;
    owner.post("/admin/setup/finish", &[]).await;
    let dashboard = owner.get("/admin").await;
    assert_eq!(dashboard.words(".checklist .done").len(), 3, "{:?}", dashboard.words(".checklist li"));
    assert!(dashboard.word(".checklist").contains("3 of 6 done"));
    assert!(app.logged_in(Publisher).await.get("/admin").await.words(".checklist").is_empty());
    let gone = owner.post("/admin/setup/checklist/dismissal", &[]).await;
    assert!(gone.location().ends_with("done=checklist-dismissed"), "{}", gone.text());
    assert!(owner.get("/admin").await.words(".checklist").is_empty());
}
