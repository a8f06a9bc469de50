use leptos::prelude::*;

use crate::domain::Invalid;
use crate::ui::admin_layout::{AdminLayout, Shell};
use crate::ui::form::{ErrorSummary, Field, Password, Problems, Submit, TextInput};
use crate::ui::passkey::{PasskeyForm, PasskeyScript};

/// The question who somebody is, before something is done that they asked for.
#[derive(Clone, Debug)]
pub struct Proof {
    pub shell: Shell,
    /// Where the form goes: to what was asked for.
    pub action: String,
    /// What was typed for it, by the names of the fields; it is sent on unseen.
    pub kept: Vec<(String, String)>,
    /// Whether a code of an authenticator app will do.
    pub totp: bool,
    /// Whether a passkey will do.
    pub passkeys: bool,
    /// What is wrong with `proof_password` or `proof_code`.
    pub invalid: Invalid,
}

/// Asks for a fresh proof.
#[component]
pub fn ProofPage(page: Proof) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = Problems::new(&page.invalid, &["proof_password", "proof_code"]);
    let password = Field::new("proof_password", "Password").judged(&problems);
    let code = page.totp.then(|| {
        let field = Field::new("proof_code", "Or a code").hint("From your authenticator app.").judged(&problems);
        view! { <TextInput field value="" class="short" autocomplete="one-time-code"/> }
    });
    let content = view! {
        <div class="column">
            <h1>"Is it you?"</h1>
            <p>"What you asked for needs a proof from the last ten minutes. Nothing you typed is lost: it is done as soon as you confirm."</p>
            <ErrorSummary problems=problems.clone()/>
            <form method="post" action=page.action.clone() novalidate>
                {kept(&page.kept)}
                <input type="text" name="username" value=shell.manager.email.clone() autocomplete="username" hidden/>
                <Password field=password autocomplete="current-password" autofocus=problems.is_empty()/>
                {code}
                <p class="actions">
                    <Submit words="Confirm and go on"/>
                    <a href="/admin">"Do nothing"</a>
                </p>
            </form>
            {passkey(&page)}
        </div>
    };
    let title = if problems.is_empty() { "Is it you?" } else { "Not confirmed: Is it you?" };
    view! { <AdminLayout shell title section=None content=content.into_any()/> }
}

fn kept(fields: &[(String, String)]) -> AnyView {
    let field = |(name, value): &(String, String)| {
        view! { <input type="hidden" name=name.clone() value=value.clone()/> }
    };
    fields.iter().map(field).collect_view().into_any()
}

fn passkey(page: &Proof) -> Option<AnyView> {
    page.passkeys.then(|| {
        view! {
            <PasskeyForm
                does="use"
                action=page.action.clone()
                challenge="/login/passkey/challenge"
                credential="proof_passkey"
                words="Confirm with a passkey"
                fields=kept(&page.kept)
            />
            <PasskeyScript assets=page.shell.assets.clone()/>
        }
        .into_any()
    })
}
