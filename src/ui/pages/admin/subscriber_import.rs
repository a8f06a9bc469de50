use leptos::prelude::*;

use crate::domain::Invalid;
use crate::format::number::group_thousands;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, CheckBox, ErrorSummary, Field, FormErrors, Hidden, Submit, TextArea};

const PATH: &str = "/admin/subscribers/import";

/// The form for a list of subscribers, and its preview.
#[derive(Clone, Debug)]
pub struct SubscriberImport {
    pub shell: AdminContext,
    pub invalid: Invalid,
    /// What an import would do; `None` before a list was sent.
    pub preview: Option<ImportPreview>,
}

#[derive(Clone, Debug, Default)]
pub struct ImportPreview {
    /// The list as sent.
    pub text: String,
    pub added: usize,
    /// The first addresses that are added.
    pub sample: Vec<String>,
    pub skipped: usize,
    /// The first rows that are skipped: line, address, reason.
    pub reasons: Vec<(u64, String, String)>,
}

#[component]
pub fn SubscriberImportPage(page: SubscriberImport) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["list", "consent"]);
    let body = match &page.preview {
        Some(preview) => preview_section(preview, &problems),
        None => list_form(&problems),
    };
    let content = view! {
        <div class="column">
            <h1>"Import subscribers"</h1>
            <ErrorSummary problems=problems.clone()/>
            {body}
        </div>
    };
    let title = problems.titled("Import subscribers");
    view! { <AdminLayout shell title section=Some(Section::Subscribers) content=content.into_any()/> }
}

fn list_form(problems: &FormErrors) -> AnyView {
    let list = Field::new("list", "Or paste the list").with_error(problems);
    view! {
        <p>
            "A CSV file with the columns "<code>"email"</code>", "<code>"endpoint"</code>" (a webhook URL, optional) and "
            <code>"components"</code>" (names or ids separated by semicolons, optional). At most 100,000 rows and 6 MB."
        </p>
        <form method="post" action=PATH enctype="multipart/form-data" novalidate>
            <div class="field">
                <label for="file">"CSV file"</label>
                <input type="file" id="file" name="file" accept=".csv,text/csv"/>
            </div>
            <TextArea field=list value=""/>
            <p class="actions">
                <Submit words="Check the list"/>
                <a href="/admin/subscribers">"Cancel"</a>
            </p>
        </form>
    }
    .into_any()
}

fn preview_section(preview: &ImportPreview, problems: &FormErrors) -> AnyView {
    let sample = preview.sample.iter().map(|address| view! { <li dir="auto">{address.clone()}</li> }).collect_view();
    let more = preview.added.saturating_sub(preview.sample.len());
    let more = (more > 0).then(|| view! { <li class="soft">{format!("and {} more", thousands(more))}</li> });
    let consent = Field::new("consent", "These people have agreed to get these messages.")
        .hint("They are added without a confirmation mail. Every message has a link to unsubscribe.")
        .with_error(problems);
    let form = (preview.added > 0).then(|| {
        view! {
            <form method="post" action=PATH enctype="multipart/form-data" novalidate>
                <Hidden name="list" value=preview.text.clone()/>
                <Hidden name="confirm" value="1"/>
                <CheckBox field=consent checked=false/>
                <p class="actions">
                    <Submit words=format!("Import {} subscribers", thousands(preview.added))/>
                    <a href=PATH>"Choose another list"</a>
                </p>
            </form>
        }
    });
    let back = form.is_none().then(|| {
        view! { <p class="actions"><a class=ButtonStyle::Quiet.class() href=PATH>"Choose another list"</a></p> }
    });
    view! {
        <section aria-labelledby="added">
            <h2 id="added">{format!("{} will be added", thousands(preview.added))}</h2>
            <ul>{sample}{more}</ul>
        </section>
        {skipped_section(preview)}
        {form}
        {back}
    }
    .into_any()
}

fn skipped_section(preview: &ImportPreview) -> Option<AnyView> {
    let row = |(line, address, reason): &(u64, String, String)| {
        let line = if *line == 0 { String::new() } else { line.to_string() };
        view! { <tr><td class="number">{line}</td><th scope="row" dir="auto">{address.clone()}</th><td>{reason.clone()}</td></tr> }
    };
    let more = preview.skipped.saturating_sub(preview.reasons.len());
    let more = (more > 0).then(|| view! { <p class="soft">{format!("and {} more", thousands(more))}</p> });
    (preview.skipped > 0).then(|| {
        view! {
            <section aria-labelledby="skipped">
                <h2 id="skipped">{format!("{} will be skipped", thousands(preview.skipped))}</h2>
                <div class="scroll" tabindex="0" role="region" aria-label="Skipped rows">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col" class="number">"Line"</th>
                                <th scope="col">"Address"</th>
                                <th scope="col">"Reason"</th>
                            </tr>
                        </thead>
                        <tbody>{preview.reasons.iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
                {more}
            </section>
        }
        .into_any()
    })
}

fn thousands(count: usize) -> String {
    group_thousands(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The question before all addresses leave the server.
#[derive(Clone, Debug)]
pub struct SubscriberExport {
    pub shell: AdminContext,
    pub count: i64,
}

#[component]
pub fn SubscriberExportPage(page: SubscriberExport) -> impl IntoView {
    let content = view! {
        <div class="column">
            <h1>"Export subscribers"</h1>
            <p>
                {format!("A CSV file with {} subscribers: addresses, webhook URLs and choices. ", group_thousands(page.count))}
                "It is personal data; the audit log records the export."
            </p>
            <form method="post" action="/admin/subscribers/export">
                <p class="actions">
                    <Submit words="Download CSV"/>
                    <a href="/admin/subscribers">"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let section = Some(Section::Subscribers);
    view! { <AdminLayout shell=page.shell title="Export subscribers" section content=content.into_any()/> }
}
