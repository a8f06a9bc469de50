use leptos::prelude::*;

use crate::ui::admin_layout::{AdminLayout, PlainLayout, Porch, Shell};

/// A request that could not be done.
#[derive(Clone, Debug)]
pub struct Failure {
    pub frame: Frame,
    /// 403, 404, 409, 422, 500 or 503; others are said in general words.
    pub status: u16,
    /// More about it, where there is something to say.
    pub detail: Option<String>,
    /// What to tell whoever reads the log.
    pub request_id: Option<String>,
}

/// What stands around an error.
#[derive(Clone, Debug)]
pub enum Frame {
    /// Somebody is logged in.
    Admin(Box<Shell>),
    /// Nobody is.
    Plain(Porch),
}

/// Says what went wrong and what to do.
#[component]
pub fn ErrorPage(page: Failure) -> impl IntoView {
    let (heading, text) = words(page.status);
    let id = page.request_id.map(|id| view! { <p class="soft">"Request "<code>{id}</code></p> });
    let detail = page.detail.map(|detail| view! { <p dir="auto">{detail}</p> });
    let (path, back) = match page.frame {
        Frame::Admin(_) => ("/admin", "To the desk"),
        Frame::Plain(_) => ("/login", "Log in"),
    };
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            <p>{text}</p>
            {detail}
            {id}
            <p class="actions"><a class="button" href=path>{back}</a></p>
        </div>
    }
    .into_any();
    match page.frame {
        Frame::Admin(shell) => view! { <AdminLayout shell=*shell title=heading content section=None/> }.into_any(),
        Frame::Plain(porch) => view! { <PlainLayout porch title=heading content/> }.into_any(),
    }
}

fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        403 => ("Not allowed", "Your role does not let you do this. An owner can change it."),
        404 => ("Not found", "There is nothing at this address; it may have been deleted."),
        409 => (
            "Changed in between",
            "Somebody changed this while you were writing. Nothing was saved: go back, look and try again.",
        ),
        422 => ("Not understood", "Something in the request was wrong. Nothing was saved."),
        429 => ("Too many tries", "Wait a little and try again."),
        503 => (
            "Not available",
            "The database does not answer, so nothing was saved. The public page stays up. Try again in a moment.",
        ),
        _ => (
            "Something went wrong",
            "Nothing was saved. It is in the log; try again, and tell whoever runs this server if it stays.",
        ),
    }
}
