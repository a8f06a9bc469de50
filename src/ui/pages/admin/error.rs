use leptos::prelude::*;

use super::login::{Login, login_form};
use crate::ui::admin_layout::{AdminContext, AdminLayout, LoggedOutContext, LoggedOutLayout};
use crate::ui::form::{Field, Password, Submit, TextArea, TextInput};

/// A failed request, with the submitted form so that nothing typed is lost.
#[derive(Clone, Debug)]
pub struct AdminError {
    pub around: ErrorLayout,
    pub status: u16,
    /// The message of this failure, if there is one.
    pub detail: Option<String>,
    pub typed: Option<TypedForm>,
    /// The URL that the form can be submitted to again.
    pub action: Option<String>,
    /// Set if a login is needed first.
    pub login: Option<ExpiredLogin>,
}

/// How to go on after the session has ended.
#[derive(Clone, Debug)]
pub enum ExpiredLogin {
    /// The form is kept, and the login leads back to it.
    Here(Box<Login>),
    /// The path to return to. The form is sent from this page after a login in another tab.
    NewTab(String),
}

#[derive(Clone, Debug)]
pub enum ErrorLayout {
    Admin(Box<AdminContext>),
    /// Used if no login is known.
    Plain(LoggedOutContext),
}

#[derive(Clone, Debug, Default)]
pub struct TypedForm {
    /// Fields to show.
    pub shown: Vec<(String, String)>,
    /// Hidden fields.
    pub hidden: Vec<(String, String)>,
    /// Names of password and code fields; their values must be entered again.
    pub secrets: Vec<String>,
    /// Whether these are all fields of the form.
    pub is_whole: bool,
}

impl AdminError {
    /// The statuses with a text of their own.
    pub const DESCRIBED_STATUSES: [u16; 5] = [400, 403, 404, 409, 500];
}

#[component]
pub fn AdminErrorPage(page: AdminError) -> impl IntoView {
    let (heading, text) = match &page.login {
        Some(ExpiredLogin::Here(_)) => (SESSION_EXPIRED, FORM_KEPT),
        Some(ExpiredLogin::NewTab(_)) => (SESSION_EXPIRED, FORM_NOT_KEPT),
        None => status_words(page.status),
    };
    let detail = page.detail.clone().map(|detail| view! { <p dir="auto">{detail}</p> });
    let text = (page.status != 422).then(|| view! { <p>{text}</p> });
    let inside = matches!(page.around, ErrorLayout::Admin(_));
    let desk = (page.typed.is_none() && inside)
        .then(|| view! { <p class="actions"><a class="button" href="/admin">"Back to dashboard"</a></p> });
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            {detail}
            {text}
            {page.login.as_ref().map(expired_login)}
            {page.typed.as_ref().map(|typed| typed_form(&page, typed))}
            {desk}
        </div>
    }
    .into_any();
    match page.around {
        ErrorLayout::Admin(shell) => {
            view! { <AdminLayout shell=*shell title=heading content section=None/> }.into_any()
        }
        ErrorLayout::Plain(shell) => view! { <LoggedOutLayout shell title=heading content/> }.into_any(),
    }
}

const SESSION_EXPIRED: &str = "Your session has ended";
const FORM_KEPT: &str =
    "Nothing was changed or published. Log in here and your form goes on as it was. It is kept for 12 hours.";
const FORM_NOT_KEPT: &str =
    "Nothing was changed or published. What you entered is below: log in in a new tab, then send it again from here.";

fn status_words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 | 422 => ("Invalid request", "The request was malformed. Nothing was saved."),
        403 => ("You don't have permission", "Your role does not allow this. Ask an owner."),
        404 => ("Not found", "This does not exist; it may have been deleted."),
        408 => (
            "Request timed out",
            "The form did not arrive completely in time, so nothing was saved. Go back and try again.",
        ),
        409 => ("Conflict", "Nothing was saved. Go back, reload the page and try again."),
        413 => ("Too large", "The form is larger than this server accepts, so nothing was saved. Shorten it."),
        429 => ("Too many attempts", "Nothing was saved. Wait a minute, then try again."),
        503 => (
            "Not available right now",
            "The database or the server can't do this at the moment. Try again in a few seconds.",
        ),
        _ => (
            "Something went wrong",
            "Nothing was saved. The error was logged; try again or contact your server administrator.",
        ),
    }
}

fn expired_login(login: &ExpiredLogin) -> AnyView {
    let next = match login {
        ExpiredLogin::Here(login) => return login_form(login),
        ExpiredLogin::NewTab(next) => next,
    };
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    view! {
        <p class="actions">
            <a class="button primary" href=format!("/login?{query}") target="_blank" rel="noopener">
                "Log in (in a new tab)"
            </a>
        </p>
    }
    .into_any()
}

/// The submitted fields: in a form if they can be sent again, otherwise read-only for copying.
fn typed_form(page: &AdminError, typed: &TypedForm) -> AnyView {
    let is_fixed = page.action.is_none() || page.login.is_some();
    let shown =
        typed.shown.iter().enumerate().map(|(number, field)| typed_field(number, field, is_fixed)).collect_view();
    if let Some(ExpiredLogin::Here(_)) = page.login {
        return view! { <details class="fold"><summary>"What you entered"</summary>{shown}</details> }.into_any();
    }
    let cut = (!typed.is_whole).then(|| {
        view! { <p>"Part of the form can't be sent again from here. Copy what you need, then go back to the form."</p> }
    });
    let Some(action) = page.action.clone() else { return view! { {cut}{shown} }.into_any() };
    let words = if page.login.is_some() { "Send it again" } else { "Try again" };
    let hidden = typed.hidden.iter().map(|(name, value)| {
        view! { <input type="hidden" name=name.clone() value=value.clone()/> }
    });
    view! {
        <form method="post" action=action novalidate>
            {hidden.collect_view()}
            {shown}
            {typed.secrets.iter().map(|name| secret_field(name)).collect_view()}
            <p class="actions"><Submit words=words/></p>
        </form>
    }
    .into_any()
}

fn typed_field(number: usize, (name, value): &(String, String), readonly: bool) -> AnyView {
    let field = Field::new(name.clone(), field_label(name)).id(format!("typed-{number}"));
    let rows = if value.contains('\n') || value.len() > 80 { 8 } else { 2 };
    view! { <TextArea field value=value.clone() rows readonly/> }.into_any()
}

fn secret_field(name: &str) -> AnyView {
    let field = Field::new(name, field_label(name)).id(format!("typed-{name}"));
    if name.contains("code") {
        return view! { <TextInput field value="" class="short" autocomplete="one-time-code"/> }.into_any();
    }
    view! { <Password field autocomplete="current-password"/> }.into_any()
}

/// The label of a field: `scheduled_for` becomes "Scheduled for".
fn field_label(name: &str) -> String {
    let name = match name {
        "body" => "message",
        "current" => "current password",
        name => name,
    };
    let words = name.replace(['_', '.'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
