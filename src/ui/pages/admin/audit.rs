use leptos::prelude::*;

use super::incidents::older;
use crate::domain::audit::Record;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::time::{Time, full};

/// Who did what, a page at a time.
#[derive(Clone, Debug)]
pub struct AuditList {
    pub shell: Shell,
    /// Newest first.
    pub records: Vec<Record>,
    /// The cursor of the next older page; nothing on the last.
    pub older: Option<String>,
}

/// The audit.
#[component]
pub fn AuditPage(page: AuditList) -> impl IntoView {
    let shell = page.shell.clone();
    let rows = page.records.iter().map(|record| row(record, &shell)).collect_view();
    let table = if page.records.is_empty() {
        view! { <p class="soft">"Nothing was done yet."</p> }.into_any()
    } else {
        view! {
            <div class="scroll" tabindex="0" role="region" aria-label="Audit, newest first">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col">"What"</th>
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
        <h1>"Audit"</h1>
        {table}
        {older("/admin/audit", page.older)}
    };
    view! { <AdminLayout shell title="Audit" section=Some(Section::Audit) content=content.into_any()/> }
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

/// `incident.open` as `opened incident`; an action without a known verb is shown as it is.
fn action_words(action: &str) -> String {
    let Some((noun, verb)) = action.rsplit_once('.') else { return action.to_owned() };
    let done = match verb {
        "open" => "opened",
        "create" => "added",
        "edit" | "update" => "edited",
        "delete" => "deleted",
        "post" => "posted",
        "resolve" => "resolved",
        "reopen" => "reopened",
        "set_status" | "status" => "set the status of",
        "invite" => "invited",
        "enable" => "enabled",
        "disable" => "disabled",
        "role" | "change_role" => "changed the role of",
        "password" | "change_password" => "changed the password of",
        "reset" => "made a reset link for",
        "revoke" => "revoked",
        "login" => "logged in:",
        "logout" => "logged out:",
        "import" => "imported",
        _ => return format!("{} {}", noun.replace(['.', '_'], " "), verb.replace('_', " ")),
    };
    format!("{done} {}", noun.replace(['.', '_'], " "))
}

#[cfg(test)]
mod tests {
    use super::action_words;

    #[test]
    fn actions_are_said_in_words() {
        assert_eq!(action_words("incident.open"), "opened incident");
        assert_eq!(action_words("api_token.rotate"), "api token rotate");
        assert_eq!(action_words("odd"), "odd");
    }
}
