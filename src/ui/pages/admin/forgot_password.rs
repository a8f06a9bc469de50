use leptos::prelude::*;

use crate::domain::Invalid;
use crate::ui::admin_layout::{LoggedOutContext, LoggedOutLayout};
use crate::ui::form::{Email, ErrorSummary, Field, FormErrors, Submit};

#[derive(Clone, Debug)]
pub struct ForgotPassword {
    pub shell: LoggedOutContext,
    pub way: ResetMethod,
}

#[derive(Clone, Debug)]
pub enum ResetMethod {
    /// This server sends no mail.
    AskAnOwner,
    /// The submitted address and its errors.
    ByMail { email: String, invalid: Invalid },
    /// A mail was sent if the address is known. The page doesn't reveal whether it is.
    MailSent,
}

#[component]
pub fn ForgotPasswordPage(page: ForgotPassword) -> impl IntoView {
    let (title, content) = match page.way {
        ResetMethod::AskAnOwner => ("Forgot password".to_owned(), ask_an_owner()),
        ResetMethod::MailSent => ("Check your e-mail".to_owned(), mail_sent()),
        ResetMethod::ByMail { email, invalid } => {
            let problems = FormErrors::new(&invalid, &["email"]);
            (problems.titled("Forgot password"), request_form(email, &problems))
        }
    };
    let content = view! {
        {content}
        <p class="hint"><a href="/login">"Back to the login"</a></p>
    };
    view! { <LoggedOutLayout shell=page.shell title content=content.into_any()/> }
}

fn ask_an_owner() -> AnyView {
    view! {
        <h1>"Forgot password"</h1>
        <p>"E-mail is not configured. Ask an owner to send you a reset link."</p>
    }
    .into_any()
}

fn mail_sent() -> AnyView {
    view! {
        <h1>"Check your e-mail"</h1>
        <p>
            "If an account with this address exists, an e-mail with a link is on its way. The link is valid for "
            "30 minutes and works once. If nothing arrives within a few minutes, ask an owner."
        </p>
    }
    .into_any()
}

fn request_form(email: String, problems: &FormErrors) -> AnyView {
    let field = Field::new("email", "Email").with_error(problems);
    view! {
        <h1>"Forgot password"</h1>
        <ErrorSummary problems=problems.clone()/>
        <form method="post" action="/forgotten" novalidate>
            <Email field value=email autocomplete="username" autofocus=true/>
            <p class="actions"><Submit words="Send reset link"/></p>
        </form>
    }
    .into_any()
}
