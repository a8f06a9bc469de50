use leptos::prelude::*;

use super::pagination::older;
use crate::domain::audit::{Digest, Record};
use crate::domain::search::{AuditSearch, NOUNS};
use crate::format::time::full;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{Choice, Field, Select, Submit, TextInput, Weight};
use crate::ui::time::Time;

/// Who did what, a page at a time.
#[derive(Clone, Debug)]
pub struct AuditList {
    pub shell: Shell,
    pub search: AuditSearch,
    /// Newest first.
    pub records: Vec<Record>,
    /// The cursor of the next older page; nothing on the last.
    pub older: Option<String>,
    /// The newest row of all, in whose hash every row counts.
    pub head: Option<Digest>,
}

/// The audit.
#[component]
pub fn AuditPage(page: AuditList) -> impl IntoView {
    let shell = page.shell.clone();
    let rows = page.records.iter().map(|record| row(record, &shell)).collect_view();
    let table = if page.records.is_empty() {
        let none = if page.search == AuditSearch::default() { "No events yet." } else { "No matching events." };
        view! { <p class="soft">{none}</p> }.into_any()
    } else {
        view! {
            <div class="scroll" tabindex="0" role="region" aria-label="Audit log, newest first">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            <th scope="col">"Actor"</th>
                            <th scope="col">"Event"</th>
                            <th scope="col">"From"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    let content = view! {
        <h1>"Audit log"</h1>
        {form(&page.search)}
        {table}
        {older("/admin/audit", page.search.pairs(), page.older)}
        {page.head.map(|head| chain(&head))}
    };
    view! { <AdminLayout shell title="Audit log" section=Some(Section::Audit) content=content.into_any()/> }
}

/// Up to where the audit can be proven, for whoever keeps it elsewhere.
fn chain(head: &Digest) -> AnyView {
    view! {
        <section class="column" aria-labelledby="chain">
            <h2 id="chain">"Integrity"</h2>
            <p>
                "Each row carries a hash of its content and of the row before it. The newest is row "
                {head.id} ":"
            </p>
            <pre>{format!("{}:{}", head.id, head.hash)}</pre>
            <p class="hint">
                "Store this checksum outside Candor, or fetch " <a href="/.well-known/candor-audit">"the published one"</a>
                " regularly: "<code>"candor audit verify --expect"</code>
                " then verifies that no row up to it was altered or removed."
            </p>
        </section>
    }
    .into_any()
}

/// What to look for; a plain form that asks for another list.
fn form(search: &AuditSearch) -> AnyView {
    let (who, what) = (Field::new("who", "Actor"), Field::new("what", "Event"));
    let (subject, text) = (Field::new("subject", "Name or ID"), Field::new("q", "Changed values"));
    let nouns = NOUNS.into_iter().map(|(noun, words)| Choice::new(noun, words));
    let nouns = std::iter::once(Choice::new("", "All events")).chain(nouns).collect();
    let all = (*search != AuditSearch::default()).then(|| view! { <a href="/admin/audit">"Show all"</a> });
    view! {
        <form class="search" method="get" action="/admin/audit" role="search">
            <TextInput field=who value=search.actor.clone() kind="search" keys="/"/>
            <Select field=what choices=nouns value=search.noun.unwrap_or_default()/>
            <TextInput field=subject value=search.subject.clone() kind="search"/>
            <TextInput field=text value=search.text.clone() kind="search"/>
            <p class="actions"><Submit words="Search" weight=Weight::Quiet/>{all}</p>
        </form>
    }
    .into_any()
}

fn row(record: &Record, shell: &Shell) -> AnyView {
    let subject = if record.subject_name.is_empty() { record.subject_id.clone() } else { record.subject_name.clone() };
    let change = (record.before.is_some() || record.after.is_some()).then(|| {
        view! {
            <details>
                <summary>"Before and after"</summary>
                {document("Before", record.before.as_ref())}
                {document("After", record.after.as_ref())}
            </details>
        }
    });
    view! {
        <tr>
            <td><Time at=record.at words=full(record.at, shell.zone)/></td>
            <td dir="auto">{record.actor.name.clone()}</td>
            <td class="wide-cell">{action_words(&record.action)}" "<bdi>{subject}</bdi>{change}</td>
            <td dir="auto">{record.actor.address.clone()}</td>
        </tr>
    }
    .into_any()
}

fn document(label: &'static str, value: Option<&serde_json::Value>) -> AnyView {
    let text =
        value.map_or_else(|| "nothing".to_owned(), |value| serde_json::to_string_pretty(value).unwrap_or_default());
    view! { <p class="label">{label}</p><pre dir="auto">{text}</pre> }.into_any()
}

/// What was done, as it stands before the name of what it was done to; an action without words is
/// shown as it is.
fn action_words(action: &str) -> String {
    let special = match action {
        "incident.update" => "posted an update to incident",
        "incident.edit-update" => "edited an update of incident",
        "incident.delete-update" => "deleted an update of incident",
        "maintenance.update" => "posted an update to maintenance",
        "maintenance.edit-update" => "edited an update of maintenance",
        "maintenance.reschedule" => "rescheduled maintenance",
        "maintenance.remind" => "posted a reminder of maintenance",
        "review.edit" => "saved the postmortem of incident",
        "review.publish" => "published the postmortem of incident",
        "review.import" => "imported the postmortem of incident",
        "page.import-feed-ids" => "imported ids of feed entries:",
        "review.delete" => "deleted the postmortem of incident",
        "review.withdraw" => "unpublished the postmortem of incident",
        "component.correct-uptime" => "corrected the uptime of component",
        "component.remove-correction" => "removed a correction of component",
        "draft.add" => "saved a draft:",
        "draft.edit" => "edited the draft:",
        "draft.delete" => "deleted the draft:",
        "incident.publish" => "published incident",
        "incident.end-embargo" => "ended the embargo of incident",
        "component.set-status" => "set the status of component",
        "manager.create-first-owner" => "created the first owner account:",
        "manager.accept-invitation" => "accepted the invitation of",
        "manager.set-role" => "changed the role of",
        "manager.set-password" => "changed the password of",
        "manager.offer-reset" => "created a password link for",
        "manager.mail-reset" => "e-mailed a password link to",
        "manager.reset-password" => "reset the password of",
        "manager.revoke-session" => "ended a session of",
        "manager.revoke-sessions" => "ended sessions of",
        "manager.login" => "logged in:",
        "manager.begin-login" => "entered the correct password:",
        "manager.login-by-provider" => "logged in at the identity provider:",
        "manager.begin-login-by-provider" => "logged in with the identity provider (first step):",
        "manager.add-by-provider" => "was created by a login with the identity provider:",
        "manager.accept-by-provider" => "accepted the invitation with the identity provider:",
        "manager.shut-out" => "lost the role at the identity provider; sessions and tokens were ended",
        "manager.follow-role" => "got another role from the identity provider:",
        "manager.keep-role" => "kept the role as the only owner:",
        "manager.connect-provider" => "connected an identity provider account to",
        "manager.disconnect-provider" => "disconnected the identity provider account of",
        "manager.login-by-passkey" => "logged in with a passkey:",
        "manager.login-by-recovery-code" => "logged in with a recovery code:",
        "manager.refuse-code" => "entered a wrong code at the login as",
        "manager.prove" => "confirmed identity:",
        "manager.refuse-proof" => "failed to confirm identity:",
        "manager.add-totp" => "added an authenticator app for",
        "manager.remove-totp" => "removed the authenticator app of",
        "manager.add-passkey" => "added a passkey for",
        "manager.remove-passkey" => "removed a passkey of",
        "manager.remove-factors" => "removed all second factors of",
        "manager.renew-recovery-codes" => "created new recovery codes for",
        "manager.set-email" => "changed the e-mail address of",
        "manager.request-email" => "requested a new e-mail address for",
        "manager.cancel-email" => "cancelled the new e-mail address of",
        "policy.edit" => "changed the security settings",
        "audit.refuse-more" => "further denied attempts:",
        "manager.refuse-role" => "was denied (role):",
        "manager.refuse-foreign" => "sent a cross-site request (denied):",
        "manager.refuse-link" => "used an invalid link",
        "token.revoke" => "revoked the API token",
        "token.add" => "created the API token",
        "token.refuse" => "used an invalid API token",
        "token.refuse-plain" => "sent an API token over HTTP (denied)",
        "token.refuse-scope" => "was denied (scope):",
        "manager.refuse-login" => "failed to log in as",
        "manager.logout" => "logged out:",
        "page.edit" => "changed the settings of",
        "database.restore" => "started on a restored",
        "sample.load" => "loaded the sample",
        _ => "",
    };
    let done = match action.rsplit_once('.') {
        _ if !special.is_empty() => return special.to_owned(),
        Some((noun, "open")) => ("opened", noun),
        Some((noun, "add")) => ("added", noun),
        Some((noun, "edit")) => ("edited", noun),
        Some((noun, "delete")) => ("deleted", noun),
        Some((noun, "import")) => ("imported", noun),
        Some((noun, "invite")) => ("invited", noun),
        Some((noun, "enable")) => ("enabled", noun),
        Some((noun, "disable")) => ("disabled", noun),
        Some((noun, "plan")) => ("planned", noun),
        Some((noun, "begin")) => ("began", noun),
        Some((noun, "extend")) => ("extended", noun),
        Some((noun, "complete")) => ("completed", noun),
        Some((noun, "cancel")) => ("cancelled", noun),
        Some((noun, "end")) => ("ended", noun),
        _ => return action.replace(['.', '-', '_'], " "),
    };
    format!("{} {}", done.0, done.1)
}

#[cfg(test)]
mod tests {
    use super::action_words;

    #[test]
    fn actions_are_said_in_words() {
        assert_eq!(action_words("incident.open"), "opened incident");
        assert_eq!(action_words("incident.update"), "posted an update to incident");
        assert_eq!(action_words("component.add"), "added component");
        assert_eq!(action_words("api-token.rotate"), "api token rotate");
        assert_eq!(action_words("odd"), "odd");
    }
}
