use leptos::prelude::*;

use crate::domain::Visibility;
use crate::domain::diff::{DiffLine, DocumentDiff, LineChange};
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Submit};
use crate::ui::time::Time;

/// What a change would make of the public documents.
#[derive(Clone, Debug)]
pub struct PagePreview {
    pub shell: AdminContext,
    /// Where the form stands.
    pub section: Section,
    /// Who would see the incident.
    pub visibility: Visibility,
    /// Where the form is sent.
    pub action: String,
    /// What the form holds.
    pub fields: Vec<(String, String)>,
    /// Where the form stands, if it doesn't show itself again with what was chosen.
    pub back: Option<String>,
    /// The path at which visitors would find nothing any more.
    pub gone: Option<String>,
    /// The pages to look at, the most important first.
    pub shown: Vec<PreviewDocument>,
    /// The documents for programs that would change, the most important first.
    pub told: Vec<PreviewDocument>,
    /// The paths of more such documents than are shown.
    pub beyond: Vec<String>,
    /// The paths of other pages, of which only the header would change.
    pub grazed: Vec<String>,
    /// The paths of documents in which only the time of the last change would be another.
    pub dated: Vec<String>,
    /// The paths of those that would stay as they are.
    pub untouched: Vec<String>,
}

/// One document as it would be.
#[derive(Clone, Debug)]
pub struct PreviewDocument {
    pub path: String,
    /// How it differs from the one that is served: `new`, `changes`.
    pub difference: &'static str,
    /// How many bytes it has.
    pub bytes: usize,
    pub words: PreviewContent,
}

/// What a document holds.
#[derive(Clone, Debug)]
pub enum PreviewContent {
    /// A whole HTML page.
    Page(String),
    /// The address of a picture that holds itself.
    Picture(String),
    /// What programs read: what differs in it, and all of it.
    Text { lines: DocumentDiff, whole: FullText },
}

/// A text as it would be answered, or its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullText {
    pub text: String,
    /// How many bytes are left out.
    pub left_out: usize,
}

/// The rehearsal: each document as it would be, and the way on.
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
        {page.shown.iter().map(document_frame).collect_view()}
        {machine_documents(&page)}
        {path_list("Other pages; only their header changes", &page.grazed)}
        {path_list("Files with only a new timestamp", &page.dated)}
        {path_list("Unchanged files", &page.untouched)}
        <p class="soft">
            "Older months, searches and uptime pages are rendered on request and are not shown here."
        </p>
    };
    view! { <AdminLayout shell title="Preview" section=Some(page.section) content=content.into_any()/> }
}

/// The way back, with everything that was typed where the form can show it.
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
    let words = match (page.visibility, &page.gone) {
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

/// A page in a frame of its own, which runs no script, sends no form and leads nowhere.
fn document_frame(shown: &PreviewDocument) -> AnyView {
    view! {
        <section>
            <h2><code>{shown.path.clone()}</code>" "<span class="soft">{shown.difference}</span></h2>
            {document_content(shown)}
        </section>
    }
    .into_any()
}

/// What programs and other sites read, folded.
fn machine_documents(page: &PagePreview) -> Option<AnyView> {
    let folded = |shown: &PreviewDocument| {
        let kind = format!("{} · {}", shown.difference, size_words(shown.bytes));
        view! {
            <details class="fold">
                <summary><code>{shown.path.clone()}</code>" "<span class="soft">{kind}</span></summary>
                {document_content(shown)}
            </details>
        }
    };
    (!page.told.is_empty()).then(|| {
        view! {
            <section aria-labelledby="programs">
                <h2 id="programs">"API and feeds"</h2>
                {page.told.iter().map(folded).collect_view()}
                {path_list("More changed files, not shown here", &page.beyond)}
            </section>
        }
        .into_any()
    })
}

fn document_content(shown: &PreviewDocument) -> AnyView {
    match &shown.words {
        PreviewContent::Page(html) => {
            let title = format!("{} as visitors will see it", shown.path);
            view! { <iframe class="rehearsal" title=title sandbox="" srcdoc=html.clone()></iframe> }.into_any()
        }
        PreviewContent::Picture(address) => {
            let alt = format!("{} as visitors will see it", shown.path);
            view! { <p><img src=address.clone() alt=alt/></p> }.into_any()
        }
        PreviewContent::Text { lines, whole } if lines.shown.is_empty() => full_text(whole),
        PreviewContent::Text { lines, whole } => view! {
            {diff_lines(lines)}
            <details class="fold">
                <summary>"Show all"</summary>
                {full_text(whole)}
            </details>
        }
        .into_any(),
    }
}

/// What differs, line by line; a sign says so as well as a colour.
fn diff_lines(lines: &DocumentDiff) -> AnyView {
    let line = |line: &DiffLine| {
        let text = line.text.clone();
        match line.tag {
            LineChange::Removed => view! { <del>{format!("- {text}\n")}</del> }.into_any(),
            LineChange::Added => view! { <ins>{format!("+ {text}\n")}</ins> }.into_any(),
            LineChange::Unchanged => format!("  {text}\n").into_any(),
            LineChange::Gap => "  …\n".into_any(),
        }
    };
    let more =
        (lines.hidden > 0).then(|| view! { <p class="soft">{format!("{} more changed lines.", lines.hidden)}</p> });
    view! {
        <pre class="lines" dir="auto" tabindex="0">{lines.shown.iter().map(line).collect_view()}</pre>
        {more}
    }
    .into_any()
}

fn full_text(whole: &FullText) -> AnyView {
    let text = (!whole.text.is_empty()).then(|| {
        view! { <pre class="lines" dir="auto" tabindex="0">{whole.text.clone()}</pre> }
    });
    let rest = (whole.left_out > 0).then(|| {
        view! { <p class="soft">{format!("{} more files are not shown here.", size_words(whole.left_out))}</p> }
    });
    view! { {text}{rest} }.into_any()
}

/// `900 bytes`, `12 KB`
fn size_words(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        few if few < 1_000 => format!("{few} bytes"),
        many => format!("{} KB", many.div_ceil(1_000)),
    }
}

fn path_list(words: &str, paths: &[String]) -> Option<AnyView> {
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
