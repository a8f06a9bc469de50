//! `Preview page`: the change of a form as visitors would read it, without storing anything.
//!
//! A handler writes what the form says into its transaction as ever; where [`is_preview_requested`] it then hands the
//! transaction to [`show_preview`] instead of committing it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};

use crate::db::{WriteTx, incidents};
use crate::domain::forms::Fields;
use crate::domain::{Incident, IncidentId, Visibility};
use crate::publish::{Difference, Encoding, PreviewSubject, PreviewedDocument, content_security_policy};
use crate::state::State;
use crate::ui::admin_layout::Section;
use crate::ui::live_script;
use crate::ui::pages::admin::{FullText, PagePreview, PreviewContent, PreviewDocument};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;

use crate::web::access::manager::{Manager, Policy};
use crate::web::edge::headers::admin_csp;
use crate::web::{Error, Result};

/// The most documents for programs that are shown; the rest are named.
const MAX_DOCUMENTS: usize = 40;
/// The most bytes shown of one text.
const MAX_TEXT: usize = 32 * 1024;
/// The most bytes shown of all texts together.
const MAX_TOTAL_TEXT: usize = 384 * 1024;

/// What is rehearsed.
pub(super) struct PreviewRequest<'a> {
    subject: PreviewSubject,
    /// Where in the admin the form is.
    section: Section,
    visibility: Visibility,
    /// Where the form is sent.
    action: String,
    fields: Vec<(&'a str, &'a str)>,
    /// Where a form stands that doesn't show itself again.
    back: Option<String>,
}

/// Whether a form asks to see first what it would publish.
pub(super) fn is_preview_requested(fields: &Fields) -> bool {
    fields.has("rehearse")
}

/// How an incident is rehearsed: an embargoed one as it will be once visitors see it.
pub(super) fn previewed_visibility(visibility: Visibility) -> Visibility {
    match visibility {
        Visibility::Embargoed(_) => Visibility::Public,
        other => other,
    }
}

impl<'a> PreviewRequest<'a> {
    /// A change of `incident`, which visitors see as far as its visibility says.
    pub fn incident(incident: &Incident, action: String, fields: &'a Fields) -> Self {
        let subject = PreviewSubject::incident(&incident.id);
        Self { visibility: incident.visibility, ..Self::new(subject, Section::Incidents, action, fields) }
    }

    /// A change of the maintenance `id`, which no visitor is kept from.
    pub fn maintenance(id: &str, action: String, fields: &'a Fields) -> Result<Self> {
        let subject = PreviewSubject::incident(&IncidentId::parse(id).ok_or(Error::NotFound)?);
        Ok(Self::new(subject, Section::Maintenances, action, fields))
    }

    /// A change of anything else.
    pub fn new(subject: PreviewSubject, section: Section, action: String, fields: &'a Fields) -> Self {
        let sent = fields.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields = sent.filter(|(name, _)| *name != "rehearse").collect();
        Self { subject, section, visibility: Visibility::Public, action, fields, back: None }
    }

    /// Publishing presses the button `name`.
    pub fn button(mut self, name: &'static str) -> Self {
        self.fields.push((name, "1"));
        self
    }

    /// The form stands at `path` and is not shown again with what was chosen.
    pub fn cancel_path(self, path: impl Into<String>) -> Self {
        Self { back: Some(path.into()), ..self }
    }
}

/// Shows an embargoed incident, as it will be once visitors see it.
pub(super) async fn make_public(tx: &mut WriteTx, incident: &Incident, now: DateTime<Utc>) -> Result<()> {
    let mut seen = Incident { visibility: previewed_visibility(incident.visibility), ..incident.clone() };
    if seen.visibility != incident.visibility {
        incidents::update(tx, &mut seen, now).await?;
    }
    Ok(())
}

/// The page that shows what was done in `tx` as visitors would read it; the transaction is dropped.
pub(super) async fn show_preview<P: Policy>(
    state: &State,
    tx: WriteTx,
    manager: &Manager<P>,
    what: PreviewRequest<'_>,
) -> Result<Response> {
    let rehearsal = state.publisher.preview(tx, what.subject).await?;
    let mut tx = state.db.read().await?;
    let shell = admin_context(state, &mut tx, manager, &Fields::default()).await?;
    let mut left = MAX_TOTAL_TEXT;
    let mut told = rehearsal.machine_documents;
    let beyond = told.split_off(told.len().min(MAX_DOCUMENTS)).into_iter().map(|rendering| rendering.path).collect();
    let rehearsed = PagePreview {
        shell,
        section: what.section,
        visibility: what.visibility,
        action: what.action,
        fields: what.fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        back: what.back,
        gone: rehearsal.removed,
        shown: rehearsal.renderings.into_iter().map(|rendering| preview_document(rendering, &mut left)).collect(),
        told: told.into_iter().map(|rendering| preview_document(rendering, &mut left)).collect(),
        beyond,
        grazed: rehearsal.headers_only,
        dated: rehearsal.dates_only,
        untouched: rehearsal.unchanged,
    };
    let mut response = page_response(rehearsed.html()).into_response();
    // A frame made from text inherits the policy of its page: this one admits the public stylesheet too.
    if let Some(policy) =
        stylesheet_hash().and_then(|hash| HeaderValue::from_str(&admin_csp(&manager.nonce, &hash)).ok())
    {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The hash by which the public policy admits the public stylesheet.
fn stylesheet_hash() -> Option<String> {
    let policy = content_security_policy();
    let hash = policy.split([' ', ';']).find(|word| word.starts_with("'sha256-"))?;
    Some(hash.to_owned())
}

/// A document as the page shows it; of texts no more bytes than are `left`.
fn preview_document(rendering: PreviewedDocument, left: &mut usize) -> PreviewDocument {
    let bytes = rendering.document.bytes(Encoding::Plain);
    let text = || String::from_utf8_lossy(bytes);
    let words = match rendering.document.content_type.split(';').next() {
        // The frame runs no script; what could not run is left out, so that no browser complains of it.
        Some("text/html") => PreviewContent::Page(strip_scripts(&text())),
        // As a picture it runs no script and loads nothing.
        Some(kind) if kind.starts_with("image/") => {
            PreviewContent::Picture(format!("data:{kind};base64,{}", BASE64_STANDARD.encode(bytes)))
        }
        _ => {
            let whole = truncate_text(&text(), *left);
            *left -= whole.text.len();
            PreviewContent::Text { lines: rendering.lines, whole }
        }
    };
    let difference = match rendering.difference {
        Difference::New => "new",
        Difference::Changed => "changes",
        Difference::None => "unchanged",
    };
    PreviewDocument { path: rendering.path, difference, bytes: bytes.len(), words }
}

/// The beginning of `text`, and how many bytes are left out.
fn truncate_text(text: &str, left: usize) -> FullText {
    let end = (0..=MAX_TEXT.min(left).min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    FullText { text: text[..end].to_owned(), left_out: text.len() - end }
}

/// The page without its scripts: the one of a page, and that of the frame of the notice.
fn strip_scripts(html: &str) -> String {
    [live_script::live_script_url(), "/embed/frame.js"]
        .into_iter()
        .fold(html.to_owned(), |html, address| strip_script(&html, address))
}

fn strip_script(html: &str, address: &str) -> String {
    let Some((before, after)) = html.split_once(address) else { return html.to_owned() };
    match (before.rsplit_once("<script"), after.split_once("</script>")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => html.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preview_strips_scripts() {
        let html = format!("<head><script defer src=\"{}\"></script><title>x</title>", live_script::live_script_url());
        assert_eq!(strip_scripts(&html), "<head><title>x</title>");
        assert_eq!(strip_scripts("<p>none</p><script src=\"/embed/frame.js\"></script>"), "<p>none</p>");
        assert_eq!(strip_scripts("<p>none</p>"), "<p>none</p>");
    }

    #[test]
    fn the_public_stylesheet_is_known_by_its_hash() {
        assert!(stylesheet_hash().unwrap().ends_with('\''));
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        let text = truncate_text(&"ä".repeat(100), 33);
        assert_eq!((text.text.as_str(), text.left_out), ("ä".repeat(16).as_str(), 168));
        assert_eq!(truncate_text("x", 0), FullText { text: String::new(), left_out: 1 });
        assert_eq!(truncate_text(&"x".repeat(MAX_TEXT + 1), MAX_TOTAL_TEXT).left_out, 1);
    }
}
