use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::subscribers::{QueueState, queue_notice};
use crate::domain::notice::Event;
use crate::format::number::group_thousands;
use crate::format::time::{format_age, format_full};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::time::Time;

/// What the last publishings sent.
#[derive(Clone, Debug)]
pub struct NoticeList {
    pub shell: AdminContext,
    /// Newest first.
    pub notices: Vec<NoticeRow>,
    pub queue: QueueState,
}

#[derive(Clone, Debug)]
pub struct NoticeRow {
    pub event: Event,
    /// The title of the incident or maintenance, or the name of the component.
    pub title: String,
    pub created_at: DateTime<Utc>,
    /// Whether all subscribers were matched.
    pub is_expanded: bool,
    pub queued: i64,
    pub sent: i64,
    pub rejected: i64,
    pub replaced: i64,
    pub dropped: i64,
    /// The most frequent reasons of rejections, with their number.
    pub reasons: Vec<(String, i64)>,
    pub per_minute: Option<i64>,
}

#[component]
pub fn NoticesPage(page: NoticeList) -> impl IntoView {
    let shell = page.shell.clone();
    let oldest = page.queue.oldest.map(|at| format!(", the oldest since {}", format_age(at, shell.now)));
    let waiting = (page.queue.waiting > 0).then(|| {
        view! { <p>{group_thousands(page.queue.waiting)}" messages are waiting"{oldest}"."</p> }
    });
    let table = if page.notices.is_empty() {
        view! { <p class="soft">"No messages in the last 30 days."</p> }.into_any()
    } else {
        notice_table(&page.notices, &shell)
    };
    let content = view! {
        <h1>"Sent messages"</h1>
        {queue_notice(&page.queue, &shell)}
        {waiting}
        {table}
        <p class="hint">
            "“Sent” means that the mail server or the endpoint has accepted the message. “Replaced” means that a newer \
             update was sent instead."
        </p>
        <p><a href="/admin/subscribers">"Subscribers"</a></p>
    };
    view! { <AdminLayout shell title="Sent messages" section=Some(Section::Subscribers) content=content.into_any()/> }
}

fn notice_table(notices: &[NoticeRow], shell: &AdminContext) -> AnyView {
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Sent messages, newest first">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Subject"</th>
                        <th scope="col">"Event"</th>
                        <th scope="col" class="number">"Queued"</th>
                        <th scope="col" class="number">"Sent"</th>
                        <th scope="col" class="number">"Refused"</th>
                        <th scope="col" class="number">"Replaced"</th>
                        <th scope="col" class="number">"Dropped"</th>
                        <th scope="col" class="number">"Per minute"</th>
                    </tr>
                </thead>
                <tbody>{notices.iter().map(|notice| notice_row(notice, shell)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn notice_row(notice: &NoticeRow, shell: &AdminContext) -> AnyView {
    let cell = |count: i64| view! { <td class="number">{group_thousands(count)}</td> };
    let matching = (!notice.is_expanded).then(|| view! { <br/><span class="soft">"Still adding recipients"</span> });
    let reason = |(reason, count): &(String, i64)| {
        view! { <br/><span class="soft" dir="auto">{format!("{} × {reason}", group_thousands(*count))}</span> }
    };
    view! {
        <tr>
            <td><Time at=notice.created_at words=format_full(notice.created_at, shell.zone)/></td>
            <th scope="row" dir="auto">{notice.title.clone()}</th>
            <td>{notice.event.words()}{matching}</td>
            {cell(notice.queued)}
            {cell(notice.sent)}
            <td class="number">{group_thousands(notice.rejected)}{notice.reasons.iter().map(reason).collect_view()}</td>
            {cell(notice.replaced)}
            {cell(notice.dropped)}
            <td class="number">{notice.per_minute.map_or_else(|| "–".to_owned(), group_thousands)}</td>
        </tr>
    }
    .into_any()
}
