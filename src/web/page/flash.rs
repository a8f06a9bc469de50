//! Flash messages: the result of the last action, shown on the next page.
//!
//! The URL has a key from a fixed list, not a text: nothing is stored, and a link can't show a text of its author.

use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::Role;
use crate::domain::forms::Fields;

const NOTICES: &[(&str, &str)] = &[
    ("incident-opened", "Incident published."),
    ("incident-kept", "Incident saved. Not public yet."),
    ("incident-published", "Incident published."),
    ("incident-saved", "Incident saved."),
    ("incident-deleted", "Incident deleted. The audit log keeps its text."),
    ("update-posted", "Update published."),
    ("update-saved", "Update saved and marked as edited."),
    ("update-deleted", "Update deleted. The incident is back to its previous status."),
    ("maintenance-planned", "Maintenance scheduled."),
    ("maintenance-saved", "Maintenance saved."),
    ("maintenance-begun", "Maintenance started."),
    ("maintenance-start-undone", "Start undone. The maintenance is scheduled again."),
    ("maintenance-deleted", "Maintenance deleted. The audit log keeps its text."),
    ("maintenance-completed", "Maintenance completed."),
    ("maintenance-moved", "Maintenance rescheduled."),
    ("maintenance-extended", "Maintenance window extended."),
    ("maintenance-cancelled", "Maintenance cancelled. It stays on the page as cancelled."),
    ("series-saved", "Series updated."),
    ("series-ended", "Series stopped."),
    ("postmortem-saved", "Postmortem saved as a draft."),
    ("postmortem-published", "Postmortem published."),
    ("postmortem-withdrawn", "Postmortem unpublished. The text is kept as a draft."),
    ("correction-added", "Correction published."),
    ("correction-removed", "Correction removed."),
    ("draft-saved", "Draft saved. Everyone who publishes can see it; visitors can't."),
    ("draft-deleted", "Draft deleted. The audit log keeps its text."),
    ("template-added", "Template saved."),
    ("template-saved", "Template saved."),
    ("template-deleted", "Template deleted. The audit log keeps its text."),
    ("subscriber-added", "Subscriber added."),
    ("subscriber-saved", "Choices saved."),
    ("subscriber-mailed", "Confirmation sent again."),
    ("subscriber-reactivated", "Subscriber reactivated."),
    ("subscriber-unsubscribed", "Subscriber removed. An import does not add the address again for 90 days."),
    ("subscriber-erased", "Everything about the subscriber was deleted."),
    ("subscribers-changed", "The selected subscribers were changed."),
    ("subscribers-unchanged", "Nothing was changed: select subscribers that the action applies to."),
    ("subscribers-imported", "Subscribers imported."),
    ("component-added", "Component added."),
    ("components-added", "Components added."),
    ("component-saved", "Component saved."),
    ("component-deleted", "Component deleted."),
    ("status-set", "Status updated."),
    ("statuses-set", "Status of the selected components updated."),
    ("nothing-selected", "Nothing was changed: select components first."),
    ("position-set", "Order saved."),
    ("group-added", "Group added."),
    ("group-saved", "Group saved."),
    ("group-deleted", "Group deleted. Its components are kept."),
    ("role-set", "Role changed."),
    ("disabled", "Account deactivated."),
    ("enabled", "Account reactivated."),
    ("sessions-revoked", "All sessions logged out."),
    ("session-revoked", "Session logged out."),
    ("password-set", "Password changed. Other sessions were logged out."),
    ("email-set", "E-mail address changed. Log in with the new one from now on."),
    ("email-requested", "We sent a link to the new address. Open it to confirm the change."),
    ("email-cancelled", "Change cancelled. Your e-mail address stays the same."),
    ("totp-added", "Authenticator app added. You will need its code to log in."),
    ("totp-removed", "Authenticator app removed."),
    ("passkey-added", "Passkey added. You can log in with it."),
    ("passkey-removed", "Passkey removed."),
    ("factors-removed", "Two-factor authentication reset. They can log in with the password only."),
    ("provider-connected", "Identity provider connected. You can log in with it."),
    ("provider-disconnected", "Identity provider disconnected."),
    ("policy-saved", "Security settings saved."),
    ("token-revoked", "Token revoked."),
    ("settings-saved", "Settings saved."),
    ("announcement-added", "Announcement saved. Visitors see it from its start on."),
    ("announcement-saved", "Announcement saved."),
    ("announcement-ended", "Announcement ended."),
    ("announcement-deleted", "Announcement deleted. The audit log keeps its text."),
    ("components-added", "Components added. The page shows them now."),
    ("setup-finished", "Setup finished. The checklist says what is left to do."),
    ("checklist-dismissed", "Checklist dismissed."),
    ("import-started", "Import started."),
    ("import-running", "An import is in progress already. Finish or discard it first."),
    ("brand-saved", "Brand saved. The page shows it now."),
    ("welcome", "Welcome to Candor. Start by adding your components."),
];

/// Redirects to `path`, which may have a fragment, with the message of the key `word`.
pub fn redirect_with_flash(path: &str, word: &'static str) -> Response {
    debug_assert!(NOTICES.iter().any(|(known, _)| *known == word), "{word} is not on the list");
    let (path, fragment) = match path.split_once('#') {
        Some((path, fragment)) => (path, format!("#{fragment}")),
        None => (path, String::new()),
    };
    Redirect::to(&format!("{path}?done={word}{fragment}")).into_response()
}

/// The message whose key is in the query, for a manager of this role.
pub fn flash_message(query: &Fields, role: Role) -> Option<String> {
    let word = query.text("done");
    match (word.as_str(), role) {
        ("welcome", Role::Publisher) => return Some("Welcome. You can post incidents and maintenance.".into()),
        ("welcome", Role::Viewer) => return Some("Welcome. You can read everything here.".into()),
        _ => {}
    }
    NOTICES.iter().find(|(known, _)| *known == word).map(|(_, words)| (*words).to_owned())
}
