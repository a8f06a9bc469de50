use leptos::prelude::*;

use crate::domain::Invalid;
use crate::ui::admin_layout::{AdminContext, AdminLayout};
use crate::ui::form::{ButtonStyle, ErrorSummary, Field, FormErrors, Hidden, Password, Submit, TextInput};
use crate::ui::passkey::{PasskeyForm, PasskeyScript};

/// Asks for the password or a factor before a sensitive action.
#[derive(Clone, Debug)]
pub struct Reauthenticate {
    pub shell: AdminContext,
    /// The URL of the pending action, which the form posts to.
    pub action: String,
    /// The page to return to after confirmation at the provider.
    pub path: String,
    /// The submitted fields of the pending action, passed on as hidden fields.
    pub kept: Vec<(String, String)>,
    /// Whether the manager has a password and may log in with it.
    pub password: bool,
    /// Whether an authenticator app code is accepted.
    pub totp: bool,
    /// Whether a passkey is accepted.
    pub passkeys: bool,
    /// The identity provider's name, if the manager can log in there.
    pub provider: Option<String>,
    /// Errors of `proof_password` or `proof_code`.
    pub invalid: Invalid,
}

#[component]
pub fn ReauthenticatePage(page: Reauthenticate) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["proof_password", "proof_code"]);
    let password = page.password.then(|| {
        let field = Field::new("proof_password", "Password").with_error(&problems);
        view! { <Password field autocomplete="current-password" autofocus=problems.is_empty()/> }
    });
    let code = page.totp.then(|| {
        let label = if page.password { "Or authenticator code" } else { "Code" };
        let field = Field::new("proof_code", label).hint("From your authenticator app.").with_error(&problems);
        view! { <TextInput field value="" class="short" autocomplete="one-time-code"/> }
    });
    let typed = (page.password || page.totp).then(|| {
        view! {
            <form method="post" action=page.action.clone() novalidate>
                {pending_fields(&page.kept)}
                <input type="text" name="username" value=shell.manager.email.clone() autocomplete="username" hidden/>
                {password}
                {code}
                <p class="actions">
                    <Submit words="Confirm"/>
                    <a href="/admin">"Cancel"</a>
                </p>
            </form>
        }
    });
    let content = view! {
        <div class="column">
            <h1>"Confirm it's you"</h1>
            <p>"This action needs a confirmation from the last 10 minutes. Your input is kept and submitted as soon as you confirm."</p>
            <ErrorSummary problems=problems.clone()/>
            {typed}
            {passkey_form(&page)}
            {provider_form(&page)}
            {no_method_notice(&page)}
        </div>
    };
    let title = if problems.is_empty() { "Confirm it's you" } else { "Not confirmed: Confirm it's you" };
    view! { <AdminLayout shell title section=None content=content.into_any()/> }
}

fn pending_fields(fields: &[(String, String)]) -> AnyView {
    let field = |(name, value): &(String, String)| {
        view! { <input type="hidden" name=name.clone() value=value.clone()/> }
    };
    fields.iter().map(field).collect_view().into_any()
}

fn passkey_form(page: &Reauthenticate) -> Option<AnyView> {
    page.passkeys.then(|| {
        view! {
            <PasskeyForm
                does="use"
                action=page.action.clone()
                challenge="/login/passkey/challenge"
                credential="proof_passkey"
                words="Confirm with a passkey"
                fields=pending_fields(&page.kept)
            />
            <PasskeyScript assets=page.shell.assets.clone()/>
        }
        .into_any()
    })
}

/// Confirmation at the identity provider; the pending fields are sent in one encoded field.
fn provider_form(page: &Reauthenticate) -> Option<AnyView> {
    let fields = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&page.kept).finish();
    let fields = (page.action == page.path).then(|| view! { <Hidden name="kept" value=fields/> });
    page.provider.as_ref().map(|name| {
        view! {
            <form method="post" action="/admin/proof/oidc">
                <Hidden name="path" value=page.path.clone()/>
                {fields}
                <p class="actions"><Submit words=format!("Confirm with {name}") weight=ButtonStyle::Quiet/></p>
            </form>
        }
        .into_any()
    })
}

/// For managers without any method to confirm.
fn no_method_notice(page: &Reauthenticate) -> Option<AnyView> {
    let none = !page.password && !page.totp && !page.passkeys && page.provider.is_none();
    none.then(|| view! { <p>"Log in again to confirm."</p> }.into_any())
}

/// The pending action after confirmation at the provider.
#[derive(Clone, Debug)]
pub struct Reauthenticated {
    pub shell: AdminContext,
    /// Path and fields; `None` if the confirmation took too long.
    pub wanted: Option<(String, Vec<(String, String)>)>,
}

#[component]
pub fn ReauthenticatedPage(page: Reauthenticated) -> impl IntoView {
    let shell = page.shell.clone();
    let step = match page.wanted {
        Some((path, fields)) => view! {
            <p>"Your input is kept and submitted when you continue."</p>
            <form method="post" action=path novalidate>
                {pending_fields(&fields)}
                <p class="actions">
                    <Submit words="Continue"/>
                    <a href="/admin">"Cancel"</a>
                </p>
            </form>
        }
        .into_any(),
        None => view! { <p>"Nothing to confirm. "<a href="/admin">"Back to dashboard"</a></p> }.into_any(),
    };
    let content = view! {
        <div class="column">
            <h1>"Confirmed"</h1>
            {step}
        </div>
    };
    view! { <AdminLayout shell title="Confirmed" section=None content=content.into_any()/> }
}

/// A form that was sent after its session had ended, ready to send after the login.
#[derive(Clone, Debug)]
pub struct Resumed {
    pub shell: AdminContext,
    pub path: String,
    pub fields: Vec<(String, String)>,
}

#[component]
pub fn ResumedPage(page: Resumed) -> impl IntoView {
    let shell = page.shell.clone();
    let content = view! {
        <div class="column">
            <h1>"Continue"</h1>
            <p>"You are logged in again. What you entered was kept and nothing was changed yet."</p>
            <form method="post" action=page.path novalidate>
                {resumed_fields(&page.fields)}
                <p class="actions">
                    <Submit words="Send it now"/>
                    <a href="/admin">"Discard"</a>
                </p>
            </form>
        </div>
    };
    view! { <AdminLayout shell title="Continue" section=None content=content.into_any()/> }
}

fn resumed_fields(fields: &[(String, String)]) -> AnyView {
    let row = |(name, value): &(String, String)| {
        let words = name.replace(['_', '.'], " ");
        view! { <dt>{words}</dt><dd class="lines" dir="auto">{value.clone()}</dd> }
    };
    let shown = fields.iter().filter(|(name, value)| name != "version" && !value.trim().is_empty());
    view! { <dl>{shown.map(row).collect_view()}</dl>{pending_fields(fields)} }.into_any()
}
