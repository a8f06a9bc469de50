use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::pagination::more_link;
use crate::domain::forms::ManagerForm;
use crate::domain::{Invalid, Manager, Role};
use crate::format::time::format_age;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{Choice, Email, ErrorSummary, Field, FormErrors, Select, Submit, TextInput};
use crate::ui::time::Time;

/// One page of managers, and the form to invite one.
#[derive(Clone, Debug)]
pub struct ManagerList {
    pub shell: AdminContext,
    /// Sorted by name.
    pub managers: Vec<ManagerRow>,
    /// The cursor of the next page, `None` on the last.
    pub more: Option<String>,
    pub form: ManagerForm,
    pub invalid: Invalid,
}

#[derive(Clone, Debug)]
pub struct ManagerRow {
    pub manager: Manager,
    /// Whether login needs a second factor.
    pub has_factor: bool,
    /// The number of active sessions.
    pub sessions: i64,
}

#[component]
pub fn ManagersPage(page: ManagerList) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["name", "email", "role"]);
    let rows = page.managers.iter().map(|manager| manager_row(manager, &shell)).collect_view();
    let content = view! {
        <h1>"Managers"</h1>
        <div class="scroll" tabindex="0" role="region" aria-label="Managers">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Email"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Second factor"</th>
                        <th scope="col">"Last login"</th>
                        <th scope="col" class="number">"Sessions"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {more_link("/admin/managers", page.more)}
        <p><a href="/admin/sessions">"Active sessions of managers"</a></p>
        <section class="column" aria-labelledby="invite">
            <h2 id="invite">"Invite a manager"</h2>
            <ErrorSummary problems=problems.clone()/>
            {invitation_form(&page.form, &problems)}
        </section>
    };
    let title = problems.titled("Managers");
    view! { <AdminLayout shell title section=Some(Section::Managers) content=content.into_any()/> }
}

fn manager_row(row: &ManagerRow, shell: &AdminContext) -> AnyView {
    let manager = &row.manager;
    let you = (manager.id == shell.manager.id).then_some(" (you)");
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/managers/{}", manager.id) dir="auto">{manager.name.clone()}</a>{you}
            </th>
            <td dir="auto">{manager.email.clone()}</td>
            <td>{manager.role.words()}</td>
            <td>{state_words(manager)}</td>
            <td>{if row.has_factor { "Yes" } else { "None" }}</td>
            <td>{last_login(manager.last_login_at, shell)}</td>
            <td class="number">{row.sessions}</td>
        </tr>
    }
    .into_any()
}

pub fn state_words(manager: &Manager) -> &'static str {
    match (manager.is_active(), manager.is_invited()) {
        (false, _) => "Deactivated",
        (true, true) => "Invited",
        (true, false) => "Active",
    }
}

pub fn last_login(at: Option<DateTime<Utc>>, shell: &AdminContext) -> AnyView {
    match at {
        Some(at) => view! { <Time at words=format_age(at, shell.now)/> }.into_any(),
        None => "never".into_any(),
    }
}

/// The roles from least to most privileged.
pub fn role_choices() -> Vec<Choice> {
    let words = |role| match role {
        Role::Viewer => "Viewer: read-only",
        Role::Publisher => "Publisher: posts incidents and maintenance",
        Role::Owner => "Owner: full access",
    };
    Role::ALL.into_iter().map(|role| Choice::new(role.key(), words(role))).collect()
}

pub(super) fn invitation_form(form: &ManagerForm, problems: &FormErrors) -> AnyView {
    let name = Field::new("name", "Name").with_error(problems);
    let email = Field::new("email", "Email").with_error(problems);
    let role = Field::new("role", "Role").with_error(problems);
    let role_value = if form.role.is_empty() { Role::Publisher.key() } else { &form.role };
    view! {
        <form method="post" action="/admin/managers" novalidate>
            <div class="pair">
                <TextInput field=name value=form.name.clone()/>
                <Email field=email value=form.email.clone()/>
            </div>
            <Select field=role choices=role_choices() value=role_value/>
            <p class="hint">"Creates a link valid for 3 days. Send it to them yourself; it is not e-mailed."</p>
            <p class="actions"><Submit words="Create invite link"/></p>
        </form>
    }
    .into_any()
}
