use leptos::prelude::*;

use super::component_edit::{deletion_link, deletion_question};
use super::conflict::{Conflict, conflict_details};
use super::pagination::older_link;
use super::settings::settings_tabs;
use crate::domain::announcement::{AnnouncementState, MAX_BODY, MAX_TITLE};
use crate::domain::forms::AnnouncementForm;
use crate::domain::{Announcement, Invalid};
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    DateTimeLocal, ErrorSummary, Field, FormErrors, Hidden, PostButton, Submit, TextArea, TextInput, ZoneInput,
    zone_list,
};
use crate::ui::time::Time;

/// One page of announcements.
#[derive(Clone, Debug)]
pub struct AnnouncementList {
    pub shell: AdminContext,
    /// Latest start first.
    pub announcements: Vec<Announcement>,
    /// The cursor of the next page, `None` on the last.
    pub older: Option<String>,
}

const PATH: &str = "/admin/announcements";

#[component]
pub fn AnnouncementsPage(page: AnnouncementList) -> impl IntoView {
    let shell = page.shell.clone();
    let new = shell.can_publish().then(|| {
        view! { <a class="button primary" href="/admin/announcements/new">"New announcement"</a> }
    });
    let rows = page.announcements.iter().map(|it| announcement_row(it, &shell)).collect_view();
    let list = if page.announcements.is_empty() {
        view! { <p class="soft">"No announcements yet. An announcement is shown above the status. It is not an incident: it notifies no subscribers and does not change uptime."</p> }
            .into_any()
    } else {
        view! { <ul class="plain-list">{rows}</ul> }.into_any()
    };
    let content = view! {
        <div class="headline">
            <h1>"Announcements"</h1>
            {new}
        </div>
        {settings_tabs(PATH, &shell)}
        {list}
        {older_link(PATH, Vec::new(), page.older)}
    };
    view! { <AdminLayout shell title="Announcements" section=Some(Section::Settings) content=content.into_any()/> }
}

fn announcement_row(it: &Announcement, shell: &AdminContext) -> AnyView {
    let path = format!("{PATH}/{}", it.id);
    let state = it.state(shell.now);
    let time = |at| view! { <Time at=at words=format_full(at, shell.zone)/> };
    let until = it.ends_at.map(|at| view! { " until "{time(at)} });
    let title = || view! { <span class="unseen" dir="auto">{format!(": {}", it.title)}</span> };
    let links = shell.can_publish().then(|| {
        let end = (state != AnnouncementState::Ended).then(|| {
            view! { <PostButton action=format!("{path}/end") words="End now" about=it.title.clone()/> }
        });
        view! {
            <div class="links">
                <a href=format!("{path}/edit")>"Edit"{title()}</a>
                <a class="danger" href=format!("{path}/deletion")>"Delete"{title()}</a>
                {end}
            </div>
        }
    });
    view! {
        <li>
            <h2 dir="auto">{it.title.clone()}</h2>
            <p class="soft">{state.words()}" · from "{time(it.starts_at)}{until}</p>
            {links}
        </li>
    }
    .into_any()
}

/// The form that adds or edits an announcement.
#[derive(Clone, Debug)]
pub struct AnnouncementEdit {
    pub shell: AdminContext,
    /// `None` for a new announcement.
    pub stored: Option<Announcement>,
    pub form: AnnouncementForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<AnnouncementForm>>,
}

#[component]
pub fn AnnouncementEditPage(page: AnnouncementEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["title", "body", "starts_at", "ends_at", "zone"]);
    let (heading, action, submit) = match &page.stored {
        None => ("New announcement", PATH.to_owned(), "Publish announcement"),
        Some(it) => ("Edit an announcement", format!("{PATH}/{}", it.id), "Save announcement"),
    };
    let deletion = page.stored.as_ref().map(|it| {
        deletion_link(format!("{PATH}/{}/deletion", it.id), "Delete the announcement", "Visitors stop seeing it.")
    });
    let form = &page.form;
    let title = Field::new("title", "Title").hint(format!("At most {MAX_TITLE} characters.")).with_error(&problems);
    let body = Field::new("body", "Text (optional)")
        .hint(format!("Markdown. At most {MAX_BODY} characters."))
        .with_error(&problems);
    let starts = Field::new("starts_at", "Start").with_error(&problems);
    let ends = Field::new("ends_at", "End (optional)").hint("Without an end it stays until you end it.");
    let zone = Field::new("zone", "Time zone").with_error(&problems);
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            <p class="soft">"Shown above the status between start and end. It is no incident: no subscribers are notified."</p>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), form, &shell)}
            <form method="post" action=action novalidate>
                <Hidden name="version" value=form.version.to_string()/>
                <TextInput field=title value=form.title.clone() autofocus=page.stored.is_none() && problems.is_empty()/>
                <TextArea field=body value=form.body.clone() rows=4/>
                <DateTimeLocal field=starts value=form.starts_at.clone()/>
                <DateTimeLocal field=ends.with_error(&problems) value=form.ends_at.clone()/>
                <ZoneInput field=zone value=form.zone.clone()/>
                {zone_list()}
                <p class="actions">
                    <Submit words=submit/>
                    <a href=PATH>"Cancel"</a>
                </p>
            </form>
            {deletion}
        </div>
    };
    let title = problems.titled(heading);
    view! { <AdminLayout shell title section=Some(Section::Settings) content=content.into_any()/> }
}

#[derive(Clone, Debug)]
pub struct AnnouncementDeletion {
    pub shell: AdminContext,
    pub announcement: Announcement,
}

#[component]
pub fn AnnouncementDeletionPage(page: AnnouncementDeletion) -> impl IntoView {
    let it = &page.announcement;
    let content = deletion_question(
        "Delete an announcement",
        &it.title,
        "Visitors stop seeing it. The audit log keeps its text.",
        format!("{PATH}/{}/deletion", it.id),
        it.version,
        "Delete the announcement",
        PATH,
    );
    view! { <AdminLayout shell=page.shell title="Delete an announcement" section=Some(Section::Settings) content/> }
}
