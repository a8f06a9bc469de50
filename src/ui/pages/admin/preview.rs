use leptos::prelude::*;

use crate::domain::Visibility;
use crate::format::number::group_thousands;
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Submit};
use crate::ui::time::Time;

/// The effect of a change on the public documents.
#[derive(Clone, Debug)]
pub struct PagePreview {
    pub shell: AdminContext,
    /// The navigation section of the form.
    pub section: Section,
    pub visibility: Visibility,
    /// The URL that the form posts to.
    pub action: String,
    /// The form's fields, by name and value.
    pub fields: Vec<(String, String)>,
    /// The URL of the form, if submitting can't show the form again with its values.
    pub back: Option<String>,
    /// The path of the page that visitors could no longer read.
    pub removed: Option<String>,
    /// Most important first.
    pub pages: Vec<FramedPage>,
    /// Changed API documents, feeds and badges, by path.
    pub machine_paths: Vec<String>,
    /// Other pages where only the header changes, by path.
    pub header_paths: Vec<String>,
    /// What subscribers would get, by channel.
    pub messages: Vec<ShownMessage>,
    /// How many subscribers would get one.
    pub recipients: i64,
}

#[derive(Clone, Debug)]
pub struct ShownMessage {
    /// `E-mail`, `Webhook` or the name of a chat service.
    pub channel: &'static str,
    pub subject: Option<String>,
    /// A whole document.
    pub html: Option<String>,
    /// Plain text or JSON.
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct FramedPage {
    pub path: String,
    /// `new`, `changes` or `unchanged`, relative to the published page.
    pub difference: &'static str,
    pub html: String,
}

#[component]
pub fn PreviewPage(page: PagePreview) -> impl IntoView {
    let shell = page.shell.clone();
    let field = |(name, value): &(String, String)| {
        view! { <input type="hidden" name=name.clone() value=value.clone()/> }
    };
    let content = view! {
        <div class="headline">
            <h1>"Preview of the page"</h1>
        </div>
        <p>"Preview only. Nothing is published yet."</p>
        {visibility_notice(&page, &shell)}
        <form method="post" action=page.action.clone()>
            {page.fields.iter().map(field).collect_view()}
            <p class="actions">
                <Submit words="Publish"/>
                {back_link(page.back.clone())}
            </p>
        </form>
        {page.pages.iter().map(page_frame).collect_view()}
        {message_list(&page.messages, page.recipients)}
        {path_list("machine-documents", "API documents, feeds and badges that change", &page.machine_paths)}
        {path_list("other-pages", "Other pages; only their header changes", &page.header_paths)}
        <p class="soft">
            "Older months, searches and uptime pages are rendered on request and are not shown here."
        </p>
    };
    view! { <AdminLayout shell title="Preview" section=Some(page.section) content=content.into_any()/> }
}

/// Returns to the form, with its values if the form can show them.
fn back_link(path: Option<String>) -> AnyView {
    match path {
        Some(path) => view! { <a href=path>"Discard"</a> }.into_any(),
        None => view! {
            <button type="submit" class=ButtonStyle::Quiet.class() name="preview" value="1">"Back to editing"</button>
        }
        .into_any(),
    }
}

fn visibility_notice(page: &PagePreview, shell: &AdminContext) -> Option<AnyView> {
    let words = match (page.visibility, &page.removed) {
        (_, Some(path)) => view! { <code>{path.clone()}</code>" would be removed." }.into_any(),
        (Visibility::Public, None) => return None,
        (Visibility::Embargoed(at), None) => {
            let at = view! { <Time at words=format_full(at, shell.zone)/> };
            view! { "Preview of the page after it is published at "{at}". Until then visitors do not see it." }
                .into_any()
        }
        (Visibility::Internal, None) => "Internal incident: the public page does not change.".into_any(),
    };
    Some(view! { <p class="waiting">{words}</p> }.into_any())
}

/// A sandboxed frame: no scripts, no forms, no navigation.
fn page_frame(page: &FramedPage) -> AnyView {
    let title = format!("{} as visitors will see it", page.path);
    view! {
        <section>
            <h2><code>{page.path.clone()}</code>" "<span class="soft">{page.difference}</span></h2>
            <iframe class="preview-page" title=title sandbox="" srcdoc=page.html.clone()></iframe>
        </section>
    }
    .into_any()
}

/// Each message in a fold of its own.
fn message_list(messages: &[ShownMessage], recipients: i64) -> Option<AnyView> {
    (!messages.is_empty()).then(|| {
        view! {
            <section id="messages">
                <h2>"Messages to subscribers"</h2>
                // public/composer.js copies the number into the form.
                <p class="soft">
                    "Sent to "<b data-recipients>{recipient_words(recipients)}</b>
                    " if the form says to notify subscribers. The links lead to each subscription."
                </p>
                {messages.iter().map(shown_message).collect_view()}
            </section>
        }
        .into_any()
    })
}

fn recipient_words(recipients: i64) -> String {
    let noun = if recipients == 1 { "subscriber" } else { "subscribers" };
    format!("{} {noun}", group_thousands(recipients))
}

fn shown_message(message: &ShownMessage) -> AnyView {
    let html = message.html.clone().map(|html| {
        view! { <iframe class="preview-page" title="E-mail as HTML" sandbox="" srcdoc=html></iframe> }
    });
    let subject = message.subject.clone().map(|subject| view! { <p><b>"Subject: "</b>{subject}</p> });
    view! {
        <details class="fold">
            <summary>{message.channel}</summary>
            {subject}
            {html}
            <pre class="message" tabindex="0">{message.text.clone()}</pre>
        </details>
    }
    .into_any()
}

fn path_list(id: &'static str, words: &str, paths: &[String]) -> Option<AnyView> {
    let line = |path: &String| view! { <li><code>{path.clone()}</code></li> };
    (!paths.is_empty()).then(|| {
        view! {
            <details class="fold" id=id>
                <summary>{format!("{words} ({})", paths.len())}</summary>
                <ul>{paths.iter().map(line).collect_view()}</ul>
            </details>
        }
        .into_any()
    })
}
