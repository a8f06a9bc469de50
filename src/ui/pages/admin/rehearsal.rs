use leptos::prelude::*;

use crate::domain::Visibility;
use crate::ui::admin_layout::{AdminLayout, Section, Shell};
use crate::ui::form::{Submit, Weight};
use crate::ui::time::{Time, full};

/// What a change would make of the public documents.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    pub shell: Shell,
    /// Where the composer stands.
    pub section: Section,
    /// Who would see the incident.
    pub visibility: Visibility,
    /// Where the composer sends its form.
    pub action: String,
    /// What the composer holds.
    pub fields: Vec<(String, String)>,
    /// The documents to look at, the most important first.
    pub shown: Vec<Shown>,
    /// The paths of other pages, of which only the header would change.
    pub grazed: Vec<String>,
    /// The paths of the documents for programs that would change.
    pub told: Vec<String>,
    /// The paths of those that would stay as they are.
    pub untouched: Vec<String>,
}

/// One document as it would be.
#[derive(Clone, Debug)]
pub struct Shown {
    pub path: String,
    /// How it differs from the one that is served: `new`, `changes`.
    pub difference: &'static str,
    pub words: Words,
}

/// What a document holds.
#[derive(Clone, Debug)]
pub enum Words {
    /// A whole HTML page.
    Page(String),
    Text(String),
    /// Something that can't be read, of this many bytes.
    Bytes(usize),
}

/// The rehearsal: each document as it would be, and the way on.
#[component]
pub fn RehearsalPage(page: Rehearsed) -> impl IntoView {
    let shell = page.shell.clone();
    let field = |(name, value): &(String, String)| {
        view! { <input type="hidden" name=name.clone() value=value.clone()/> }
    };
    let content = view! {
        <div class="headline">
            <h1>"As visitors would read it"</h1>
        </div>
        <p>"Rendered by the publisher itself; nothing is published and nothing is kept."</p>
        {seen(page.visibility, &shell)}
        <form method="post" action=page.action.clone()>
            {page.fields.iter().map(field).collect_view()}
            <p class="actions">
                <Submit words="Publish exactly this"/>
                <button type="submit" class=Weight::Quiet.class() name="preview" value="1">"Go on writing"</button>
            </p>
        </form>
        {page.shown.iter().map(document).collect_view()}
        {paths("Other pages, of which only the header changes", &page.grazed)}
        {paths("Documents for programs and other sites that change with it", &page.told)}
        {paths("Documents that stay as they are", &page.untouched)}
    };
    view! { <AdminLayout shell title="Rehearsal" section=Some(page.section) content=content.into_any()/> }
}

fn seen(visibility: Visibility, shell: &Shell) -> Option<AnyView> {
    let words = match visibility {
        Visibility::Public => return None,
        Visibility::Embargoed(at) => {
            let at = view! { <Time at words=full(at, shell.zone)/> };
            view! { "This is how it will be once the embargo ends, at "{at}". Until then visitors see nothing of it." }
                .into_any()
        }
        Visibility::Internal => "It is for managers only: visitors would see no difference.".into_any(),
    };
    Some(view! { <p class="waiting">{words}</p> }.into_any())
}

/// A document in a frame of its own, which runs no script, sends no form and leads nowhere.
fn document(shown: &Shown) -> AnyView {
    let inside = match &shown.words {
        Words::Page(html) => {
            let title = format!("{} as visitors would read it", shown.path);
            view! { <iframe class="rehearsal" title=title sandbox="" srcdoc=html.clone()></iframe> }.into_any()
        }
        Words::Text(text) => view! { <pre dir="auto" tabindex="0">{text.clone()}</pre> }.into_any(),
        Words::Bytes(count) => view! { <p class="soft">{format!("{count} bytes")}</p> }.into_any(),
    };
    view! {
        <section>
            <h2><code>{shown.path.clone()}</code>" "<span class="soft">{shown.difference}</span></h2>
            {inside}
        </section>
    }
    .into_any()
}

fn paths(words: &str, paths: &[String]) -> Option<AnyView> {
    let line = |path: &String| view! { <li><code>{path.clone()}</code></li> };
    (!paths.is_empty()).then(|| {
        view! {
            <details class="fold">
                <summary>{format!("{words} ({})", paths.len())}</summary>
                <ul>{paths.iter().map(line).collect_view()}</ul>
            </details>
        }
        .into_any()
    })
}
