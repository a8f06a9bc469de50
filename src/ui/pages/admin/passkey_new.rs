use leptos::prelude::*;

use super::factors::PASSKEYS_UNAVAILABLE;
use crate::domain::Invalid;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, Field, FormErrors, Hidden, TextInput};
use crate::ui::passkey::{PasskeyForm, PasskeyScript};

#[derive(Clone, Debug)]
pub struct PasskeyNew {
    pub shell: AdminContext,
    /// As submitted.
    pub name: String,
    /// Where the manager was going when a second factor was required.
    pub next: Option<String>,
    /// Whether browsers allow passkeys at this origin.
    pub possible: bool,
    /// Errors of `name`, or of the WebAuthn response.
    pub invalid: Invalid,
}

#[component]
pub fn PasskeyNewPage(page: PasskeyNew) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["name"]);
    let body =
        if page.possible { passkey_form(&page, &problems) } else { view! { <p>{PASSKEYS_UNAVAILABLE}</p> }.into_any() };
    let content = view! {
        <div class="column">
            <h1>"Add a passkey"</h1>
            <ErrorSummary problems=problems.clone()/>
            {body}
            <p><a href="/admin/account/factors">"Back"</a></p>
        </div>
    };
    let title = problems.titled("Add a passkey");
    view! { <AdminLayout shell title section=Some(Section::Account) content=content.into_any()/> }
}

fn passkey_form(page: &PasskeyNew, problems: &FormErrors) -> AnyView {
    let field = Field::new("name", "Name").hint("For example the device or the security key.");
    let next = page.next.clone().map(|next| view! { <Hidden name="next" value=next/> });
    let fields = view! { {next}<TextInput field=field.with_error(problems) value=page.name.clone() autofocus=true/> };
    let fields = fields.into_any();
    view! {
        <p data-without-passkey="">"Passkeys need JavaScript and a browser that supports passkeys."</p>
        <PasskeyForm
            does="make"
            action="/admin/account/passkeys"
            challenge="/admin/account/passkeys/challenge"
            words="Create passkey"
            weight=ButtonStyle::Primary
            fields
        />
        <PasskeyScript assets=page.shell.assets.clone()/>
    }
    .into_any()
}
