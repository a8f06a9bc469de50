//! `Preview page`: the change of a form as visitors would read it, without storing anything.
//!
//! A handler writes what the form says into its transaction as ever; where [`is_asked`] it then hands the
//! transaction to [`show`] instead of committing it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};

use crate::db::{WriteTx, incidents};
use crate::domain::forms::Fields;
use crate::domain::{Incident, IncidentId, Visibility};
use crate::publish::{Difference, Encoding, Rendering, Subject, content_security_policy};
use crate::state::State;
use crate::ui::admin_layout::Section;
use crate::ui::live_script;
use crate::ui::pages::admin::{Rehearsed, Shown, Whole, Words};
use crate::web::page::layout::shell;
use crate::web::page::page;

use crate::web::access::manager::{Manager, Policy};
use crate::web::edge::headers::admin_policy;
use crate::web::{Error, Result};

/// The most documents for programs that are shown; the rest are named.
const MAX_SHOWN: usize = 40;
/// The most bytes shown of one text.
const MAX_TEXT: usize = 32 * 1024;
/// The most bytes shown of all texts together.
const MAX_TEXTS: usize = 384 * 1024;

/// What is rehearsed.
pub(super) struct Rehearsing<'a> {
    subject: Subject,
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
pub(super) fn is_asked(fields: &Fields) -> bool {
    fields.has("rehearse")
}

/// How an incident is rehearsed: an embargoed one as it will be once visitors see it.
pub(super) fn shown_as(visibility: Visibility) -> Visibility {
    match visibility {
        Visibility::Embargoed(_) => Visibility::Public,
        other => other,
    }
}

impl<'a> Rehearsing<'a> {
    /// A change of `incident`, which visitors see as far as its visibility says.
    pub fn incident(incident: &Incident, action: String, fields: &'a Fields) -> Self {
        let subject = Subject::incident(&incident.id);
        Self { visibility: incident.visibility, ..Self::of(subject, Section::Incidents, action, fields) }
    }

    /// A change of the maintenance `id`, which no visitor is kept from.
    pub fn maintenance(id: &str, action: String, fields: &'a Fields) -> Result<Self> {
        let subject = Subject::incident(&IncidentId::parse(id).ok_or(Error::NotFound)?);
        Ok(Self::of(subject, Section::Maintenances, action, fields))
    }

    /// A change of anything else.
    pub fn of(subject: Subject, section: Section, action: String, fields: &'a Fields) -> Self {
        let sent = fields.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields = sent.filter(|(name, _)| *name != "rehearse").collect();
        Self { subject, section, visibility: Visibility::Public, action, fields, back: None }
    }

    /// Publishing presses the button `name`.
    pub fn pressing(mut self, name: &'static str) -> Self {
        self.fields.push((name, "1"));
        self
    }

    /// The form stands at `path` and is not shown again with what was chosen.
    pub fn going_back(self, path: impl Into<String>) -> Self {
        Self { back: Some(path.into()), ..self }
    }
}

/// Shows an embargoed incident, as it will be once visitors see it.
pub(super) async fn unveil(tx: &mut WriteTx, incident: &Incident, now: DateTime<Utc>) -> Result<()> {
    let mut seen = Incident { visibility: shown_as(incident.visibility), ..incident.clone() };
    if seen.visibility != incident.visibility {
        incidents::update(tx, &mut seen, now).await?;
    }
    Ok(())
}

/// The page that shows a changed incident as visitors would read it.
pub(super) async fn of_incident<P: Policy>(
    state: &State,
    mut tx: WriteTx,
    manager: &Manager<P>,
    mut incident: Incident,
    action: String,
    fields: &Fields,
) -> Result<Response> {
    let what = Rehearsing::incident(&incident, action, fields);
    incident.visibility = shown_as(incident.visibility);
    incidents::update(&mut tx, &mut incident, state.clock.now()).await?;
    show(state, tx, manager, what).await
}

/// The page that shows what was done in `tx` as visitors would read it; the transaction is dropped.
pub(super) async fn show<P: Policy>(
    state: &State,
    tx: WriteTx,
    manager: &Manager<P>,
    what: Rehearsing<'_>,
) -> Result<Response> {
    let rehearsal = state.publisher.rehearse(tx, what.subject).await?;
    let mut tx = state.db.read().await?;
    let shell = shell(state, &mut tx, manager, &Fields::default()).await?;
    let mut left = MAX_TEXTS;
    let mut told = rehearsal.told;
    let beyond = told.split_off(told.len().min(MAX_SHOWN)).into_iter().map(|rendering| rendering.path).collect();
    let rehearsed = Rehearsed {
        shell,
        section: what.section,
        visibility: what.visibility,
        action: what.action,
        fields: what.fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        back: what.back,
        gone: rehearsal.gone,
        shown: rehearsal.renderings.into_iter().map(|rendering| shown(rendering, &mut left)).collect(),
        told: told.into_iter().map(|rendering| shown(rendering, &mut left)).collect(),
        beyond,
        grazed: rehearsal.grazed,
        dated: rehearsal.dated,
        untouched: rehearsal.untouched,
    };
    let mut response = page(rehearsed.html()).into_response();
    // A frame made from text inherits the policy of its page: this one admits the public stylesheet too.
    if let Some(policy) = style_hash().and_then(|hash| HeaderValue::from_str(&admin_policy(&manager.nonce, &hash)).ok())
    {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The hash by which the public policy admits the public stylesheet.
fn style_hash() -> Option<String> {
    let policy = content_security_policy();
    let hash = policy.split([' ', ';']).find(|word| word.starts_with("'sha256-"))?;
    Some(hash.to_owned())
}

/// A document as the page shows it; of texts no more bytes than are `left`.
fn shown(rendering: Rendering, left: &mut usize) -> Shown {
    let bytes = rendering.document.bytes(Encoding::Plain);
    let text = || String::from_utf8_lossy(bytes);
    let words = match rendering.document.content_type.split(';').next() {
        // The frame runs no script; what could not run is left out, so that no browser complains of it.
        Some("text/html") => Words::Page(without_scripts(&text())),
        // As a picture it runs no script and loads nothing.
        Some(kind) if kind.starts_with("image/") => {
            Words::Picture(format!("data:{kind};base64,{}", BASE64_STANDARD.encode(bytes)))
        }
        _ => {
            let whole = whole(&text(), *left);
            *left -= whole.text.len();
            Words::Text { lines: rendering.lines, whole }
        }
    };
    let difference = match rendering.difference {
        Difference::New => "new",
        Difference::Changed => "changes",
        Difference::None => "unchanged",
    };
    Shown { path: rendering.path, difference, bytes: bytes.len(), words }
}

/// The beginning of `text`, and how many bytes are left out.
fn whole(text: &str, left: usize) -> Whole {
    let end = (0..=MAX_TEXT.min(left).min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    Whole { text: text[..end].to_owned(), left_out: text.len() - end }
}

/// The page without its scripts: the one of a page, and that of the frame of the notice.
fn without_scripts(html: &str) -> String {
    [live_script::address(), "/embed/frame.js"]
        .into_iter()
        .fold(html.to_owned(), |html, address| without(&html, address))
}

fn without(html: &str, address: &str) -> String {
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
    fn the_scripts_of_a_page_are_left_out() {
        let html = format!("<head><script defer src=\"{}\"></script><title>x</title>", live_script::address());
        assert_eq!(without_scripts(&html), "<head><title>x</title>");
        assert_eq!(without_scripts("<p>none</p><script src=\"/embed/frame.js\"></script>"), "<p>none</p>");
        assert_eq!(without_scripts("<p>none</p>"), "<p>none</p>");
    }

    #[test]
    fn the_public_stylesheet_is_known_by_its_hash() {
        assert!(style_hash().unwrap().ends_with('\''));
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        let text = whole(&"ä".repeat(100), 33);
        assert_eq!((text.text.as_str(), text.left_out), ("ä".repeat(16).as_str(), 168));
        assert_eq!(whole("x", 0), Whole { text: String::new(), left_out: 1 });
        assert_eq!(whole(&"x".repeat(MAX_TEXT + 1), MAX_TEXTS).left_out, 1);
    }
}
