use leptos::prelude::*;

use super::account::factor_words;
use super::managers::{last_login, role_choices, state_words};
use crate::domain::{Factors, Invalid, Manager};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, Field, FormErrors, Hidden, PostButton, Select, Submit};

/// A manager, with the role and access settings for owners.
#[derive(Clone, Debug)]
pub struct ManagerEdit {
    pub shell: AdminContext,
    pub manager: Manager,
    pub factors: Factors,
    /// The number of active sessions.
    pub sessions: i64,
    /// As submitted, otherwise the current role.
    pub role: String,
    /// Errors of `role`: the last owner can't step down, for example.
    pub invalid: Invalid,
}

#[component]
pub fn ManagerEditPage(page: ManagerEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let manager = &page.manager;
    let problems = FormErrors::new(&page.invalid, &["role"]);
    let path = format!("/admin/managers/{}", manager.id);
    let field = Field::new("role", "Role").with_error(&problems);
    let content = view! {
        <div class="column">
            <h1 dir="auto">{manager.name.clone()}</h1>
            <p class="soft">
                <bdi>{manager.email.clone()}</bdi>" · "{state_words(manager)}" · last login "
                {last_login(manager.last_login_at, &shell)}
            </p>
            <ErrorSummary problems=problems.clone()/>
            <form method="post" action=format!("{path}/role") novalidate>
                <Hidden name="version" value=manager.version.to_string()/>
                <Select field choices=role_choices() value=page.role.clone()/>
                <p class="actions">
                    <Submit words="Change the role"/>
                    <a href="/admin/managers">"Back"</a>
                </p>
            </form>
            {reset_form(manager, &path)}
            {identity_form(manager, &path)}
            {factors_form(page.factors, &path)}
            {sessions_form(page.sessions, &path)}
            {access_form(manager, &path)}
        </div>
    };
    let title = problems.titled(&manager.name);
    view! { <AdminLayout shell title section=Some(Section::Managers) content=content.into_any()/> }
}

fn reset_form(manager: &Manager, path: &str) -> Option<AnyView> {
    let (heading, text, words) = if manager.has_password {
        ("Reset password", "Creates a one-time link, valid for 30 minutes, to set a new password.", "Create reset link")
    } else if manager.has_identity {
        (
            "No password",
            "They log in with the identity provider. Creates a link, valid for 3 days, to also set a password.",
            "Create link",
        )
    } else {
        (
            "Invitation pending",
            "A new invite link, valid for 3 days. Earlier links stop working.",
            "Create new invite link",
        )
    };
    manager.is_active().then(|| {
        view! {
            <section aria-labelledby="reset">
                <h2 id="reset">{heading}</h2>
                <p class="soft">{text}</p>
                <PostButton action=format!("{path}/reset") words/>
            </section>
        }
        .into_any()
    })
}

fn identity_form(manager: &Manager, path: &str) -> Option<AnyView> {
    manager.has_identity.then(|| {
        view! {
            <section aria-labelledby="identity">
                <h2 id="identity">"Login at the identity provider"</h2>
                <p class="soft">"Disconnect it if they now use another account there."</p>
                <PostButton action=format!("{path}/identity/removal") words="Disconnect it" weight=ButtonStyle::Destructive/>
            </section>
        }
        .into_any()
    })
}

fn factors_form(factors: Factors, path: &str) -> AnyView {
    let removal = factors.any().then(|| {
        view! {
            <p class="soft">"Removes all second factors so they can log in with the password only. Use it if the device and recovery codes are lost."</p>
            <PostButton action=format!("{path}/factors/removal") words="Reset two-factor authentication" weight=ButtonStyle::Destructive/>
        }
    });
    view! {
        <section aria-labelledby="factors">
            <h2 id="factors">"Two-factor authentication"</h2>
            <p class="soft">{factor_words(factors)}</p>
            {removal}
        </section>
    }
    .into_any()
}

fn sessions_form(count: i64, path: &str) -> Option<AnyView> {
    let text = match count {
        1 => "1 active session.".to_owned(),
        count => format!("{count} active sessions."),
    };
    (count > 0).then(|| {
        view! {
            <section aria-labelledby="sessions">
                <h2 id="sessions">"Sessions"</h2>
                <p class="soft">{text}</p>
                <PostButton action=format!("{path}/sessions/revocation") words="Log out all sessions"/>
            </section>
        }
        .into_any()
    })
}

fn access_form(manager: &Manager, path: &str) -> AnyView {
    if !manager.is_active() {
        return view! {
            <section class="apart" aria-labelledby="access">
                <h2 id="access">"Access"</h2>
                <p class="soft">"Deactivated."</p>
                <PostButton action=format!("{path}/enablement") words="Reactivate"/>
            </section>
        }
        .into_any();
    }
    view! {
        <section class="apart" aria-labelledby="access">
            <h2 id="access">"Deactivate account"</h2>
            <p class="soft">"Logs them out and revokes links. You can reactivate it."</p>
            <PostButton action=format!("{path}/disablement") words="Deactivate account" weight=ButtonStyle::Destructive/>
        </section>
    }
    .into_any()
}
