use leptos::prelude::*;

use super::conflict::{Conflict, conflict_details};
use crate::domain::forms::{PageForm, PolicyForm};
use crate::domain::second_factor::SESSION_IDLE_CHOICES;
use crate::domain::{Invalid, Manager};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    CheckBox, Choice, ErrorSummary, Field, FormErrors, Hidden, PostButton, Select, Submit, TextArea, TextInput,
    ZoneInput, zone_list,
};

/// The page settings and the security policy.
#[derive(Clone, Debug)]
pub struct Settings {
    pub shell: AdminContext,
    pub form: PageForm,
    pub policy: PolicyForm,
    /// Owners who may keep password login as a fallback; empty if it can't be disabled.
    pub password_owners: Vec<Manager>,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<PageForm>>,
    /// Whether a mail server is configured.
    pub has_mail: bool,
    /// What a test mail led to.
    pub test_result: Option<String>,
}

const FIELD_ORDER: [&str; 6] = ["name", "url", "time_zone", "embedders", "session_idle", "password_only_for"];

#[component]
pub fn SettingsPage(page: Settings) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &FIELD_ORDER);
    let body = if shell.is_owner() { settings_form(&page.form, &problems) } else { readonly_settings(&page.form) };
    let policy = shell.is_owner().then(|| policy_form(&page.policy, &page.password_owners, &problems));
    let content = view! {
        <div class="column">
            <h1>"Settings"</h1>
            {settings_tabs("/admin/settings", &shell)}
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            {body}
            {policy}
            {shell.is_owner().then(|| mail_section(&page))}
        </div>
    };
    let title = problems.titled("Settings");
    view! { <AdminLayout shell title section=Some(Section::Settings) content=content.into_any()/> }
}

/// The pages of the settings that this manager can open.
pub(super) fn settings_tabs(current: &str, shell: &AdminContext) -> AnyView {
    let tabs = [
        ("/admin/settings", "General", false),
        ("/admin/brand", "Brand", true),
        ("/admin/announcements", "Announcements", false),
        ("/admin/import", "Import", true),
    ];
    let tab = |(path, words, _): (&'static str, &'static str, bool)| {
        let current = (path == current).then_some("page");
        view! { <li><a href=path aria-current=current>{words}</a></li> }
    };
    let tabs = tabs.into_iter().filter(|(_, _, is_for_owners)| shell.is_owner() || !is_for_owners).map(tab);
    view! { <nav class="settings-tabs" aria-label="Settings"><ul>{tabs.collect_view()}</ul></nav> }.into_any()
}

fn settings_form(form: &PageForm, problems: &FormErrors) -> AnyView {
    let name = Field::new("name", "Page name").with_error(problems);
    let url = Field::new("url", "Your website (optional)").hint("Linked in the footer.").with_error(problems);
    let zone = Field::new("time_zone", "Time zone").hint("Used for all times and day boundaries.");
    let embedders = Field::new("embedders", "Allowed embed origins (optional)")
        .hint("One per line, at most 10, like https://www.example.org. Only these sites may embed /embed.");
    view! {
        <form method="post" action="/admin/settings" novalidate>
            <Hidden name="version" value=form.version.to_string()/>
            <TextInput field=name value=form.name.clone()/>
            <TextInput field=url value=form.url.clone() kind="url"/>
            <ZoneInput field=zone.with_error(problems) value=form.time_zone.clone()/>
            {zone_list()}
            <TextArea field=embedders.with_error(problems) value=form.embedders.clone() rows=2/>
            <p class="actions"><Submit words="Save settings"/></p>
        </form>
    }
    .into_any()
}

fn mail_section(page: &Settings) -> AnyView {
    let body = if page.has_mail {
        let words = format!("Send a test to {}", page.shell.manager.email);
        view! { <PostButton action="/admin/settings/test-mail" words/> }.into_any()
    } else {
        view! { <p class="soft">"No mail server is configured. Set --smtp-url."</p> }.into_any()
    };
    view! {
        <section class="apart" aria-labelledby="mail">
            <h2 id="mail">"E-mail"</h2>
            {page.test_result.clone().map(|result| view! { <p class="waiting" role="status">{result}</p> })}
            {body}
        </section>
    }
    .into_any()
}

fn policy_form(policy: &PolicyForm, password_owners: &[Manager], problems: &FormErrors) -> AnyView {
    let field = Field::new("second_factor_required", "Require two-factor authentication")
        .hint("Managers without it must set it up at their next action.");
    let in_query = Field::new("api_key_in_query", "Allow API tokens in the query string")
        .hint("As ?api_key=…. Not recommended: URLs end up in logs.");
    view! {
        <section class="apart" aria-labelledby="policy">
            <h2 id="policy">"Security"</h2>
            <form method="post" action="/admin/policy" novalidate>
                <Hidden name="version" value=policy.version.to_string()/>
                <CheckBox field checked=policy.second_factor_required/>
                <CheckBox field=in_query checked=policy.api_key_in_query/>
                {session_idle_field(policy, problems)}
                {(!password_owners.is_empty()).then(|| password_policy_field(policy, password_owners, problems))}
                <p class="actions"><Submit words="Save security settings"/></p>
            </form>
        </section>
    }
    .into_any()
}

fn session_idle_field(policy: &PolicyForm, problems: &FormErrors) -> AnyView {
    let field = Field::new("session_idle", "Log out after inactivity")
        .hint("A session ends 12 hours after the login in any case. Sensitive actions always ask for a confirmation.")
        .with_error(problems);
    let words = |minutes: i64| match minutes {
        30 => "30 minutes".to_owned(),
        60 => "1 hour".to_owned(),
        minutes => format!("{} hours", minutes / 60),
    };
    let choices = SESSION_IDLE_CHOICES.map(|minutes| Choice::new(minutes.to_string(), words(minutes))).to_vec();
    view! { <Select field choices value=policy.session_idle.clone()/> }.into_any()
}

fn password_policy_field(policy: &PolicyForm, password_owners: &[Manager], problems: &FormErrors) -> AnyView {
    let field = Field::new("password_only_for", "Password login")
        .hint("With password login disabled, managers log in with the identity provider or a passkey. One owner keeps a password as a fallback and can't be deactivated.")
        .with_error(problems);
    let only = |owner: &Manager| {
        Choice::new(owner.id.as_str(), format!("Disabled, except for {} ({})", owner.name, owner.email))
    };
    let choices =
        std::iter::once(Choice::new("", "Allowed for everyone")).chain(password_owners.iter().map(only)).collect();
    view! { <Select field choices value=policy.password_only_for.clone()/> }.into_any()
}

fn readonly_settings(form: &PageForm) -> AnyView {
    use super::conflict::ComparableForm;
    let row =
        |(label, text): (&'static str, String)| view! { <dt>{label}</dt><dd class="lines" dir="auto">{text}</dd> };
    view! {
        <p class="soft">"Only owners can edit these settings."</p>
        <dl>{form.fields().into_iter().map(row).collect_view()}</dl>
    }
    .into_any()
}
