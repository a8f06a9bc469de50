use leptos::prelude::*;

use crate::ui::admin_layout::{AdminLayout, Shell};

/// Something that a manager asked for and that could not be done.
#[derive(Clone, Debug)]
pub struct Failure {
    pub shell: Shell,
    /// One of [`Failure::STATUSES`].
    pub status: u16,
    /// More about it, where there is something to say.
    pub detail: Option<String>,
}

impl Failure {
    /// What this page has words for.
    pub const STATUSES: [u16; 5] = [400, 403, 404, 409, 500];
}

/// Says what could not be done and what to do; the navigation stands around it.
#[component]
pub fn FailurePage(page: Failure) -> impl IntoView {
    let (heading, text) = words(page.status);
    let detail = page.detail.map(|detail| view! { <p dir="auto">{detail}</p> });
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            {detail}
            <p>{text}</p>
            <p class="actions"><a class="button" href="/admin">"To the desk"</a></p>
        </div>
    }
    .into_any();
    view! { <AdminLayout shell=page.shell title=heading content section=None/> }
}

fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("Not understood", "Something in the request was wrong. Nothing was saved."),
        403 => ("Not allowed", "Your role does not let you do this. An owner can change it."),
        404 => ("Not found", "There is nothing at this address; it may have been deleted."),
        409 => ("Not done", "Nothing was saved. Go back, look at it again and try once more."),
        _ => (
            "Something went wrong",
            "Nothing was saved. It is in the log; try again, and tell whoever runs this server if it stays.",
        ),
    }
}
