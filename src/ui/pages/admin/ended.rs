use leptos::prelude::*;

use crate::ui::admin_layout::{PlainLayout, Porch};
use crate::ui::form::{Field, TextArea};

/// What somebody sent after their session had ended: nothing of it was done.
#[derive(Clone, Debug)]
pub struct Ended {
    pub porch: Porch,
    /// What was typed, by the names of the fields.
    pub typed: Vec<(String, String)>,
    /// The page they come back to after the login.
    pub next: String,
}

/// Gives back what was typed.
#[component]
pub fn EndedPage(page: Ended) -> impl IntoView {
    let title = "Your session has ended";
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &page.next).finish();
    let texts = page.typed.into_iter().enumerate().map(|(number, (name, value))| {
        let field = Field::new(name.clone(), label(&name)).id(format!("typed-{number}"));
        let rows = if value.contains('\n') || value.len() > 80 { 8 } else { 2 };
        view! { <TextArea field value rows readonly=true/> }
    });
    let content = view! {
        <h1>{title}</h1>
        <p>"Nothing was changed or published. What you typed stands below: copy what you need, log in, and send it again."</p>
        <p class="actions">
            <a class="button primary" href=format!("/login?{query}") target="_blank" rel="noopener">
                "Log in (in a new tab)"
            </a>
        </p>
        {texts.collect_view()}
    };
    view! { <PlainLayout porch=page.porch title content=content.into_any()/> }
}

/// A field's name in words: `scheduled_for` as "Scheduled for". The text of an update is called as everywhere.
fn label(name: &str) -> String {
    let name = if name == "body" { "message" } else { name };
    let words = name.replace(['_', '.'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
