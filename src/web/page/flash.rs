//! What the last action did, told on the page it leads to.
//!
//! The address carries a word from a fixed list, not a text: nothing has to be kept for a flash, and
//! nobody can put words in our mouth.

use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::forms::Fields;

/// The words of the list with what they say.
const NOTICES: &[(&str, &str)] = &[
    ("incident-opened", "The incident is published."),
    ("incident-kept", "Incident saved. Visitors don't see it."),
    ("incident-published", "The incident is published: visitors see it now."),
    ("incident-saved", "The incident is changed."),
    ("incident-deleted", "The incident is deleted. The audit keeps what it said."),
    ("update-posted", "The update is published."),
    ("update-saved", "Update saved and marked as edited."),
    ("update-deleted", "The update is deleted; the incident is back in the phase before it."),
    ("maintenance-planned", "The maintenance is published."),
    ("maintenance-saved", "The maintenance is changed."),
    ("maintenance-begun", "The maintenance has begun."),
    ("maintenance-completed", "The maintenance is completed."),
    ("maintenance-moved", "Maintenance rescheduled."),
    ("maintenance-extended", "Maintenance window extended."),
    ("maintenance-cancelled", "The maintenance is cancelled; it stays on the page as such."),
    ("series-saved", "Series updated."),
    ("series-ended", "Series stopped."),
    ("review-saved", "The postmortem is saved as a draft."),
    ("review-published", "The postmortem is published with its incident."),
    ("review-withdrawn", "The postmortem is unpublished. The text is kept as a draft."),
    ("correction-added", "Correction published."),
    ("correction-removed", "Correction removed."),
    ("draft-saved", "Draft saved. Everyone who publishes can see it; visitors can't."),
    ("draft-deleted", "The draft is deleted. The audit keeps what it said."),
    ("template-added", "Template saved."),
    ("template-saved", "The template is changed."),
    ("template-deleted", "The template is deleted. The audit keeps what it said."),
    ("component-added", "Component added."),
    ("component-saved", "Component saved."),
    ("component-deleted", "The component is deleted."),
    ("status-set", "Status updated."),
    ("group-added", "The group is on the page."),
    ("group-saved", "The group is changed."),
    ("group-deleted", "The group is deleted; its components stay."),
    ("role-set", "The role is changed."),
    ("disabled", "The manager can no longer log in."),
    ("enabled", "The manager can log in again."),
    ("sessions-revoked", "The sessions are ended."),
    ("session-revoked", "The session is ended."),
    ("password-set", "The password is changed; other sessions are ended."),
    ("email-set", "The address is changed; you log in with the new one."),
    ("email-requested", "A link is mailed to the new address: it counts once you open the link and confirm."),
    ("email-cancelled", "The new address is cancelled; your address stays as it is."),
    ("totp-added", "The authenticator app is confirmed: its code is asked for at the login."),
    ("totp-removed", "The authenticator app is removed."),
    ("passkey-added", "The passkey is added: you can log in with it."),
    ("passkey-removed", "The passkey is removed."),
    ("factors-removed", "The second factors are removed; the password alone lets them in."),
    ("provider-connected", "The login is connected: you can log in there."),
    ("provider-disconnected", "The login at the identity provider is disconnected."),
    ("policy-saved", "Security settings saved."),
    ("token-revoked", "Token revoked."),
    ("settings-saved", "Settings saved."),
    ("welcome", "Welcome to Candor. Start by adding your components."),
];

/// On to `path`, where the notice `word` is told.
pub fn done(path: &str, word: &'static str) -> Response {
    debug_assert!(NOTICES.iter().any(|(known, _)| *known == word), "{word} is not on the list");
    Redirect::to(&format!("{path}?done={word}")).into_response()
}

/// What the query of an address says was done.
pub fn told(query: &Fields) -> Option<String> {
    let word = query.text("done");
    NOTICES.iter().find(|(known, _)| *known == word).map(|(_, words)| (*words).to_owned())
}
