//! Text in any field is shown as text and never becomes markup.

use axum::http::StatusCode;
use candor::domain::Role::Owner;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp, status_of};
use crate::support::html::Page;
use crate::web_brand::upload;

/// Texts that are markup unless they are escaped.
const HOSTILE: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"><script>alert(2)</script>",
    "'><img src=x onerror=alert(3)>",
    "</textarea><script>alert(4)</script>",
    "</title></style></select></option><svg onload=alert(5)>",
    "\" onmouseover=\"alert(6)\" x=\"",
    "<!--><script>alert(7)</script>-->",
    "&lt;script&gt;alert(8)&lt;/script&gt;&#60;img&#62;",
    "<iframe srcdoc='<script>alert(9)</script>'><math><mtext><style><img src onerror=alert(9)>",
    "\u{202e}<base href=//evil.test><meta http-equiv=refresh content=0;url=//evil.test><form action=//evil.test>",
];

/// The page contains only our own elements and attributes.
#[track_caller]
pub fn is_clean(answer: &Answer, what: &str) {
    let page: Page = answer.page();
    assert!(page.elements().len() > 10, "{what} is no page");
    for element in page.elements() {
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on"), "{what}: <{} {name}={value}>", element.name);
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{what}: attribute {name}");
            let compact: String = value.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
            let leads = ["href", "src", "action", "formaction"].contains(&name.as_str());
            let runs = ["javascript:", "vbscript:", "data:"].iter().any(|scheme| compact.starts_with(scheme));
            let is_our_icon = element.attr("rel") == Some("icon") && value.starts_with("data:image/svg+xml,%3Csvg");
            assert!(!leads || !runs || is_our_icon, "{what}: {name}={value}");
            assert!(
                !leads || !compact.contains("evil.test") || compact.starts_with("https://"),
                "{what}: {name}={value}"
            );
            assert!(!["srcdoc", "style", "http-equiv", "srcset"].contains(&name.as_str()), "{what}: {name}={value}");
        }
        let foreign = ["img", "iframe", "base", "object", "embed", "math", "frame", "template", "noscript"];
        let is_our_preview = element.name == "iframe"
            && element.attr("sandbox") == Some("")
            && element.attr("src") == Some("/admin/brand/preview");
        assert!(is_our_preview || !foreign.contains(&element.name.as_str()), "{what}: <{}>", element.name);
        if element.name == "script" {
            let is_allowed =
                element.attr("nonce").is_some() || element.attr("src").is_some_and(|src| src.starts_with('/'));
            assert!(is_allowed && !element.text.contains("alert("), "{what}: <script>{}", element.text);
        }
        if element.name == "svg" {
            let label = element.attr("aria-label").filter(|_| element.attr("role") == Some("img"));
            let is_bars = label.is_some_and(|label| label.starts_with("Last 90 days: ") || label.starts_with("Since "));
            assert!(is_bars || element.attr("aria-hidden") == Some("true"), "{what}: <svg {:?}>", element.attributes);
        }
    }
    assert!(page.select("head title").len() == 1 && page.select("body").len() == 1, "{what}");
}

fn id_in(answer: &Answer, before: &str, after: &str) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let id = answer.location().strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    id.unwrap_or_else(|| panic!("{}", answer.location())).to_owned()
}

/// Saves `text` in every text field; returns the ids of the incident and the manager.
async fn fill_fields(app: &TestApp, owner: &mut Browser, text: &str) -> (String, String) {
    let version = owner.get("/admin/settings").await.field("version");
    let settings = [("version", version.as_str()), ("name", text), ("time_zone", "UTC")];
    assert_eq!(owner.post("/admin/settings", &settings).await.status, StatusCode::SEE_OTHER, "{text}");
    let version = owner.get("/admin/brand").await.field("version");
    let links = format!("https://example.org/?x {text}");
    let brand = [("version", version.as_bytes()), ("logo_text", text.as_bytes()), ("links", links.as_bytes())];
    assert_eq!(upload(owner, &brand).await.status, StatusCode::SEE_OTHER, "{text}");
    owner.post("/admin/groups", &[("name", text), ("description", text)]).await;
    let group = app.texts("select id from component_groups order by created_at desc, id desc").await.remove(0);
    let component = [("name", text), ("description", text), ("group", &group), ("status", "partial_outage")];
    assert_eq!(owner.post("/admin/components", &component).await.status, StatusCode::SEE_OTHER);
    let component = app.texts("select id from components order by created_at desc, id desc").await.remove(0);
    let named = status_of(&candor::domain::ComponentId::parse(&component).unwrap());
    let fields = [
        ("title", text),
        ("phase", "identified"),
        ("body", text),
        ("detected_by", text),
        ("internal_note", text),
        (named.as_str(), "major_outage"),
    ];
    let id = id_in(&owner.post("/admin/incidents", &fields).await, "/admin/incidents/", "?done=incident-opened");
    let update = [("version", "1"), ("phase", "monitoring"), ("body", text)];
    owner.post(&format!("/admin/incidents/{id}/updates"), &update).await;
    let invited =
        owner.post("/admin/managers", &[("name", text), ("email", "rui@example.org"), ("role", "viewer")]).await;
    is_clean(&invited, "the invitation");
    let manager = app.texts("select id from managers where email = 'rui@example.org'").await.remove(0);
    let link = invited.field("link");
    is_clean(&app.visitor().get(link.strip_prefix(app.origin.as_str()).unwrap()).await, "the invited manager's page");
    (id, manager)
}

#[apply(on_both_databases!)]
async fn text_is_escaped_on_every_page(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    for text in HOSTILE {
        // Makes the new items the newest of their kind.
        app.clock.advance(chrono::TimeDelta::seconds(1));
        let (id, manager) = fill_fields(&app, &mut owner, text).await;
        let update = app.incident(&id).await.updates[1].id.to_string();
        let component = app.texts("select id from components order by created_at desc, id desc").await.remove(0);
        let group = app.texts("select id from component_groups order by created_at desc, id desc").await.remove(0);
        for address in ["/", "/history", "/history/2026-11", "/nothing", "/login", &format!("/incidents/{id}")] {
            let answer = app.visitor().get(address).await;
            is_clean(&answer, &format!("{address} with {text}"));
        }
        let filtered = app.visitor().get(&format!("/history?component={component}")).await;
        is_clean(&filtered, &format!("a filtered view with {text}"));
        assert_eq!(filtered.word(".lede bdi"), text.split_whitespace().collect::<Vec<_>>().join(" "));
        for address in [
            "/admin".to_owned(),
            "/admin/incidents".into(),
            "/admin/incidents/new".into(),
            format!("/admin/incidents/{id}"),
            format!("/admin/incidents/{id}/edit"),
            format!("/admin/incidents/{id}/deletion"),
            format!("/admin/incidents/{id}/updates/{update}/edit"),
            format!("/admin/incidents/{id}/updates/{update}/deletion"),
            "/admin/components".into(),
            "/admin/components/new".into(),
            format!("/admin/components/{component}/edit"),
            format!("/admin/components/{component}/deletion"),
            format!("/admin/groups/{group}/edit"),
            format!("/admin/groups/{group}/deletion"),
            "/admin/managers".into(),
            format!("/admin/managers/{manager}"),
            "/admin/account".into(),
            "/admin/audit".into(),
            "/admin/settings".into(),
        ] {
            let answer = owner.get(&address).await;
            assert_eq!(answer.status, StatusCode::OK, "{address}");
            is_clean(&answer, &format!("{address} with {text}"));
        }
        let edit = owner.get(&format!("/admin/incidents/{id}/updates/{update}/edit")).await;
        let stored = candor::format::markdown::without_comments(text);
        assert_eq!(edit.field("body"), stored, "saving removes HTML comments and nothing else");
        assert_eq!(app.visitor().get(&format!("/incidents/{id}")).await.word("h1"), collapse_spaces(text));
        app.tamper(
            "delete from managers where email = 'rui@example.org'",
            "delete from managers where email = 'rui@example.org'",
        )
        .await;
    }
}

fn collapse_spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[apply(on_both_databases!)]
async fn text_is_escaped_in_returned_forms(test: TestDb) {
    let app = TestApp::new(test).await;
    let ines = app.manager("Ines", Owner).await;
    let mut owner = app.with_session(&ines).await;
    let good = [("title", "Mail"), ("phase", "identified"), ("body", "Text")];
    let id = id_in(&owner.post("/admin/incidents", &good).await, "/admin/incidents/", "?done=incident-opened");
    let update = app.incident(&id).await.updates[0].id.to_string();
    let (component, group) = (app.component("API").await.id, app.group("Core").await.id);
    let forms: [(String, &[&str]); 12] = [
        ("/login".into(), &["email", "next", "password"]),
        (
            "/admin/incidents".into(),
            &[
                "title",
                "phase",
                "body",
                "impact",
                "started_at",
                "ended_at",
                "zone",
                "detected_by",
                "internal_note",
                "component.x",
            ],
        ),
        (
            format!("/admin/incidents/{id}"),
            &["version", "title", "impact", "started_at", "ended_at", "zone", "detected_by", "internal_note"],
        ),
        (format!("/admin/incidents/{id}/deletion"), &["version", "title"]),
        (format!("/admin/incidents/{id}/updates"), &["version", "phase", "body", "component.x"]),
        (format!("/admin/incidents/{id}/updates/{update}"), &["version", "body"]),
        ("/admin/components".into(), &["name", "description", "group", "status", "position", "start_date"]),
        (
            format!("/admin/components/{component}"),
            &["version", "name", "description", "group", "status", "position", "start_date"],
        ),
        ("/admin/groups".into(), &["name", "description", "position"]),
        (format!("/admin/groups/{group}"), &["version", "name", "description", "position"]),
        ("/admin/managers".into(), &["name", "email", "role"]),
        ("/admin/settings".into(), &["version", "name", "url", "time_zone", "embedders"]),
    ];
    for text in HOSTILE {
        // A new session for each text, because a session may send only so many forms a minute.
        app.clock.advance(chrono::TimeDelta::seconds(1));
        let mut owner = app.with_session(&ines).await;
        for (address, names) in &forms {
            let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, text)).collect();
            let answer = owner.clone().post(address, &fields).await;
            assert!([409, 422].contains(&answer.status.as_u16()), "{address} {text}: {}", answer.status);
            is_clean(&answer, &format!("{address} with {text}"));
            for version in ["1", "2"] {
                let mut fields = fields.clone();
                fields.retain(|(name, _)| *name != "version");
                fields.extend([("version", version), ("preview", "1")]);
                // One of the two versions is current; with it the form is validated or previewed.
                let answer = owner.clone().post(address, &fields).await;
                assert!([200, 409, 422].contains(&answer.status.as_u16()), "{address} {text}: {}", answer.status);
                is_clean(&answer, &format!("{address} again with {text}"));
            }
        }
        let fields = ["accent", "ground", "typeface", "logo_text", "about", "links", "support", "logo"];
        let brand = fields.map(|name| (name, text.as_bytes()));
        let answer = upload(&mut owner, &brand).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        is_clean(&answer, &format!("the brand with {text}"));
        let setup = [("name", text), ("email", text), ("password", text)];
        let manager = app.texts("select id from managers").await.remove(0);
        let bad = owner.post(&format!("/admin/managers/{manager}/role"), &setup).await;
        is_clean(&bad, &format!("a role with {text}"));
    }
    let fresh = TestApp::new(TestDb::sqlite().await).await;
    let token = fresh.link(candor::domain::manager::LinkPurpose::Setup, None, chrono::TimeDelta::minutes(9)).await;
    for text in HOSTILE {
        let fields = [("name", text), ("email", text), ("password", "short")];
        let answer = fresh.visitor().post(&format!("/setup/{token}"), &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        is_clean(&answer, &format!("the first owner's form with {text}"));
    }
}

#[apply(on_both_databases!)]
async fn urls_are_escaped(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.logged_in(Owner).await;
    for text in HOSTILE {
        let query = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        for address in [
            format!("/history?q={query}"),
            format!("/history?component={query}&from={query}&before={query}&impact={query}"),
            format!("/login?next={query}"),
            format!("/admin?done={query}"),
            format!("/admin/audit?before={query}"),
            format!("/admin/incidents/{}", query.replace('+', "%20")),
            format!("/{}", query.replace('+', "%20")),
            format!("/incidents/{}", query.replace('+', "%20")),
            format!("/setup/{}", query.replace('+', "%20")),
        ] {
            is_clean(&owner.clone().get(&address).await, &address);
        }
    }
}

#[apply(on_both_databases!)]
async fn links_never_run_scripts(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//evil.test",
        "https://a\"onmouseover=alert(1)",
    ] {
        let settings = [("version", "1"), ("name", "Page"), ("time_zone", "UTC"), ("url", address)];
        let answer = owner.post("/admin/settings", &settings).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        assert!(!answer.message("url").is_empty() && answer.field("url") == address, "{address}");
        let answer = upload(&mut owner, &[("links", format!("{address} Words").as_bytes())]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        let body = format!("[here]({address}) <{address}> ![pic]({address}) [ref]\n\n[ref]: {address}");
        let fields = [("title", "Mail"), ("phase", "identified"), ("body", body.as_str())];
        let id = id_in(&owner.post("/admin/incidents", &fields).await, "/admin/incidents/", "?done=incident-opened");
        for path in ["/".to_owned(), "/history".into(), format!("/incidents/{id}")] {
            is_clean(&app.visitor().get(&path).await, &format!("{path} with {address}"));
        }
        is_clean(&owner.get(&format!("/admin/incidents/{id}")).await, address);
    }
    let fields = [("title", "Good"), ("phase", "identified"), ("body", "[here](https://example.org/a?b=c&d)")];
    let id = id_in(&owner.post("/admin/incidents", &fields).await, "/admin/incidents/", "?done=incident-opened");
    let page = app.visitor().get(&format!("/incidents/{id}")).await;
    assert_eq!(page.attributes(".text a", "href"), ["https://example.org/a?b=c&d"]);
    assert_eq!(page.attributes(".text a", "rel"), ["noopener nofollow ugc"]);
}
