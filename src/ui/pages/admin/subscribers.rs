use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::pagination::older_link;
use crate::domain::Subscriber;
use crate::domain::subscriber::{Channel, SubscriberState};
use crate::format::number::group_thousands;
use crate::format::time::{format_age, format_full};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Choice, Field, Select, Submit, TextInput};
use crate::ui::time::Time;

const PATH: &str = "/admin/subscribers";

/// One page of subscribers. Viewers see the counts only.
#[derive(Clone, Debug)]
pub struct SubscriberList {
    pub shell: AdminContext,
    pub counts: Vec<(Channel, SubscriberState, i64)>,
    pub search: SubscriberSearch,
    /// Newest first; `None` for viewers.
    pub subscribers: Option<Vec<SubscriberRow>>,
    /// The cursor of the next page, `None` on the last.
    pub older: Option<String>,
    pub queue: QueueState,
}

/// The search as entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriberSearch {
    pub text: String,
    pub channel: String,
    pub state: String,
}

#[derive(Clone, Debug)]
pub struct SubscriberRow {
    pub subscriber: Subscriber,
    /// What the subscription covers.
    pub scope: String,
}

/// The messages that wait to be sent.
#[derive(Clone, Debug, Default)]
pub struct QueueState {
    pub waiting: i64,
    pub oldest: Option<DateTime<Utc>>,
    /// Whether owners must act: the oldest waits too long, or the mail server rejects this sender.
    pub is_stuck: bool,
    /// Whether a mail server is configured.
    pub has_mail: bool,
    /// Why the mail server rejected this sender within the last hour.
    pub rejection: Option<String>,
}

impl SubscriberSearch {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [("q", &self.text), ("channel", &self.channel), ("state", &self.state)];
        all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.clone())).collect()
    }
}

#[component]
pub fn SubscribersPage(page: SubscriberList) -> impl IntoView {
    let shell = page.shell.clone();
    let owner = shell.is_owner().then(owner_links);
    let list = page.subscribers.as_ref().map(|rows| {
        view! {
            {search_form(&page.search)}
            {subscriber_table(rows, &page)}
            {older_link(PATH, page.search.pairs(), page.older.clone())}
        }
    });
    let content = view! {
        <div class="headline">
            <h1>"Subscribers"</h1>
            {owner}
        </div>
        {queue_notice(&page.queue, &shell)}
        {count_table(&page.counts)}
        <p><a href="/admin/subscribers/notices">"Sent messages"</a></p>
        {list}
    };
    view! { <AdminLayout shell title="Subscribers" section=Some(Section::Subscribers) content=content.into_any()/> }
}

fn owner_links() -> AnyView {
    view! {
        <p class="actions">
            <a class="button primary" href="/admin/subscribers/new">"Add a subscriber"</a>
            <a class="button" href="/admin/subscribers/channels/new">"Add a channel"</a>
            <a class="button" href="/admin/subscribers/import">"Import"</a>
            <a class="button" href="/admin/subscribers/export">"Export"</a>
        </p>
    }
    .into_any()
}

/// Warns if the mail server rejects this sender, if messages wait too long, or if none can be sent by e-mail.
pub fn queue_notice(queue: &QueueState, shell: &AdminContext) -> Option<AnyView> {
    if let Some(reason) = &queue.rejection {
        // The words of a mail server may contain an address.
        let reason = if shell.can_publish() { format!(": {reason}") } else { String::new() };
        let words = format!("The mail server rejects mail of this page{reason}. Run candor mail check on the server.");
        return Some(view! { <p class="waiting" role="status" dir="auto">{words}</p> }.into_any());
    }
    if let Some(oldest) = queue.oldest.filter(|_| queue.is_stuck) {
        let words = format!(
            "{} messages are waiting, the oldest since {}. Check the mail server and the log.",
            group_thousands(queue.waiting),
            format_full(oldest, shell.zone),
        );
        return Some(view! { <p class="waiting" role="status">{words}</p> }.into_any());
    }
    let words = "No mail server is configured, so e-mail subscribers get nothing. Set --smtp-url.";
    (!queue.has_mail).then(|| view! { <p class="waiting">{words}</p> }.into_any())
}

fn count_table(counts: &[(Channel, SubscriberState, i64)]) -> AnyView {
    let of = |channel: Channel, state: SubscriberState| -> i64 {
        counts.iter().filter(|row| row.0 == channel && row.1 == state).map(|row| row.2).sum()
    };
    let used = Channel::ALL.into_iter().filter(|channel| counts.iter().any(|row| row.0 == *channel));
    let cells = |channel| {
        let cell = |state| view! { <td class="number">{group_thousands(of(channel, state))}</td> };
        [SubscriberState::Active, SubscriberState::Unconfirmed, SubscriberState::Quarantined].map(cell).collect_view()
    };
    let rows = used.map(|channel| view! { <tr><th scope="row">{channel.words()}</th>{cells(channel)}</tr> });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return view! { <p class="soft">"No subscribers yet. Visitors subscribe on the status page."</p> }.into_any();
    }
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Number of subscribers">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Channel"</th>
                        <th scope="col" class="number">"Active"</th>
                        <th scope="col" class="number">"Unconfirmed"</th>
                        <th scope="col" class="number">"Quarantined"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn search_form(search: &SubscriberSearch) -> AnyView {
    let channels = Channel::ALL.into_iter().map(|channel| Choice::new(channel.key(), channel.words()));
    let channels = std::iter::once(Choice::new("", "Any channel")).chain(channels).collect();
    let states = SubscriberState::ALL.into_iter().map(|state| Choice::new(state.key(), state.words()));
    let states = std::iter::once(Choice::new("", "Any state")).chain(states).collect();
    let all = (*search != SubscriberSearch::default()).then(|| view! { <a href=PATH>"Clear filters"</a> });
    view! {
        <form class="search" method="get" action=PATH role="search">
            <TextInput field=Field::new("q", "Search by address or host") value=search.text.clone() kind="search" keys="/"/>
            <Select field=Field::new("channel", "Channel") choices=channels value=search.channel.clone()/>
            <Select field=Field::new("state", "State") choices=states value=search.state.clone()/>
            <p class="actions"><Submit words="Search" weight=ButtonStyle::Quiet/>{all}</p>
        </form>
    }
    .into_any()
}

fn subscriber_table(rows: &[SubscriberRow], page: &SubscriberList) -> AnyView {
    let shell = &page.shell;
    if rows.is_empty() {
        let is_search = page.search != SubscriberSearch::default();
        return is_search.then(|| view! { <p class="soft">"No subscribers match these filters."</p> }).into_any();
    }
    let selects = shell.is_owner();
    let pick = selects.then(|| view! { <th scope="col"><span class="unseen">"Selected"</span></th> });
    let table = view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Subscribers, newest first">
            <table>
                <thead>
                    <tr>
                        {pick}
                        <th scope="col">"Address"</th>
                        <th scope="col">"Channel"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Covers"</th>
                        <th scope="col">"Since"</th>
                    </tr>
                </thead>
                <tbody>{rows.iter().map(|row| subscriber_row(row, shell)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any();
    if !selects {
        return table;
    }
    let button = |value: &'static str, words: &'static str, style: ButtonStyle| {
        view! { <button type="submit" class=style.class() name="do" value=value>{words}</button> }
    };
    view! {
        <form method="post" action="/admin/subscribers/selection">
            {table}
            <p class="actions">
                <span class="soft">"Selected subscribers:"</span>
                {button("resend", "Send confirmation again", ButtonStyle::Quiet)}
                {button("reactivate", "Reactivate", ButtonStyle::Quiet)}
                {button("unsubscribe", "Unsubscribe", ButtonStyle::Destructive)}
            </p>
        </form>
    }
    .into_any()
}

fn subscriber_row(row: &SubscriberRow, shell: &AdminContext) -> AnyView {
    let subscriber = &row.subscriber;
    let id = subscriber.id.to_string();
    let address = subscriber_address(subscriber);
    let pick = shell.is_owner().then(|| {
        let (label, field) = (format!("Select {address}"), format!("pick-{id}"));
        view! {
            <td>
                <label class="unseen" for=field.clone()>{label}</label>
                <input type="checkbox" id=field name="subscriber" value=id.clone()/>
            </td>
        }
    });
    view! {
        <tr>
            {pick}
            <th scope="row"><a href=format!("{PATH}/{id}") dir="auto">{address.clone()}</a></th>
            <td>{subscriber.channel.words()}</td>
            <td>{state_words(subscriber)}</td>
            <td dir="auto">{row.scope.clone()}</td>
            <td><Time at=subscriber.requested_at words=format_age(subscriber.requested_at, shell.now)/></td>
        </tr>
    }
    .into_any()
}

/// The e-mail address, or the host of the endpoint and who is told when it fails.
pub fn subscriber_address(subscriber: &Subscriber) -> String {
    match (&subscriber.endpoint_host, &subscriber.email) {
        (None, Some(email)) => email.clone(),
        (Some(host), Some(email)) => format!("{host} ({email})"),
        (Some(host), None) => host.clone(),
        (None, None) => subscriber.id.to_string(),
    }
}

pub fn state_words(subscriber: &Subscriber) -> &'static str {
    match (subscriber.state, subscriber.paused_at) {
        (SubscriberState::Active, Some(_)) => "Paused",
        (state, _) => state.words(),
    }
}
