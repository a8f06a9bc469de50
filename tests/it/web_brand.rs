//! The brand in the admin: uploads, validation, preview and saving.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::domain::Role::{Owner, Publisher};
use candor::logo::{MAX_FAVICON, MAX_FAVICON_UPLOAD, MAX_LOGO, MAX_UPLOAD};

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};

pub const SVG: &str =
    r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#0f5f6b" d="M0 0h24v24H0z"/></svg>"##;
const PATH: &str = "/admin/brand";
const PREVIEW: &str = "/admin/brand/preview";

/// The fields of a valid form; later ones win.
const GOOD: [(&str, &str); 8] = [
    ("version", "1"),
    ("ground", "warm"),
    ("typeface", "system"),
    ("appearance", "automatic"),
    ("about", ""),
    ("links", ""),
    ("support", ""),
    ("powered_by", "1"),
];

fn part(name: &str, bytes: &[u8]) -> Vec<u8> {
    let is_file = ["logo", "logo_dark", "favicon"].contains(&name);
    let file = if is_file { "; filename=\"logo.svg\"" } else { "" };
    let mut part = format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes();
    part.extend_from_slice(bytes);
    part.extend_from_slice(b"\r\n");
    part
}

pub async fn upload_to(browser: &mut Browser, path: &str, fields: &[(&str, &[u8])]) -> Answer {
    let good = GOOD.iter().map(|(name, value)| (*name, value.as_bytes()));
    let mut body: Vec<u8> = good.chain(fields.iter().copied()).flat_map(|(name, bytes)| part(name, bytes)).collect();
    body.extend_from_slice(b"--x--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=x"), ("sec-fetch-site", "same-origin")];
    browser.send(Method::POST, path, &headers, Body::from(body)).await
}

/// The source of the logo on the status page; empty without a logo.
async fn public_logo(app: &TestApp) -> String {
    app.visitor().get("/").await.attributes(".logo img", "src").concat()
}

/// Saves the brand of version 1 with `fields`.
pub async fn upload(browser: &mut Browser, fields: &[(&str, &[u8])]) -> Answer {
    upload_to(browser, PATH, fields).await
}

/// A PNG with this header and no pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend_from_slice(&width.to_be_bytes());
    bytes.extend_from_slice(&height.to_be_bytes());
    bytes.extend_from_slice(&[8, 6, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

#[apply(on_both_databases!)]
async fn owner_saves_a_brand_in_one_transaction(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let (revision, audit) = (app.counts().await.0, app.audit().await.len());
    let saved = upload(
        &mut owner,
        &[
            ("logo", SVG.as_bytes()),
            ("accent_choice", b"#6a3fc8"),
            ("typeface", b"serif"),
            ("logo_text", b"Nightjar"),
            ("about", b"We run **trains**."),
            ("links", b"https://example.org/help Help"),
            ("support", b"help@example.org"),
            ("noindex", b"1"),
        ],
    )
    .await;
    assert!(saved.location().ends_with("/admin/brand?done=brand-saved"), "{} {}", saved.status, saved.text());
    assert_eq!(app.counts().await.0, revision + 1);
    let records = app.audit().await;
    assert_eq!((records.len(), records[0].action.as_str()), (audit + 1, "page.edit-brand"));
    let form = owner.get(PATH).await;
    assert_eq!(form.attributes("input[name=accent_choice][checked]", "value"), ["#6a3fc8"]);
    assert_eq!((form.field("support"), form.field("logo_text")), ("help@example.org".into(), "Nightjar".into()));
    assert!(form.word(".logo-now").contains("in every page, no extra request"), "{}", form.word(".logo-now"));
    let public = app.visitor().get("/").await.text();
    for part in
        ["<img src=\"data:image/svg+xml,", "Nightjar", "<strong>trains</strong>", "mailto:help@example.org", "noindex"]
    {
        assert!(public.contains(part), "{part} in {public}");
    }
}

#[apply(on_both_databases!)]
async fn hostile_logos_are_refused_beside_their_field(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let before = app.all_content().await;
    let svg = |inside: &str| {
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\">{inside}</svg>").into_bytes()
    };
    let mut bomb = String::from("<!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\">");
    for (name, of) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d")] {
        let _ = write!(bomb, "<!ENTITY {name} \"{}\">", format!("&{of};").repeat(10));
    }
    bomb += "]><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><path d=\"&e;\"/></svg>";
    let hostile: Vec<(&str, Vec<u8>)> = vec![
        ("script", svg("<script>alert(1)</script>")),
        ("event", svg("<path onload=\"alert(1)\" d=\"M0 0h9\"/>")),
        ("style", svg("<style>@import 'https://evil.test/x.css'</style>")),
        ("reference", svg("<image href=\"https://evil.test/x.png\"/>")),
        ("use", svg("<use href=\"https://evil.test/x.svg#a\"/>")),
        ("foreign", svg("<foreignObject><p>x</p></foreignObject>")),
        ("text", svg("<text>Free money</text>")),
        ("bomb", bomb.into_bytes()),
        ("deep", svg(&("<g>".repeat(100) + &"</g>".repeat(100)))),
        ("huge", png_header(60_000, 60_000)),
        ("broken", png_header(16, 16)),
        ("gif", b"GIF89a\x01\0\x01\0".to_vec()),
        ("html", b"<html><script>alert(1)</script></html>".to_vec()),
        ("large", vec![b'<'; MAX_UPLOAD + 1]),
    ];
    for (what, bytes) in &hostile {
        for name in ["logo", "logo_dark", "favicon"] {
            let answer = upload(&mut owner, &[(name, bytes), ("support", b"kept@example.org")]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
            assert!(!answer.message(name).is_empty(), "{what}: {}", answer.text());
            assert_eq!(answer.field("support"), "kept@example.org", "{what}");
            assert!(!answer.text().contains("alert(1)") && !answer.text().contains("evil.test"), "{what}");
            let preview = upload_to(&mut owner, PREVIEW, &[(name, bytes)]).await;
            assert_eq!(preview.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
            assert!(!preview.text().contains("evil.test"), "{what}");
        }
        app.clock.advance(chrono::TimeDelta::minutes(1));
    }
    assert!(app.all_content().await == before, "nothing was saved");
}

#[apply(on_both_databases!)]
async fn accepted_upload_survives_an_error_elsewhere(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let refused = upload(&mut owner, &[("logo", SVG.as_bytes()), ("support", b"nonsense")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.message("support").is_empty() && refused.message("logo").is_empty());
    let kept = refused.field("kept_logo");
    assert!(!kept.is_empty());
    let saved = upload(&mut owner, &[("kept_logo", kept.as_bytes()), ("logo", b"")]).await;
    assert!(saved.location().ends_with("done=brand-saved"), "{}", saved.text());
    assert!(public_logo(&app).await.starts_with("data:image/svg+xml,"));
    let version = owner.get(PATH).await.field("version");
    let removed = upload(&mut owner, &[("version", version.as_bytes()), ("remove_logo", b"1")]).await;
    assert!(removed.location().ends_with("done=brand-saved"), "{}", removed.text());
    assert_eq!(public_logo(&app).await, "");
}

#[apply(on_both_databases!)]
async fn unreadable_accent_is_adjusted_and_unreadable_ground_refused(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let refused = upload(&mut owner, &[("ground", b"own"), ("ground_light", b"#222222")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.message("ground_light").contains("The nearest that works is #"), "{}", refused.text());
    let saved = upload(&mut owner, &[("accent_choice", b"own"), ("accent", b"#ffee00")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let form = owner.get(PATH).await;
    assert_eq!(form.field("accent"), "#ffee00");
    assert!(form.word("#contrast").contains("darkened from #ffee00 to #"), "{}", form.word("#contrast"));
}

#[apply(on_both_databases!)]
async fn preview_shows_the_submitted_brand_and_saves_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let before = app.all_content().await;
    let preview = upload_to(
        &mut owner,
        PREVIEW,
        &[("logo", SVG.as_bytes()), ("logo_text", b"Nightjar"), ("accent_choice", b"#6a3fc8"), ("scheme", b"dark")],
    )
    .await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text());
    let text = preview.text();
    for part in ["Nightjar", "<img src=\"data:image/svg+xml,", "color-scheme:dark", "--accent:"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script"), "{text}");
    let policy = preview.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'self'; sandbox") && !policy.contains("'none'; sandbox"), "{policy}");
    assert_eq!(preview.header("x-frame-options"), "SAMEORIGIN");
    let stored = owner.get(PREVIEW).await;
    assert_eq!((stored.status, stored.text().contains("Nightjar")), (StatusCode::OK, false));
    assert!(app.all_content().await == before, "nothing was saved");
    assert!(!app.visitor().get("/").await.text().contains("Nightjar"));
}

#[apply(on_both_databases!)]
async fn large_logo_is_a_file_and_inline_in_the_preview(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let path = (0..900).fold(String::new(), |path, at| path + &format!("M{at} {}h1", at * 7 % 900));
    let large = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 900\"><path d=\"{path}\"/></svg>");
    assert!(large.len() > 4096 && large.len() < MAX_LOGO);
    let saved = upload(&mut owner, &[("logo", large.as_bytes())]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let page = app.visitor().get("/").await;
    let source = page.attributes(".logo img", "src").remove(0);
    assert!(source.starts_with("/brand/") && source.ends_with(".svg"), "{source}");
    let file = app.visitor().get(&source).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    assert!(file.header("content-security-policy").contains("default-src 'none'"));
    assert!(owner.get(PATH).await.word(".logo-now").contains("a request of its own"));
    assert!(!owner.get(PREVIEW).await.text().contains("/brand/"));
}

#[apply(on_both_databases!)]
async fn broken_or_oversized_uploads_change_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let before = app.all_content().await;
    let multipart = [("content-type", "multipart/form-data; boundary=x"), ("sec-fetch-site", "same-origin")];
    for body in
        ["", "--x", "--x\r\n\r\n--x--", "--y\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nb\r\n--y--\r\n"]
    {
        for path in [PATH, PREVIEW] {
            let answer = owner.send(Method::POST, path, &multipart, Body::from(body)).await;
            assert!([400, 409, 422].contains(&answer.status.as_u16()), "{path} {body:?}: {}", answer.status);
        }
    }
    let large = vec![b'x'; 3 * MAX_UPLOAD];
    assert_eq!(upload(&mut owner, &[("logo", &large)]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let binary = upload(&mut owner, &[("about", b"\xff\xfe")]).await;
    assert_eq!(binary.status, StatusCode::BAD_REQUEST);
    let many: Vec<(&str, &[u8])> = vec![("about", b"x"); 300];
    assert_eq!(upload(&mut owner, &many).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let long = upload(&mut owner, &[("about", "x".repeat(2_001).as_bytes())]).await;
    assert!(long.message("about").contains("At most 2000"), "{}", long.message("about"));
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn only_owners_of_this_site_change_the_brand(test: TestDb) {
    let app = TestApp::new(test).await;
    let before = app.all_content().await;
    let mut visitor = app.visitor();
    let denied = upload(&mut visitor, &[]).await;
    assert_eq!(denied.status, StatusCode::UNAUTHORIZED);
    let large = vec![b'x'; MAX_UPLOAD + 100_000];
    let answer = upload(&mut visitor, &[("logo", &large)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "the higher limit needs a session");
    assert!(app.all_content().await == before);
    let mut publisher = app.logged_in(Publisher).await;
    for path in [PATH, PREVIEW] {
        assert_eq!(publisher.get(path).await.status, StatusCode::FORBIDDEN);
        assert_eq!(upload_to(&mut publisher, path, &[]).await.status, StatusCode::FORBIDDEN);
    }
    let mut owner = app.logged_in(Owner).await;
    let elsewhere = [("content-type", "multipart/form-data; boundary=x"), ("sec-fetch-site", "cross-site")];
    for path in [PATH, PREVIEW] {
        let answer = owner.send(Method::POST, path, &elsewhere, Body::from("--x--\r\n")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(app.texts("select accent from page").await, [""]);
}

#[apply(on_both_databases!)]
async fn brand_conflict_shows_the_other_version(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    assert_eq!(upload(&mut owner, &[("logo_text", b"First")]).await.status, StatusCode::SEE_OTHER);
    let conflict = upload(&mut owner, &[("logo_text", b"Second")]).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT, "{}", conflict.text());
    assert!(conflict.text().contains("First") && conflict.field("logo_text") == "Second");
    let version = conflict.field("version");
    let again = upload(&mut owner, &[("version", version.as_bytes()), ("logo_text", b"Second")]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
}

/// The icon of the status page in the browser's tab.
async fn tab_icon(app: &TestApp) -> String {
    app.visitor().get("/").await.attributes("link[rel=icon]", "href").concat()
}

#[apply(on_both_databases!)]
async fn own_favicon_shows_while_operational_and_is_removable(test: TestDb) {
    let app = TestApp::new(test).await;
    app.component("API").await;
    app.publish().await;
    let mut owner = app.logged_in(Owner).await;
    let usual = tab_icon(&app).await;
    let saved = upload(&mut owner, &[("favicon", SVG.as_bytes())]).await;
    assert!(saved.location().ends_with("done=brand-saved"), "{}", saved.text());
    let own = tab_icon(&app).await;
    assert!(own.starts_with("data:image/svg+xml,") && own.contains("0f5f6b"), "{own}");
    assert!(!usual.contains("0f5f6b") && public_logo(&app).await.is_empty());
    let form = owner.get(PATH).await;
    assert_eq!(form.attributes(".logo-now img", "alt"), ["Current favicon"]);
    assert!(form.word(".logo-now").contains("in every page, no extra request"), "{}", form.word(".logo-now"));
    app.add(&[crate::support::fixtures::incident("down", app.clock.now())]).await;
    let during = tab_icon(&app).await;
    assert!(!during.contains("0f5f6b") && during != usual, "an incident keeps its icon: {during}");
    let version = form.field("version");
    let kept = upload(&mut owner, &[("version", version.as_bytes()), ("favicon", b"")]).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.text());
    let version = owner.get(PATH).await.field("version");
    let removed = upload(&mut owner, &[("version", version.as_bytes()), ("remove_favicon", b"1")]).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text());
    assert!(owner.get(PATH).await.words(".logo-now").is_empty());
    assert_eq!(app.texts("select scheme from page_logos").await, <[String; 0]>::default());
}

#[apply(on_both_databases!)]
async fn large_favicon_is_a_file_cached_forever(test: TestDb) {
    let app = TestApp::new(test).await;
    app.component("API").await;
    let mut owner = app.logged_in(Owner).await;
    let path = (0..600).fold(String::new(), |path, at| path + &format!("M{at} {}h1", at * 7 % 900));
    let large = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 900\"><path d=\"{path}\"/></svg>");
    assert!(large.len() > 4096 && large.len() < MAX_FAVICON);
    let saved = upload(&mut owner, &[("favicon", large.as_bytes())]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let source = tab_icon(&app).await;
    assert!(source.starts_with("/brand/") && source.ends_with(".svg"), "{source}");
    let file = app.visitor().get(&source).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    assert!(file.header("cache-control").contains("immutable"), "{}", file.header("cache-control"));
    assert!(file.header("content-security-policy").contains("default-src 'none'"));
    assert!(owner.get(PATH).await.word(".logo-now").contains("a request of its own"));
    assert!(!owner.get(PREVIEW).await.text().contains("/brand/"));
}

#[apply(on_both_databases!)]
async fn favicon_that_is_not_square_or_too_large_is_refused(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let before = app.all_content().await;
    let long = SVG.replace("0 0 24 24", "0 0 48 24");
    let large = vec![b'<'; MAX_FAVICON_UPLOAD + 1];
    for (bytes, words) in [(long.as_bytes(), "as wide as high"), (&large, "at most 128 KB")] {
        let answer = upload(&mut owner, &[("favicon", bytes), ("logo", SVG.as_bytes())]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.message("favicon").contains(words), "{}", answer.message("favicon"));
        assert!(!answer.field("kept_logo").is_empty(), "the accepted file is kept");
    }
    let refused = upload(&mut owner, &[("favicon", SVG.as_bytes()), ("support", b"nonsense")]).await;
    assert!(!refused.field("kept_favicon").is_empty());
    assert!(app.all_content().await == before, "nothing was saved");
}
