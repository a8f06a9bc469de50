use leptos::prelude::*;

use crate::domain::Invalid;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, Field, FormErrors, Hidden, PostButton, Submit, TextInput};
use crate::ui::qr::Qr;

/// Setting up an authenticator app.
#[derive(Clone, Debug)]
pub struct TotpEnrolment {
    pub shell: AdminContext,
    /// `None` before the setup is started.
    pub secret: Option<TotpSecret>,
    /// Where the manager was going when a second factor was required.
    pub next: Option<String>,
    /// Errors of `code`.
    pub invalid: Invalid,
}

#[derive(Clone, Debug)]
pub struct TotpSecret {
    /// The URL in the QR code.
    pub address: String,
    /// For manual entry.
    pub spelled: String,
}

#[component]
pub fn TotpPage(page: TotpEnrolment) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["code"]);
    let body = match page.secret {
        Some(secret) => confirmation_form(secret, page.next, &problems),
        None => view! {
            <p>"You will enter a code from the app after your password."</p>
            <PostButton action="/admin/account/totp" words="Show QR code" weight=ButtonStyle::Primary/>
        }
        .into_any(),
    };
    let content = view! {
        <div class="column">
            <h1>"Add an authenticator app"</h1>
            <ErrorSummary problems=problems.clone()/>
            {body}
        </div>
    };
    let title = problems.titled("Add an authenticator app");
    view! { <AdminLayout shell title section=Some(Section::Account) content=content.into_any()/> }
}

fn confirmation_form(secret: TotpSecret, next: Option<String>, problems: &FormErrors) -> AnyView {
    let hint = "Enter the 6-digit code.";
    let field = Field::new("code", "Code").hint(hint).with_error(problems);
    view! {
        <p>"Scan the QR code with the app, or enter the key manually."</p>
        <Qr text=secret.address label="QR code for the authenticator app"/>
        <dl><dt>"Key"</dt><dd><code>{secret.spelled}</code></dd></dl>
        <form method="post" action="/admin/account/totp/confirmation" novalidate>
            {next.map(|next| view! { <Hidden name="next" value=next/> })}
            <TextInput field value="" class="short" autocomplete="one-time-code" autofocus=true/>
            <p class="actions">
                <Submit words="Verify"/>
                <a href="/admin/account/factors">"Cancel"</a>
            </p>
        </form>
    }
    .into_any()
}
