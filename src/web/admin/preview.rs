//! `Preview page`: shows the public page with a form's change, without saving it.
//!
//! A handler applies the form in its transaction as usual. If [`is_preview_requested`], it passes the transaction to
//! [`show_preview`] instead of committing it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};

use crate::db::{WriteTx, incidents, page_settings};
use crate::domain::forms::Fields;
use crate::domain::{Incident, IncidentId, Page, Visibility};
use crate::publish::notices::PreviewedMessage;
use crate::publish::{Difference, Encoding, PreviewSubject, PreviewedPage, content_security_policy};
use crate::state::State;
use crate::ui::admin_layout::Section;
use crate::ui::live_script;
use crate::ui::pages::admin::{FramedPage, PagePreview, ShownMessage};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;

use crate::web::access::manager::{Manager, Policy};
use crate::web::edge::headers::admin_csp;
use crate::web::{Error, Result};

pub(super) struct PreviewRequest<'a> {
    subject: PreviewSubject,
    /// The admin section of the form.
    section: Section,
    visibility: Visibility,
    /// Path that the form posts to.
    action: String,
    fields: Vec<(&'a str, &'a str)>,
    /// Path of a form that can't be shown again with its values.
    back: Option<String>,
}

pub(super) fn is_preview_requested(fields: &Fields) -> bool {
    fields.has("preview_page") || fields.has("live")
}

/// The visibility in a preview: an embargoed incident is shown as it will look once it is public.
pub(super) fn previewed_visibility(visibility: Visibility) -> Visibility {
    match visibility {
        Visibility::Embargoed(_) => Visibility::Public,
        other => other,
    }
}

impl<'a> PreviewRequest<'a> {
    pub fn incident(incident: &Incident, action: String, fields: &'a Fields) -> Self {
        let subject = PreviewSubject::incident(&incident.id);
        Self { visibility: incident.visibility, ..Self::new(subject, Section::Incidents, action, fields) }
    }

    /// Maintenances are always public.
    pub fn maintenance(id: &str, action: String, fields: &'a Fields) -> Result<Self> {
        let subject = PreviewSubject::incident(&IncidentId::parse(id).ok_or(Error::NotFound)?);
        Ok(Self::new(subject, Section::Maintenances, action, fields))
    }

    pub fn new(subject: PreviewSubject, section: Section, action: String, fields: &'a Fields) -> Self {
        let sent = fields.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields = sent.filter(|(name, _)| *name != "preview_page").collect();
        Self { subject, section, visibility: Visibility::Public, action, fields, back: None }
    }

    /// Publishing from the preview presses the button `name`.
    pub fn button(mut self, name: &'static str) -> Self {
        self.fields.push((name, "1"));
        self
    }

    /// The way back leads to the form at `path`, which does not keep the chosen values.
    pub fn cancel_path(self, path: impl Into<String>) -> Self {
        Self { back: Some(path.into()), ..self }
    }
}

/// Makes an embargoed incident public in the preview's transaction.
pub(super) async fn make_public(tx: &mut WriteTx, incident: &Incident, now: DateTime<Utc>) -> Result<()> {
    let mut seen = Incident { visibility: previewed_visibility(incident.visibility), ..incident.clone() };
    if seen.visibility != incident.visibility {
        incidents::update(tx, &mut seen, now).await?;
    }
    Ok(())
}

/// Renders the pages that the changes in `tx` affect, and rolls the transaction back.
pub(super) async fn show_preview<P: Policy>(
    state: &State,
    tx: WriteTx,
    manager: &Manager<P>,
    what: PreviewRequest<'_>,
) -> Result<Response> {
    let mut tx = tx;
    let public_page = page_settings::load(&mut tx).await?;
    let preview = state.publisher.preview(tx, what.subject).await?;
    let mut tx = state.db.read().await?;
    let shell = admin_context(state, &mut tx, manager, &Fields::default()).await?;
    let page = PagePreview {
        shell,
        section: what.section,
        visibility: what.visibility,
        action: what.action,
        fields: what.fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        back: what.back,
        removed: preview.removed,
        pages: preview.pages.into_iter().map(framed_page).collect(),
        machine_paths: preview.machine_paths,
        header_paths: preview.header_paths,
        messages: preview.notice.messages.into_iter().map(shown_message).collect(),
        recipients: preview.notice.recipients,
    };
    let mut response = page_response(page.html()).into_response();
    // A `srcdoc` frame inherits the policy of its page, so the policy also allows the public stylesheets.
    if let Ok(policy) = HeaderValue::from_str(&preview_csp(&manager.nonce, &stylesheet_hashes(&public_page))) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The policy of the admin, and in addition the style attributes of the e-mail in its frame.
fn preview_csp(nonce: &str, hash: &str) -> String {
    format!("{}; style-src-attr 'unsafe-inline'", admin_csp(nonce, hash))
}

/// The hashes in the public policy that allow the public stylesheets.
pub(super) fn stylesheet_hashes(page: &Page) -> String {
    let policy = content_security_policy(page);
    policy.split([' ', ';']).filter(|word| word.starts_with("'sha256-")).collect::<Vec<_>>().join(" ")
}

fn framed_page(page: PreviewedPage) -> FramedPage {
    let html = String::from_utf8_lossy(page.document.bytes(Encoding::Plain));
    let difference = match page.difference {
        Difference::New => "new",
        Difference::Changed => "changes",
        Difference::None => "unchanged",
    };
    // The frame runs no script; without the tag the browser logs no error.
    FramedPage { path: page.path, difference, html: strip_script(&html) }
}

fn shown_message(message: PreviewedMessage) -> ShownMessage {
    let PreviewedMessage { channel, subject, html, text } = message;
    ShownMessage { channel: channel.words(), subject, html: html.map(|html| strip_styles(&html)), text }
}

/// Removes style sheets, which the policy of the admin blocks. Style attributes stay.
fn strip_styles(html: &str) -> String {
    let mut parts = html.split("<style");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |html, part| html + part.split_once("</style>").map_or("", |(_, rest)| rest))
}

/// Removes the script that keeps the page current.
pub(super) fn strip_script(html: &str) -> String {
    let Some((before, after)) = html.split_once(live_script::live_script_url()) else { return html.to_owned() };
    match (before.rsplit_once("<script"), after.split_once("</script>")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => html.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preview_strips_the_script() {
        let html = format!("<head><script defer src=\"{}\"></script><title>x</title>", live_script::live_script_url());
        assert_eq!(strip_script(&html), "<head><title>x</title>");
        assert_eq!(strip_script("<p>none</p>"), "<p>none</p>");
    }

    #[test]
    fn the_public_stylesheet_is_known_by_its_hash() {
        let page = Page {
            id: String::new(),
            name: "Status".into(),
            url: String::new(),
            time_zone: chrono_tz::Tz::UTC,
            logo_text: String::new(),
            embedders: Vec::new(),
            brand: crate::domain::PageBrand::default(),
            links: Vec::new(),
            updated_at: DateTime::UNIX_EPOCH,
            version: 0,
        };
        let hashes = stylesheet_hashes(&page);
        assert_eq!(hashes.split(' ').count(), 3, "{hashes}");
        assert!(hashes.ends_with('\''), "{hashes}");
    }
}
