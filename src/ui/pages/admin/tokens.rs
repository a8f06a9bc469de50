use leptos::prelude::*;

use super::pagination::older_link;
use crate::domain::api_token::{ApiToken, LIFETIMES, Scope};
use crate::domain::forms::ApiTokenForm;
use crate::domain::{Invalid, Role};
use crate::format::time::{format_age, format_full};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{Choice, ErrorSummary, Field, FormErrors, PostButton, Select, Submit, TextInput};
use crate::ui::time::Time;

/// The manager's own API tokens, all tokens for an owner, and the form to create one.
#[derive(Clone, Debug)]
pub struct TokenList {
    pub shell: AdminContext,
    pub tokens: Vec<ApiToken>,
    /// The cursor of the next page, `None` on the last.
    pub older: Option<String>,
    pub form: ApiTokenForm,
    pub invalid: Invalid,
}

/// A new token; the secret can't be shown again.
#[derive(Clone, Debug)]
pub struct TokenCreated {
    pub shell: AdminContext,
    pub token: ApiToken,
    pub secret: String,
}

#[component]
pub fn TokensPage(page: TokenList) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["name", "scope", "days"]);
    let table = if page.tokens.is_empty() {
        view! { <p class="soft">"No API tokens yet."</p> }.into_any()
    } else {
        token_table(&page.tokens, &shell)
    };
    let content = view! {
        <h1>"API tokens"</h1>
        <p class="soft">"API tokens act on your behalf and stop working if your account is deactivated."</p>
        {table}
        {older_link("/admin/tokens", Vec::new(), page.older)}
        <section class="column" aria-labelledby="new">
            <h2 id="new">"Create token"</h2>
            <ErrorSummary problems=problems.clone()/>
            {token_form(&page.form, &problems, shell.manager.role)}
        </section>
    };
    let title = problems.titled("API tokens");
    view! { <AdminLayout shell title section=Some(Section::Account) content=content.into_any()/> }
}

fn token_table(tokens: &[ApiToken], shell: &AdminContext) -> AnyView {
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="API tokens">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Owner"</th>
                        <th scope="col">"Token"</th>
                        <th scope="col">"Scope"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Expires"</th>
                        <th scope="col"><span class="unseen">"Revoke"</span></th>
                    </tr>
                </thead>
                <tbody>{tokens.iter().map(|token| token_row(token, shell)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn token_row(token: &ApiToken, shell: &AdminContext) -> AnyView {
    let whose = if token.manager_id == shell.manager.id { "You" } else { &token.manager_name };
    let used = token.last_used_at.map(|at| view! { <Time at words=format_age(at, shell.now)/> });
    let over = (token.expires_at <= shell.now).then_some(" (expired)");
    view! {
        <tr>
            <th scope="row" dir="auto">{token.name.clone()}</th>
            <td dir="auto">{whose.to_owned()}</td>
            <td><code>{format!("candor_…{}", token.ending)}</code></td>
            <td>{scope_words(token.scope)}</td>
            <td>{used.map_or_else(|| "never".into_any(), IntoAny::into_any)}</td>
            <td><Time at=token.expires_at words=format_full(token.expires_at, shell.zone)/>{over}</td>
            <td>
                <PostButton
                    action=format!("/admin/tokens/{}/revocation", token.id)
                    words="Revoke"
                    about=token.name.clone()
                />
            </td>
        </tr>
    }
    .into_any()
}

fn scope_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read",
        Scope::Publish => "Publish",
        Scope::Admin => "Admin",
    }
}

/// Offers only scopes within the manager's own role.
fn token_form(form: &ApiTokenForm, problems: &FormErrors, role: Role) -> AnyView {
    let name = Field::new("name", "Name").hint("For example the script or service that uses it.").with_error(problems);
    let scope = Field::new("scope", "Scope").with_error(problems);
    let own = Scope::ALL.into_iter().filter(|scope| scope.role() <= role);
    let scopes = own.map(|scope| Choice::new(scope.key(), scope_words(scope))).collect();
    let days = Field::new("days", "Expires in").with_error(problems);
    let words = |days| if days == 365 { "A year".to_owned() } else { format!("{days} days") };
    let lifetimes = LIFETIMES.into_iter().map(|days| Choice::new(days.to_string(), words(days))).collect();
    view! {
        <form method="post" action="/admin/tokens" novalidate>
            <TextInput field=name value=form.name.clone()/>
            <div class="pair">
                <Select field=scope choices=scopes value=form.scope.clone()/>
                <Select field=days choices=lifetimes value=form.days.clone()/>
            </div>
            <p class="actions"><Submit words="Create token"/></p>
        </form>
    }
    .into_any()
}

#[component]
pub fn TokenCreatedPage(page: TokenCreated) -> impl IntoView {
    let (shell, token) = (page.shell.clone(), page.token);
    let field = Field::new("token", "The token").hint("Copy it now. You will not see it again.");
    let content = view! {
        <div class="column">
            <h1>"New token"</h1>
            <p>
                "With this token, " <bdi>{token.name}</bdi> " can act on your behalf until "
                <Time at=token.expires_at words=format_full(token.expires_at, shell.zone)/> "."
            </p>
            <TextInput field value=page.secret readonly=true autofocus=true/>
            <p>"Use it as " <code>"Authorization: Bearer candor_…"</code> " (HTTPS only)."</p>
            <p class="actions"><a class="button" href="/admin/tokens">"Back to the tokens"</a></p>
        </div>
    };
    view! { <AdminLayout shell title="New token" section=Some(Section::Account) content=content.into_any()/> }
}
