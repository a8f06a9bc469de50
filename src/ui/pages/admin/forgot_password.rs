use leptos::prelude::*;

use crate::domain::Invalid;
use crate::ui::admin_layout::{PlainLayout, Porch};
use crate::ui::form::{Email, ErrorSummary, Field, Problems, Submit};

/// How one comes by a new password.
#[derive(Clone, Debug)]
pub struct Forgotten {
    pub porch: Porch,
    pub way: Way,
}

/// The way that is open.
#[derive(Clone, Debug)]
pub enum Way {
    /// This server sends no mail.
    AskAnOwner,
    /// The address as it was typed, and what is wrong with it.
    ByMail { email: String, invalid: Invalid },
    /// A mail is on its way, if the address is known; which is not told.
    MailSent,
}

/// The page for a forgotten password.
#[component]
pub fn ForgottenPage(page: Forgotten) -> impl IntoView {
    let (title, content) = match page.way {
        Way::AskAnOwner => ("Forgot password".to_owned(), ask_an_owner()),
        Way::MailSent => ("Check your e-mail".to_owned(), mail_sent()),
        Way::ByMail { email, invalid } => {
            let problems = Problems::new(&invalid, &["email"]);
            (problems.titled("Forgot password"), by_mail(email, &problems))
        }
    };
    let content = view! {
        {content}
        <p class="hint"><a href="/login">"Back to the login"</a></p>
    };
    view! { <PlainLayout porch=page.porch title content=content.into_any()/> }
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

fn by_mail(email: String, problems: &Problems) -> AnyView {
    let field = Field::new("email", "Email").judged(problems);
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
