use leptos::prelude::*;

use super::account::new_password;
use crate::domain::Invalid;
use crate::domain::manager::LinkPurpose;
use crate::ui::admin_layout::{LoggedOutContext, LoggedOutLayout};
use crate::ui::form::{Email, ErrorSummary, Field, FormErrors, Password, Submit, TextInput};

/// The page of a one-time link: create the first owner, choose a password, or confirm an e-mail address.
#[derive(Clone, Debug)]
pub struct AcceptLink {
    pub shell: LoggedOutContext,
    pub purpose: LinkPurpose,
    /// The token of the link; the form posts to `/setup/{token}`.
    pub token: String,
    /// As submitted for the first owner, otherwise the manager's.
    pub name: String,
    /// As submitted for the first owner, otherwise the manager's; the new address when confirming one.
    pub email: String,
    pub invalid: Invalid,
}

#[component]
pub fn AcceptLinkPage(page: AcceptLink) -> impl IntoView {
    let problems = FormErrors::new(&page.invalid, &["name", "email", "password"]);
    let (heading, submit) = match page.purpose {
        LinkPurpose::Setup => ("Create your owner account", "Create account"),
        LinkPurpose::Invite => ("Choose a password", "Set the password and log in"),
        LinkPurpose::Reset => ("Choose a new password", "Set the new password"),
        LinkPurpose::Email => ("Confirm your new e-mail address", "Confirm e-mail address"),
    };
    let password = (page.purpose != LinkPurpose::Email)
        .then(|| view! { <Password field=new_password("Password", &problems) autocomplete="new-password"/> });
    let content = view! {
        <h1>{heading}</h1>
        <ErrorSummary problems=problems.clone()/>
        <form method="post" action=format!("/setup/{}", page.token) novalidate>
            {identity_fields(&page, &problems)}
            {password}
            <p class="actions"><Submit words=submit/></p>
        </form>
    };
    view! { <LoggedOutLayout shell=page.shell title=problems.titled(heading) content=content.into_any()/> }
}

fn identity_fields(page: &AcceptLink, problems: &FormErrors) -> AnyView {
    if page.purpose == LinkPurpose::Email {
        return view! {
            <p><bdi>{page.name.clone()}</bdi>" logs in with "<bdi>{page.email.clone()}</bdi>" from then on."</p>
            <p class="hint">"If you did not ask for this, close the page: nothing changes."</p>
        }
        .into_any();
    }
    if page.purpose != LinkPurpose::Setup {
        return view! {
            <p>"For "<bdi>{page.name.clone()}</bdi>", "<bdi>{page.email.clone()}</bdi>"."</p>
            <input type="text" name="username" value=page.email.clone() autocomplete="username" hidden/>
        }
        .into_any();
    }
    let name = Field::new("name", "Your name").with_error(problems);
    let email = Field::new("email", "Email").hint("Used to log in.").with_error(problems);
    view! {
        <TextInput field=name value=page.name.clone() autocomplete="name" autofocus=problems.is_empty()/>
        <Email field=email value=page.email.clone() autocomplete="username"/>
    }
    .into_any()
}

#[derive(Clone, Debug)]
pub struct LinkExpired {
    pub shell: LoggedOutContext,
}

#[component]
pub fn LinkExpiredPage(page: LinkExpired) -> impl IntoView {
    let content = view! {
        <h1>"This link is no longer valid"</h1>
        <p>"This link has expired or was already used. Ask an owner for a new one."</p>
        <p class="actions"><a class="button" href="/login">"Log in"</a></p>
    };
    view! { <LoggedOutLayout shell=page.shell title="This link is no longer valid" content=content.into_any()/> }
}
