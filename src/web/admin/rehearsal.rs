//! `See it first`: the composer's change as visitors would read it, without anything being kept.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::page;
use super::shell::shell;
use crate::db::WriteTx;
use crate::domain::forms::Fields;
use crate::domain::{IncidentId, Visibility};
use crate::publish::{Difference, Encoding, Rendering, content_security_policy};
use crate::state::State;
use crate::ui::admin_layout::Section;
use crate::ui::live;
use crate::ui::pages::admin::{Rehearsed, Shown, Words};

use crate::web::auth::{CanPublish, Manager};
use crate::web::headers::admin_policy;
use crate::web::{Error, Result};

/// What is rehearsed.
pub(super) struct Rehearsing<'a> {
    /// The incident or maintenance.
    pub id: &'a str,
    /// Where in the admin it is.
    pub section: Section,
    pub visibility: Visibility,
    /// Where the composer sends its form.
    pub action: String,
    pub fields: &'a Fields,
}

/// The page that shows what was done in `tx` as visitors would read it; the transaction is dropped.
pub(super) async fn show(
    state: &State,
    tx: WriteTx,
    manager: &Manager<CanPublish>,
    what: Rehearsing<'_>,
) -> Result<Response> {
    let id = IncidentId::parse(what.id).ok_or(Error::NotFound)?;
    let rehearsal = state.publisher.rehearse(tx, &id).await?;
    let mut tx = state.db.read().await?;
    let shell = shell(state, &mut tx, manager, &Fields::default()).await?;
    let rehearsed = Rehearsed {
        shell,
        section: what.section,
        visibility: what.visibility,
        action: what.action,
        fields: what.fields.0.iter().filter(|(name, _)| name != "rehearse").cloned().collect(),
        shown: rehearsal.renderings.into_iter().map(shown).collect(),
        grazed: rehearsal.grazed,
        told: rehearsal.told,
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

fn shown(rendering: Rendering) -> Shown {
    let text = String::from_utf8_lossy(rendering.document.bytes(Encoding::Plain)).into_owned();
    let words = match rendering.document.content_type.split(';').next() {
        // The frame runs no script; what could not run is left out, so that no browser complains of it.
        Some("text/html") => Words::Page(without_script(&text)),
        Some(kind) if kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("xml") => Words::Text(text),
        _ => Words::Bytes(rendering.document.bytes(Encoding::Plain).len()),
    };
    let difference = match rendering.difference {
        Difference::New => "new",
        Difference::Changed => "changes",
        Difference::None => "stays as it is",
    };
    Shown { path: rendering.path, difference, words }
}

fn without_script(html: &str) -> String {
    let Some((before, after)) = html.split_once(live::address()) else { return html.to_owned() };
    match (before.rsplit_once("<script"), after.split_once("</script>")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => html.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_script_of_a_page_is_left_out() {
        let html = format!("<head><script defer src=\"{}\"></script><title>x</title>", live::address());
        assert_eq!(without_script(&html), "<head><title>x</title>");
        assert_eq!(without_script("<p>none</p>"), "<p>none</p>");
    }

    #[test]
    fn the_public_stylesheet_is_known_by_its_hash() {
        assert!(style_hash().unwrap().ends_with('\''));
    }
}
