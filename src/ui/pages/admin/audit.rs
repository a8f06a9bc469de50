use leptos::prelude::*;

use super::pagination::older_link;
use crate::domain::audit::{Action, Digest, Record};
use crate::domain::search::{AuditSearch, NOUNS};
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Choice, Field, Select, Submit, TextInput};
use crate::ui::time::Time;

/// One page of the audit log.
#[derive(Clone, Debug)]
pub struct AuditList {
    pub shell: AdminContext,
    pub search: AuditSearch,
    /// Newest first.
    pub records: Vec<Record>,
    /// The cursor of the next page, `None` on the last.
    pub older: Option<String>,
    /// The newest row of the log; its hash covers all rows.
    pub head: Option<Digest>,
}

#[component]
pub fn AuditPage(page: AuditList) -> impl IntoView {
    let shell = page.shell.clone();
    let rows = page.records.iter().map(|record| audit_row(record, &shell)).collect_view();
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
        {search_form(&page.search)}
        {table}
        {older_link("/admin/audit", page.search.pairs(), page.older)}
        {page.head.map(|head| chain_digest(&head))}
    };
    view! { <AdminLayout shell title="Audit log" section=Some(Section::Audit) content=content.into_any()/> }
}

/// The digest of the newest row, to be kept elsewhere for later verification.
fn chain_digest(head: &Digest) -> AnyView {
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

fn search_form(search: &AuditSearch) -> AnyView {
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
            <p class="actions"><Submit words="Search" weight=ButtonStyle::Quiet/>{all}</p>
        </form>
    }
    .into_any()
}

fn audit_row(record: &Record, shell: &AdminContext) -> AnyView {
    let subject = if record.subject_name.is_empty() { record.subject_id.clone() } else { record.subject_name.clone() };
    let change = (record.before.is_some() || record.after.is_some()).then(|| {
        view! {
            <details>
                <summary>"Before and after"</summary>
                {json_document("Before", record.before.as_ref())}
                {json_document("After", record.after.as_ref())}
            </details>
        }
    });
    view! {
        <tr>
            <td><Time at=record.at words=format_full(record.at, shell.zone)/></td>
            <td dir="auto">{record.actor.name.clone()}</td>
            <td class="wide-cell">{action_words(&record.action)}" "<bdi>{subject}</bdi>{change}</td>
            <td dir="auto">{record.actor.address.clone()}</td>
        </tr>
    }
    .into_any()
}

fn json_document(label: &'static str, value: Option<&serde_json::Value>) -> AnyView {
    let text =
        value.map_or_else(|| "nothing".to_owned(), |value| serde_json::to_string_pretty(value).unwrap_or_default());
    view! { <p class="label">{label}</p><pre dir="auto">{text}</pre> }.into_any()
}

/// The label of an action. Unknown keys, written by another version, are shown as they are.
pub fn action_words(key: &str) -> String {
    Action::from_key(key).map_or_else(|| key.replace(['.', '-', '_'], " "), |action| action.words().to_owned())
}

#[cfg(test)]
mod tests {
    use super::action_words;

    #[test]
    fn audit_actions_have_words() {
        assert_eq!(action_words("incident.open"), "opened incident");
        assert_eq!(action_words("incident.update"), "posted an update to incident");
        assert_eq!(action_words("postmortem.edit"), "edited the postmortem of incident");
        assert_eq!(action_words("component.add"), "added component");
        assert_eq!(action_words("api-token.rotate"), "api token rotate");
        assert_eq!(action_words("odd"), "odd");
    }
}
