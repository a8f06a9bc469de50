use leptos::prelude::*;

use super::maintenances::rule_words;
use crate::domain::{Maintenance, Series};
use crate::format::time::{format_full, format_window};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Hidden, Submit};
use crate::ui::time::Time;

/// The number of dates listed.
const MAX_DATES: usize = 3;

/// The question before a recurring maintenance stops.
#[derive(Clone, Debug)]
pub struct SeriesEnd {
    pub shell: AdminContext,
    pub series: Series,
    /// The occurrence that is scheduled already.
    pub next: Option<Maintenance>,
    /// Whether the series was changed after the question was shown.
    pub changed: bool,
}

#[component]
pub fn SeriesEndPage(page: SeriesEnd) -> impl IntoView {
    let shell = page.shell.clone();
    let series = &page.series;
    let path = format!("/admin/series/{}", series.id);
    let changed = page.changed.then(|| {
        view! {
            <div class="summary conflict" role="alert">
                <p>"The series was changed in the meantime. This is its current version."</p>
            </div>
        }
    });
    let submit = (!series.has_ended()).then(|| {
        view! { <Submit words="Stop repeating" weight=ButtonStyle::Destructive/> }
    });
    let content = view! {
        <div class="column">
            <h1>"Stop repeating?"</h1>
            {changed}
            <p class="quoted"><strong dir="auto">{series.title.clone()}</strong><br/>{rule_words(series)}</p>
            {lost_dates(series, &shell)}
            {remaining_occurrence(page.next.as_ref(), &shell)}
            <form method="post" action=format!("{path}/end")>
                <Hidden name="version" value=series.version.to_string()/>
                <p class="actions">
                    {submit}
                    <a href=format!("{path}/edit")>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    view! { <AdminLayout shell title="Stop repeating?" section=Some(Section::Maintenances) content=content.into_any()/> }
}

/// The occurrences that will not take place.
fn lost_dates(series: &Series, shell: &AdminContext) -> AnyView {
    if series.has_ended() {
        return view! { <p>"This series has stopped already."</p> }.into_any();
    }
    let starts = series.future_starts(MAX_DATES);
    if starts.is_empty() {
        return view! { <p>"Its rule has no further dates."</p> }.into_any();
    }
    let and_later = if starts.len() < MAX_DATES { "." } else { ", and all later ones." };
    let date = |at| view! { <li><Time at words=format_full(at, shell.zone)/></li> };
    view! {
        <p>"No maintenance is scheduled for these dates"{and_later}</p>
        <ul>{starts.into_iter().map(date).collect_view()}</ul>
        <p class="soft">"To resume the series, save it again."</p>
    }
    .into_any()
}

/// The occurrence that stays, with a link that leads to its cancellation.
fn remaining_occurrence(next: Option<&Maintenance>, shell: &AdminContext) -> Option<AnyView> {
    let next = next?;
    let window = format_window(next.scheduled_for, next.scheduled_until, shell.now, shell.zone);
    let path = format!("/admin/maintenances/{}/cancellation", next.id);
    Some(
        view! {
            <p>
                {format!("The occurrence that is already scheduled stays: {window}. ")}
                <a href=path>"Cancel this occurrence"</a>
            </p>
        }
        .into_any(),
    )
}
