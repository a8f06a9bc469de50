//! Past incidents with several updates, through the composer.

use axum::http::StatusCode;
use candor::domain::Role::Publisher;
use candor::domain::notice::Event;
use candor::domain::{Component, Impact, Incident, Phase};
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp, status_of};
use crate::support::subscribers::notices;

type Fields = Vec<(String, String)>;

const ROWS: [(&str, &str, &str); 3] = [
    ("investigating", "2026-07-01T09:00", "Logins **fail** for some."),
    ("identified", "2026-07-01T09:25", "A certificate expired. <script>"),
    ("resolved", "2026-07-01T10:12", "The new certificate works."),
];

struct AdminSession {
    app: TestApp,
    publisher: Browser,
    api: Component,
}

impl AdminSession {
    async fn over(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let publisher = app.logged_in(Publisher).await;
        let api = app.component("API").await;
        Self { app, publisher, api }
    }

    async fn post(&mut self, fields: &Fields, button: Option<(&str, &str)>) -> Answer {
        let sent = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.publisher.post("/admin/incidents", &sent.chain(button).collect::<Vec<_>>()).await
    }

    /// The id of the incident that the form creates.
    async fn create(&mut self, fields: &Fields) -> String {
        let answer = self.post(fields, None).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let (path, flash) = answer.location().split_once('?').unwrap();
        assert!(flash.starts_with("done=incident-"), "{flash}");
        path.strip_prefix("/admin/incidents/").unwrap().to_owned()
    }

    fn fields(&self, rows: &[(&str, &str, &str)]) -> Fields {
        let api = status_of(&self.api.id);
        let title = [("past", "1"), ("title", "Logins failed"), ("zone", "Europe/Lisbon"), (&api, "major_outage")];
        let mut fields: Fields = title.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (index, (phase, at, body)) in rows.iter().enumerate() {
            for (part, value) in [("phase", phase), ("at", at), ("body", body)] {
                fields.push((format!("update.{index}.{part}"), (*value).to_owned()));
            }
        }
        fields
    }

    async fn events(&self) -> Vec<Event> {
        notices(&self.app).await.into_iter().map(|progress| progress.notice.event).collect()
    }
}

/// Checks that the form has these updates and no more.
#[track_caller]
fn shows_rows(answer: &Answer, rows: &[(&str, &str, &str)]) {
    assert_eq!(answer.words(".past-update").len(), rows.len());
    for (index, row) in rows.iter().enumerate() {
        let shown = ["phase", "at", "body"].map(|part| answer.field(&format!("update.{index}.{part}")));
        assert_eq!(shown, [row.0, row.1, row.2], "update {index}");
    }
}

fn posted_times(incident: &Incident) -> Vec<String> {
    incident.updates.iter().map(|update| update.posted_at.to_rfc3339()).collect()
}

#[apply(on_both_databases!)]
async fn past_incident_shows_every_update_with_its_time(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let audited = admin.app.audit().await.len();
    let id = admin.create(&admin.fields(&ROWS)).await;
    let incident = admin.app.incident(&id).await;
    let times = ["2026-07-01T08:00:00+00:00", "2026-07-01T08:25:00+00:00", "2026-07-01T09:12:00+00:00"];
    assert_eq!(posted_times(&incident), times);
    assert_eq!((incident.started_at.to_rfc3339().as_str(), incident.phase), (times[0], Phase::Resolved));
    assert_eq!((incident.duration(), incident.impact()), (Some(TimeDelta::minutes(72)), Impact::Critical));
    let page = admin.app.visitor().get(&format!("/incidents/{id}")).await;
    for time in ["2026-07-01T08:00:00Z", "2026-07-01T08:25:00Z", "2026-07-01T09:12:00Z"] {
        assert!(page.attributes("time", "datetime").contains(&time.to_owned()), "{time} in {}", page.text());
    }
    for words in ["Logins fail for some.", "A certificate expired.", "The new certificate works."] {
        assert!(page.words(".text").concat().contains(words), "{words} in {}", page.text());
    }
    assert!(page.word(".banner .lede").ends_with("Added retroactively."), "{}", page.word(".banner .lede"));
    let board = admin.app.visitor().get("/").await;
    assert_eq!(board.word(&format!("#component-{} > .line > .state", admin.api.id)), "Operational");
    assert_eq!(admin.events().await, []);
    let records = admin.app.audit().await;
    assert_eq!((records.len() - audited, records[0].action.as_str()), (1, "incident.open"));
    let saved = records[0].after.as_ref().unwrap().to_string();
    assert!(ROWS.iter().all(|(_, _, body)| saved.contains(body)), "{saved}");
}

#[apply(on_both_databases!)]
async fn form_of_past_incident_begins_with_one_update(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let list = admin.publisher.get("/admin/incidents").await;
    assert!(list.attributes("main a", "href").contains(&"/admin/incidents/new?past=1".to_owned()));
    let form = admin.publisher.get(&format!("/admin/incidents/new?past=1&component={}", admin.api.id)).await;
    assert_eq!((form.status, form.word("h1").as_str()), (StatusCode::OK, "Add past incident"));
    shows_rows(&form, &[("investigating", "", "")]);
    assert_eq!(form.field(&status_of(&admin.api.id)), "degraded_performance");
    assert!(form.attributes("main button", "name").iter().all(|name| name != "remove_update"));
    assert_eq!(form.attributes("main button", "name")[0], "preview", "the Enter key removes no update");
    let now = admin.publisher.get("/admin/incidents/new").await;
    assert!(now.words(".past-update").is_empty());
}

#[apply(on_both_databases!)]
async fn buttons_add_and_remove_updates_and_keep_the_rest(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.all_content().await;
    let mut fields = admin.fields(&ROWS[..2]);
    let kept = [
        ("new_id", "q9s3e7u1a5lhq9s3e7u1"),
        ("started_at", "2026-07-01T08:55"),
        ("detected_by", "a customer"),
        ("notify_backfill", "1"),
        ("visibility", "internal"),
    ];
    fields.extend(kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut shown = Vec::new();
    for (button, rows) in [
        (("add_update", "1"), [ROWS[0], ROWS[1], ("monitoring", "", "")].to_vec()),
        (("remove_update", "0"), vec![ROWS[1]]),
        (("remove_update", "5"), vec![ROWS[0], ROWS[1]]),
        (("preview", "1"), vec![ROWS[0], ROWS[1]]),
    ] {
        let answer = admin.post(&fields, Some(button)).await;
        assert_eq!(answer.status, StatusCode::OK, "{button:?}: {}", answer.text());
        shows_rows(&answer, &rows);
        for (name, value) in &kept[1..] {
            assert_eq!(answer.field(name), *value, "{button:?}");
        }
        assert_eq!((answer.field("title").as_str(), answer.field("zone").as_str()), ("Logins failed", "Europe/Lisbon"));
        assert_eq!(answer.field(&status_of(&admin.api.id)), "major_outage");
        shown.push(answer);
    }
    assert_eq!(shown[0].attributes("input[autofocus]", "name"), ["update.2.phase"]);
    assert_eq!(shown[1].attributes("input[autofocus]", "name"), ["update.0.phase"]);
    assert!(shown.iter().all(|page| page.word("h1") == "Add past incident"));
    assert!(shown.iter().all(|page| !page.text().contains("expired. <script>")));
    assert!(admin.app.all_content().await == before, "a button saved something");
}

#[apply(on_both_databases!)]
async fn error_is_beside_its_row_and_the_others_are_kept(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.all_content().await;
    let rows = [ROWS[0], ("identified", "2026-07-01T08:59", ROWS[1].2), ("resolved", "", "  ")];
    let answer = admin.post(&admin.fields(&rows), None).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    shows_rows(&answer, &[rows[0], rows[1], ("resolved", "", "  ")]);
    assert_eq!(answer.message("update.1.at"), "This is earlier than the previous update.");
    assert_eq!(answer.message("update.2.at"), "Enter a date and a time.");
    assert_eq!(answer.message("update.2.body"), "Enter a message.");
    let links = ["#update.1.at", "#update.2.at", "#update.2.body"];
    assert_eq!(answer.attributes(".summary a", "href"), links, "in the order of the fields");
    assert_eq!(answer.words(".summary a")[2], "Update 3: Enter a message.", "the summary names the row");
    let mut early = admin.fields(&ROWS);
    early.push(("started_at".into(), "2026-07-01T09:10".into()));
    let answer = admin.post(&early, None).await;
    assert_eq!(answer.message("update.0.at"), "This is before the start of the incident.");
    let tomorrow = (admin.app.clock.now() + TimeDelta::days(1)).format("%Y-%m-%dT%H:%M").to_string();
    let rows = [ROWS[0], ("resolved", tomorrow.as_str(), "Over.")];
    let answer = admin.post(&admin.fields(&rows), None).await;
    assert_eq!(answer.message("update.1.at"), "This time is in the future.");
    let rows = [("resolved", ROWS[0].1, "Over."), ROWS[1]];
    let answer = admin.post(&admin.fields(&rows), None).await;
    assert_eq!(answer.message("update.0.phase"), "Only the last update can be Resolved.");
    assert!(admin.app.all_content().await == before, "a rejected form was saved");
}

#[apply(on_both_databases!)]
async fn past_incident_has_at_most_twenty_updates(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let rows: Vec<_> = std::iter::repeat_n(("identified", ROWS[0].1, "Still."), 20).collect();
    let full = admin.post(&admin.fields(&rows), Some(("preview", "1"))).await;
    assert!(full.attributes("main button", "name").iter().all(|name| name != "add_update"));
    let beyond = admin.post(&admin.fields(&rows), Some(("add_update", "1"))).await;
    assert_eq!((beyond.status, beyond.words(".past-update").len()), (StatusCode::OK, 21));
    let mut rows = rows;
    rows.push(("resolved", ROWS[2].1, "Over."));
    let answer = admin.post(&admin.fields(&rows), None).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.message("updates").starts_with("At most 20 updates."), "{}", answer.message("updates"));
    shows_rows(&answer, &rows);
    let kept = admin.post(&admin.fields(&rows), Some(("remove_update", "3"))).await;
    shows_rows(&kept, &[&rows[..3], &rows[4..]].concat());
    let id = admin.create(&admin.fields(&rows[1..])).await;
    let incident = admin.app.incident(&id).await;
    assert_eq!((incident.updates.len(), incident.phase), (20, Phase::Resolved));
    assert!(incident.updates.is_sorted_by_key(|update| update.created_at), "the order of rows with the same time");
}

#[apply(on_both_databases!)]
async fn preview_of_past_incident_shows_all_updates(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.all_content().await;
    let text = admin.post(&admin.fields(&ROWS), Some(("preview", "1"))).await;
    let times = [
        "Investigating 2026-07-01 09:00 Europe/Lisbon",
        "Identified 2026-07-01 09:25 Europe/Lisbon",
        "Resolved 2026-07-01 10:12 Europe/Lisbon",
    ];
    assert_eq!(text.words(".past-update-preview .said"), times);
    let shown = text.words(".past-update-preview .prose");
    let messages = ["Logins fail for some.", "A certificate expired.", "The new certificate works."];
    assert_eq!(shown.len(), 3);
    for (shown, message) in shown.iter().zip(messages) {
        assert!(shown.starts_with(message), "{shown}");
    }
    let page = admin.post(&admin.fields(&ROWS), Some(("preview_page", "1"))).await;
    assert_eq!((page.status, page.word("h1").as_str()), (StatusCode::OK, "Preview of the page"));
    let frames = page.attributes("iframe", "srcdoc").concat();
    for words in ["Logins <strong>fail</strong> for some.", "A certificate expired.", "The new certificate works."] {
        assert!(frames.contains(words), "{words}");
    }
    let hidden = page.page();
    let hidden = hidden.select("main form input[type='hidden']");
    let hidden: Fields = hidden
        .into_iter()
        .filter_map(|field| Some((field.attr("name")?.to_owned(), field.attr("value").unwrap_or_default().to_owned())))
        .collect();
    let live = admin.post(&admin.fields(&ROWS), Some(("live", "1"))).await;
    assert_eq!(live.word("h1"), "Preview of the page");
    assert!(admin.app.all_content().await == before, "a preview was kept");
    shows_rows(&admin.post(&hidden, Some(("preview", "1"))).await, &ROWS);
    let id = admin.create(&hidden).await;
    assert_eq!(admin.app.incident(&id).await.updates.len(), 3);
}

#[apply(on_both_databases!)]
async fn draft_of_past_incident_keeps_its_updates(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let saved = admin.post(&admin.fields(&ROWS[..2]), Some(("save_draft", "1"))).await;
    let draft = admin.publisher.get(saved.location()).await;
    assert_eq!(draft.word("h1"), "Add past incident");
    shows_rows(&draft, &ROWS[..2]);
    let mut fields = admin.fields(&ROWS);
    fields.push(("draft".into(), draft.field("draft")));
    fields.push(("draft_version".into(), draft.field("draft_version")));
    let added = admin.post(&fields, Some(("add_update", "1"))).await;
    assert_eq!(added.field("draft"), draft.field("draft"), "the draft stays open");
    admin.create(&fields).await;
    assert_eq!(admin.publisher.get(saved.location()).await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn past_incident_notifies_only_on_request(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.create(&admin.fields(&ROWS)).await;
    admin.create(&admin.fields(&ROWS[..2])).await;
    assert_eq!(admin.events().await, [], "not even if it is still open");
    let with_tick = |mut fields: Fields| {
        fields.push(("notify_backfill".into(), "1".into()));
        fields
    };
    admin.create(&with_tick(admin.fields(&ROWS))).await;
    assert_eq!(admin.events().await, [Event::IncidentResolved]);
    admin.create(&with_tick(admin.fields(&ROWS[..2]))).await;
    let mut events = admin.events().await;
    events.sort_by_key(|event| event.key());
    assert_eq!(events, [Event::IncidentOpened, Event::IncidentResolved], "one notice, not one per update");
}

#[apply(on_both_databases!)]
async fn past_form_submitted_twice_creates_one_incident(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let mut fields = admin.fields(&ROWS);
    let new_id = admin.publisher.get("/admin/incidents/new?past=1").await.field("new_id");
    fields.push(("new_id".into(), new_id.clone()));
    assert_eq!(admin.create(&fields).await, new_id);
    assert_eq!(admin.create(&fields).await, new_id);
    assert_eq!(admin.app.incidents().await.len(), 1);
}

#[apply(on_both_databases!)]
async fn newest_message_that_contradicts_its_status_is_questioned(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let rows = [ROWS[0], ("monitoring", "2026-07-01T10:12", "This is resolved.")];
    let asked = admin.post(&admin.fields(&rows), None).await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    shows_rows(&asked, &rows);
    let answer = admin.post(&admin.fields(&rows), Some(("confirm_status", "resolved"))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let incident = admin.app.incidents().await.remove(0);
    assert_eq!(incident.updates.iter().map(|it| it.phase).collect::<Vec<_>>(), [Phase::Investigating, Phase::Resolved]);
}
