//! The import of a page from its address: the form, the progress, the preview and the report.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::page_import_form::import_form;
use super::settings::settings_tabs;
use super::setup::{SetupStep, setup_steps};
use crate::domain::forms::PageImportForm;
use crate::domain::page_import::{ImportState, ImportSummary, KindSummary, Notes};
use crate::domain::{Invalid, PageImport};
use crate::format::number::group_thousands;
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, FormErrors, PostButton, Submit};
use crate::ui::time::Time;

const PATH: &str = "/admin/import";

/// The form, and the newest imports.
#[derive(Clone, Debug)]
pub struct PageImportNew {
    pub shell: AdminContext,
    pub form: PageImportForm,
    pub invalid: Invalid,
    /// Newest first.
    pub recent: Vec<PageImport>,
}

#[component]
pub fn PageImportNewPage(page: PageImportNew) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["source", "address"]);
    let recent = (!page.recent.is_empty()).then(|| recent_imports(&page.recent, &shell));
    let content = view! {
        <div class="column">
            <h1>"Import a page"</h1>
            {settings_tabs(PATH, &shell)}
            <p>"Copies components, incidents and maintenance from the address of a public status page. You see what would change before anything is saved."</p>
            <ErrorSummary problems=problems.clone()/>
            {import_form(&page.form, &problems, ButtonStyle::Primary)}
            <p class="soft">
                "No subscriber is notified of what is imported. From files, with a token, or from other programs: "
                <code>"candor import"</code>" on the server."
            </p>
            {recent}
        </div>
    };
    let title = problems.titled("Import a page");
    view! { <AdminLayout shell title section=Some(Section::Settings) content=content.into_any()/> }
}

fn recent_imports(recent: &[PageImport], shell: &AdminContext) -> AnyView {
    let row = |import: &PageImport| {
        let state = import.state_at(shell.now);
        view! {
            <li>
                <a href=import_path(import) dir="auto">{import.address.clone()}</a>
                <p class="soft">
                    {state.words()}" · "<Time at=import.started_at words=format_full(import.started_at, shell.zone)/>
                    " · "<bdi>{import.started_by.clone()}</bdi>
                </p>
            </li>
        }
    };
    view! {
        <section class="apart" aria-labelledby="recent">
            <h2 id="recent">"Recent imports"</h2>
            <ul class="plain-list">{recent.iter().map(row).collect_view()}</ul>
        </section>
    }
    .into_any()
}

fn import_path(import: &PageImport) -> String {
    format!("{PATH}/{}", import.id)
}

/// One import in its present state.
#[derive(Clone, Debug)]
pub struct PageImportView {
    pub shell: AdminContext,
    pub import: PageImport,
    /// Whether the guided setup is not finished.
    pub is_setup: bool,
}

#[component]
pub fn PageImportPage(page: PageImportView) -> impl IntoView {
    let (shell, import) = (page.shell.clone(), &page.import);
    let state = import.state_at(shell.now);
    let problems = match state {
        ImportState::Failed => FormErrors::new(&Invalid::field("address", import.progress.step.clone()), &[]),
        _ => FormErrors::default(),
    };
    let (title, body) = match state {
        ImportState::Fetching => ("Fetching the page", progress_box(import, state)),
        ImportState::Comparing => ("Comparing", progress_box(import, state)),
        ImportState::Importing => ("Importing", progress_box(import, state)),
        ImportState::Ready => ("Check the import", preview(import, &shell)),
        ImportState::Done => ("Import finished", report(import, &page)),
        ImportState::Failed => ("The page could not be imported", form_again(import, &problems)),
        ImportState::Interrupted => ("The import was interrupted", interruption(import, &problems)),
        ImportState::Discarded => ("Import discarded", discarded()),
    };
    let head = if page.is_setup { setup_steps(SetupStep::Components) } else { settings_tabs(PATH, &shell) };
    let is_working = matches!(state, ImportState::Fetching | ImportState::Comparing | ImportState::Importing);
    let reload = is_working.then(|| import_path(import));
    let content = view! {
        {head}
        <div class="column">
            <h1>{title}</h1>
            <p class="soft">{import.source.words()}" · "<bdi class="breaks">{import.address.clone()}</bdi></p>
            {body}
        </div>
    };
    view! { <AdminLayout shell title=title section=Some(Section::Settings) content=content.into_any() reload/> }
}

/// What the server does; a script replaces it every two seconds, without one the page reloads.
fn progress_box(import: &PageImport, state: ImportState) -> AnyView {
    let progress = &import.progress;
    let requested = match progress.documents {
        1 => "1 document requested".to_owned(),
        count => format!("{} documents requested", thousands(count)),
    };
    let bar = if progress.total > 0 {
        let words = format!("{} of {} incidents and maintenance", thousands(progress.done), thousands(progress.total));
        view! {
            <progress max=progress.total.to_string() value=progress.done.to_string() aria-label="Progress"></progress>
            <p>{words}</p>
        }
        .into_any()
    } else {
        view! { <progress aria-label="Progress"></progress> }.into_any()
    };
    let is_fetching = state == ImportState::Fetching;
    let words =
        if is_fetching { "One request at a time: a page with many incidents takes several minutes." } else { "" };
    // The comparison holds the write lock, so nothing can stop it.
    let stop = is_fetching.then(|| view! { <Submit words="Stop" weight=ButtonStyle::Quiet/> });
    view! {
        <div class="box import-progress" data-reload="">
            {bar}
            <p class="soft">{requested}</p>
            <p class="soft breaks" dir="auto">{progress.step.clone()}</p>
        </div>
        <p class="soft">{words}" You can leave this page and come back."</p>
        <form method="post" action=discard_path(import)>
            <p class="actions">{stop}<a href=import_path(import)>"Update now"</a></p>
        </form>
    }
    .into_any()
}

fn discard_path(import: &PageImport) -> String {
    format!("{}/discarding", import_path(import))
}

fn preview(import: &PageImport, shell: &AdminContext) -> AnyView {
    let Some(summary) = &import.summary else { return discarded() };
    if summary.changes() == 0 {
        return view! {
            <p>"Nothing to import: everything on that page is here already, or can't be imported."</p>
            {counts(summary)}
            <p class="actions"><a class="button" href=PATH>"Import another page"</a></p>
            <PostButton action=discard_path(import) words="Discard"/>
            {notes(summary)}
        }
        .into_any();
    }
    view! {
        <p>"Nothing has been saved yet. The import would change this:"</p>
        {counts(summary)}
        <form method="post" action=format!("{}/confirmation", import_path(import))>
            <p class="actions">
                <Submit words=import_words(summary)/>
                <button type="submit" class=ButtonStyle::Quiet.class() formaction=discard_path(import)>"Discard"</button>
            </p>
        </form>
        <p class="soft">"No subscriber is notified of what is imported."</p>
        {samples(summary, shell)}
        {notes(summary)}
    }
    .into_any()
}

/// `Import 214 incidents and 12 components`
fn import_words(summary: &ImportSummary) -> String {
    let part = |name: &str, one: &str, many: &str| match summary.created(name) {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{} {many}", thousands(count))),
    };
    let parts = [
        part("incidents", "incident", "incidents"),
        part("maintenances", "maintenance window", "maintenance windows"),
        part("components", "component", "components"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.split_last() {
        None if summary.changes() == 1 => "Import 1 change".to_owned(),
        None => format!("Import {} changes", thousands(summary.changes())),
        Some((last, [])) => format!("Import {last}"),
        Some((last, first)) => format!("Import {} and {last}", first.join(", ")),
    }
}

fn counts(summary: &ImportSummary) -> AnyView {
    let row = |kind: &KindSummary| {
        let parts = [
            (kind.created, "new"),
            (kind.changed, "changed"),
            (kind.skipped, "skipped"),
            (kind.refused, "refused"),
            // Documents repeat items: what else is unchanged says little.
            (if kind.created + kind.changed == 0 { kind.unchanged } else { 0 }, "unchanged"),
        ];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = parts.map(|(count, word)| format!("{} {word}", thousands(count))).collect();
        (!words.is_empty()).then(|| view! { <dt>{kind_words(&kind.name)}</dt><dd>{words.join(", ")}</dd> })
    };
    view! { <dl class="import-counts">{summary.kinds.iter().map(row).collect_view()}</dl> }.into_any()
}

fn kind_words(name: &str) -> &'static str {
    match name {
        "page" => "Name, address and time zone",
        "groups" => "Groups",
        "components" => "Components",
        "incidents" => "Incidents",
        "maintenances" => "Maintenance",
        "templates" => "Templates",
        "feed entries" => "Ids of feed entries",
        _ => "Other entries",
    }
}

fn samples(summary: &ImportSummary, shell: &AdminContext) -> AnyView {
    let names = summary.components.iter().map(|name| view! { <li dir="auto">{name.clone()}</li> }.into_any());
    let components = sample("new-components", "New components", (names.collect(), summary.created("components")));
    let event = |(at, title): &(DateTime<Utc>, String)| {
        let day = format_full(*at, shell.zone);
        view! { <li><bdi>{title.clone()}</bdi><br/><span class="soft"><Time at=*at words=day/></span></li> }.into_any()
    };
    let incidents = summary.incidents.iter().map(event).collect();
    let incidents = sample("new-incidents", "New incidents", (incidents, summary.created("incidents")));
    let planned = summary.maintenances.iter().map(event).collect();
    let planned = sample("new-maintenance", "New maintenance", (planned, summary.created("maintenances")));
    view! { {components}{incidents}{planned} }.into_any()
}

fn sample(id: &'static str, heading: &'static str, (rows, count): (Vec<AnyView>, usize)) -> Option<AnyView> {
    let more = count.saturating_sub(rows.len());
    let more = (more > 0).then(|| view! { <li class="soft">{format!("and {} more", thousands(more))}</li> });
    (!rows.is_empty()).then(|| {
        view! {
            <section aria-labelledby=id>
                <h2 id=id>{heading}</h2>
                <ul>{rows}{more}</ul>
            </section>
        }
        .into_any()
    })
}

fn notes(summary: &ImportSummary) -> AnyView {
    let list = |heading: &str, notes: &Notes| {
        let more = notes.count.saturating_sub(notes.first.len());
        let more = (more > 0).then(|| view! { <li class="soft">{format!("and {} more", thousands(more))}</li> });
        let rows = notes.first.iter().map(|note| view! { <li class="breaks" dir="auto">{note.clone()}</li> });
        (notes.count > 0).then(|| {
            view! {
                <details class="import-notes">
                    <summary>{format!("{heading} ({})", thousands(notes.count))}</summary>
                    <ul>{rows.collect_view()}{more}</ul>
                </details>
            }
        })
    };
    view! {
        {list("Could not be fetched", &summary.unfetched)}
        {list("Refused", &summary.refusals)}
        {list("Warnings", &summary.warnings)}
        {list("Skipped", &summary.skips)}
    }
    .into_any()
}

fn report(import: &PageImport, page: &PageImportView) -> AnyView {
    let Some(summary) = &import.summary else { return discarded() };
    let links = if page.is_setup {
        view! { <a class="button primary" href=SetupStep::Managers.path()>"Continue setup"</a><a href="/history">"View the history"</a> }
            .into_any()
    } else {
        view! { <a class="button primary" href="/admin">"Go to the dashboard"</a><a href="/history">"View the history"</a> }
            .into_any()
    };
    view! {
        {counts(summary)}
        <p class="actions">{links}</p>
        {notes(summary)}
    }
    .into_any()
}

fn form_again(import: &PageImport, problems: &FormErrors) -> AnyView {
    view! {
        <ErrorSummary problems=problems.clone()/>
        {import_form(&PageImportForm::from_import(import), problems, ButtonStyle::Primary)}
    }
    .into_any()
}

fn interruption(import: &PageImport, problems: &FormErrors) -> AnyView {
    let step = &import.progress.step;
    let reason =
        if import.state == ImportState::Interrupted { step.as_str() } else { "The server stopped while it worked." };
    view! {
        <p>{reason.to_owned()}" Start it again: what was imported already is not imported twice."</p>
        {import_form(&PageImportForm::from_import(import), problems, ButtonStyle::Primary)}
    }
    .into_any()
}

fn discarded() -> AnyView {
    view! {
        <p>"Nothing was imported."</p>
        <p class="actions"><a class="button" href=PATH>"Import another page"</a></p>
    }
    .into_any()
}

fn thousands(count: usize) -> String {
    group_thousands(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn button_says_what_is_imported() {
        for (counts, words) in [
            (vec![("incidents", 214), ("components", 12)], "Import 214 incidents and 12 components"),
            (
                vec![("incidents", 1), ("maintenances", 2), ("components", 1)],
                "Import 1 incident, 2 maintenance windows and 1 component",
            ),
            (vec![("components", 1_200)], "Import 1,200 components"),
            (vec![("page", 1)], "Import 1 change"),
            (vec![("groups", 3)], "Import 3 changes"),
        ] {
            let kind = |(name, created): (&str, usize)| KindSummary {
                name: name.into(),
                created,
                changed: 0,
                unchanged: 4,
                skipped: 0,
                refused: 0,
            };
            let summary = ImportSummary { kinds: counts.into_iter().map(kind).collect(), ..ImportSummary::default() };
            assert_eq!(import_words(&summary), words);
        }
    }
}
