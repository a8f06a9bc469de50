use leptos::prelude::*;

use crate::ui::admin_layout::{LoggedOutContext, LoggedOutLayout};
use crate::ui::form::{Email, Field, Hidden, Password, Submit};
use crate::ui::passkey::{PasskeyForm, PasskeyScript};

#[derive(Clone, Debug)]
pub struct Login {
    pub shell: LoggedOutContext,
    /// As submitted.
    pub email: String,
    /// The path to redirect to after login.
    pub next: String,
    /// Whether browsers allow passkeys at this origin.
    pub passkeys: bool,
    /// The identity provider's name, if one is configured.
    pub provider: Option<String>,
    /// The error message. It must not reveal whether the address is known.
    pub error: Option<String>,
}

#[component]
pub fn LoginPage(page: Login) -> impl IntoView {
    let title = if page.error.is_some() { "Not logged in: Log in" } else { "Log in" };
    let content = view! {
        <h1>"Log in"</h1>
        {login_form(&page)}
    };
    view! { <LoggedOutLayout shell=page.shell title content=content.into_any()/> }
}

/// The ways to log in.
pub fn login_form(page: &Login) -> AnyView {
    let retry = page.error.is_some();
    let error = page.error.clone().map(|text| view! { <div class="summary" role="alert"><p>{text}</p></div> });
    let passkey = page.passkeys.then(|| {
        let fields = view! { <Hidden name="next" value=page.next.clone()/> }.into_any();
        view! {
            <PasskeyForm
                does="use"
                action="/login/passkey"
                challenge="/login/passkey/challenge"
                words="Log in with a passkey"
                fields
            />
            <PasskeyScript assets=page.shell.assets.clone()/>
        }
    });
    let provider = page.provider.clone().map(|name| {
        view! {
            <form method="post" action="/login/oidc">
                <Hidden name="next" value=page.next.clone()/>
                <p class="actions"><Submit words=format!("Log in with {name}")/></p>
            </form>
            <p class="hint">"Or with a password:"</p>
        }
    });
    let email = page.email.clone();
    view! {
        {error}
        {provider}
        <form method="post" action="/login" novalidate>
            <Hidden name="next" value=page.next.clone()/>
            <Email field=Field::new("email", "Email") value=email autocomplete="username" autofocus=!retry/>
            <Password field=Field::new("password", "Password") autocomplete="current-password" autofocus=retry/>
            <p class="actions"><Submit words="Log in"/></p>
        </form>
        {passkey}
        <p class="hint"><a href="/forgotten">"Forgot password?"</a></p>
    }
    .into_any()
}
