use leptos::prelude::*;

use crate::domain::Invalid;
use crate::ui::admin_layout::{LoggedOutContext, LoggedOutLayout};
use crate::ui::form::{ErrorSummary, Field, FormErrors, Hidden, Submit, TextInput};
use crate::ui::passkey::{PasskeyForm, PasskeyScript};

#[derive(Clone, Debug)]
pub struct LoginSecondFactor {
    pub shell: LoggedOutContext,
    /// Whether the manager has an authenticator app.
    pub totp: bool,
    /// Whether the manager can use a passkey.
    pub passkeys: bool,
    /// The path to redirect to after login.
    pub next: String,
    /// Errors of `code`.
    pub invalid: Invalid,
}

#[component]
pub fn LoginSecondFactorPage(page: LoginSecondFactor) -> impl IntoView {
    let problems = FormErrors::new(&page.invalid, &["code"]);
    let (label, hint) = if page.totp {
        ("Code", "The 6-digit code from your authenticator app, or a recovery code.")
    } else {
        ("Recovery code", "One of the codes you saved when you added the passkey.")
    };
    let field = Field::new("code", label).hint(hint).with_error(&problems);
    let passkey = page.passkeys.then(|| {
        let fields = view! { <Hidden name="next" value=page.next.clone()/> }.into_any();
        view! {
            <PasskeyForm
                does="use"
                action="/login/passkey"
                challenge="/login/passkey/challenge"
                words="Use a passkey"
                fields
            />
            <PasskeyScript assets=page.shell.assets.clone()/>
        }
    });
    let title =
        if problems.is_empty() { "Two-factor authentication" } else { "Not logged in: Two-factor authentication" };
    let content = view! {
        <h1>"Two-factor authentication"</h1>
        <ErrorSummary problems=problems.clone()/>
        <form method="post" action="/login/factor" novalidate>
            <TextInput field value="" autocomplete="one-time-code" autofocus=true/>
            <p class="actions"><Submit words="Log in"/></p>
        </form>
        {passkey}
        <p class="hint">"Lost your device and codes? Ask an owner to reset two-factor authentication."</p>
    };
    view! { <LoggedOutLayout shell=page.shell title content=content.into_any()/> }
}
