use leptos::prelude::*;

use super::component_edit::{deletion_link, deletion_question};
use super::component_list::ComponentBoard;
use super::conflict::{ComparableForm, Conflict, conflict_details};
use super::subscribers::{state_words, subscriber_address};
use crate::domain::forms::SubscriberForm;
use crate::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use crate::domain::{Invalid, Subscriber};
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    ButtonStyle, CheckBox, Choice, Email, ErrorSummary, Field, FormErrors, Group, Hidden, PostButton, Segments, Select,
    Submit, TextInput,
};
use crate::ui::time::Time;

/// The form that adds a subscriber.
#[derive(Clone, Debug)]
pub struct SubscriberNew {
    pub shell: AdminContext,
    pub form: SubscriberForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
}

/// A subscriber with its choices and last messages.
#[derive(Clone, Debug)]
pub struct SubscriberEdit {
    pub shell: AdminContext,
    pub subscriber: Subscriber,
    pub scope: String,
    pub form: SubscriberForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub conflict: Option<Conflict<SubscriberForm>>,
    /// Newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// What a test message led to.
    pub test_result: Option<String>,
}

/// Asks whether to delete everything about a subscriber.
#[derive(Clone, Debug)]
pub struct SubscriberErasure {
    pub shell: AdminContext,
    pub subscriber: Subscriber,
    /// Subscriptions of the same e-mail address, with this one.
    pub subscriptions: usize,
}

#[derive(Clone, Debug)]
pub struct DeliveryRow {
    pub title: String,
    pub event: String,
    pub created_at: chrono::DateTime<chrono::Utc>,
    pub outcome: String,
    pub attempts: i64,
}

impl ComparableForm for SubscriberForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let components = self.components.iter().cloned().collect::<Vec<_>>().join("\n");
        let maintenance = if self.maintenance { "yes" } else { "no" };
        vec![
            ("Covers", if self.scope == "components" { components } else { "Whole page".into() }),
            ("Incidents", self.incidents.clone()),
            ("Maintenance", maintenance.to_owned()),
        ]
    }
}

const ORDER: [&str; 4] = ["email", "endpoint", "scope", "incidents"];

#[component]
pub fn SubscriberNewPage(page: SubscriberNew) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &ORDER);
    let form = &page.form;
    let email =
        Field::new("email", "E-mail address").hint("For a webhook: who is told when it fails.").with_error(&problems);
    let endpoint = Field::new("endpoint", "Webhook URL (optional)")
        .hint("Slack, Microsoft Teams, Discord and Google Chat are recognized by their host.")
        .with_error(&problems);
    let confirmed = Field::new("confirmed", "They have agreed: add without a confirmation mail");
    let content = view! {
        <div class="column">
            <h1>"Add a subscriber"</h1>
            <ErrorSummary problems=problems.clone()/>
            <form method="post" action="/admin/subscribers" novalidate>
                <Email field=email value=form.email.clone() autofocus=problems.is_empty()/>
                <TextInput field=endpoint value=form.endpoint.clone() kind="url"/>
                {choice_fields(form, &page.board, &problems)}
                <CheckBox field=confirmed checked=form.is_confirmed/>
                <p class="actions">
                    <Submit words="Add the subscriber"/>
                    <a href="/admin/subscribers">"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = problems.titled("Add a subscriber");
    view! { <AdminLayout shell title section=Some(Section::Subscribers) content=content.into_any()/> }
}

#[component]
pub fn SubscriberEditPage(page: SubscriberEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &ORDER);
    let address = subscriber_address(&page.subscriber);
    let edits = shell.is_owner() && !matches!(page.subscriber.scope, Scope::Incident(_));
    let content = view! {
        <div class="column">
            <h1 dir="auto">{address.clone()}</h1>
            <ErrorSummary problems=problems.clone()/>
            {page.test_result.clone().map(|result| view! { <p class="waiting" role="status">{result}</p> })}
            {facts(&page)}
            {shell.is_owner().then(|| action_buttons(&page.subscriber))}
            {edits.then(|| edit_form(&page, &problems))}
            {delivery_table(&page)}
            {shell.is_owner().then(|| erasure_link(&page.subscriber))}
        </div>
    };
    let title = problems.titled(&address);
    view! { <AdminLayout shell title section=Some(Section::Subscribers) content=content.into_any()/> }
}

fn erasure_link(subscriber: &Subscriber) -> AnyView {
    deletion_link(
        format!("/admin/subscribers/{}/erasure", subscriber.id),
        "Delete everything about this subscriber",
        "For a person who asks for it: deletes all subscriptions of the address and the log of their messages.",
    )
}

#[component]
pub fn SubscriberErasurePage(page: SubscriberErasure) -> impl IntoView {
    let subscriber = &page.subscriber;
    let count = match page.subscriptions {
        1 => "the subscription".to_owned(),
        count => format!("all {count} subscriptions"),
    };
    let consequence = format!(
        "Deletes {count} of this address with the log of their messages. The audit log names no address and stays. For \
         90 days a keyed hash keeps imports from adding the address again. This can't be undone."
    );
    let content = deletion_question(
        "Delete everything about a subscriber",
        &subscriber_address(subscriber),
        consequence,
        format!("/admin/subscribers/{}/erasure", subscriber.id),
        subscriber.version,
        "Delete everything",
        "/admin/subscribers",
    );
    let title = "Delete everything about a subscriber";
    view! { <AdminLayout shell=page.shell.clone() title section=Some(Section::Subscribers) content/> }
}

fn facts(page: &SubscriberEdit) -> AnyView {
    let (it, zone) = (&page.subscriber, page.shell.zone);
    let row = |term: &'static str, text: String| view! { <dt>{term}</dt><dd dir="auto">{text}</dd> };
    let at = |term: &'static str, at: Option<_>| at.map(|at| row(term, format_full(at, zone)));
    let events = match (it.incidents, it.maintenance) {
        (IncidentEvents::All, true) => "All updates of incidents, maintenance",
        (IncidentEvents::All, false) => "All updates of incidents",
        (IncidentEvents::OpenedAndResolved, true) => "New and resolved incidents, maintenance",
        (IncidentEvents::OpenedAndResolved, false) => "New and resolved incidents",
        (IncidentEvents::None, _) => "Maintenance",
    };
    view! {
        <dl>
            {row("Channel", it.channel.words().to_owned())}
            {row("State", state_words(it).to_owned())}
            {it.quarantine_reason.clone().map(|reason| row("Reason", reason))}
            {row("Covers", page.scope.clone())}
            {row("Messages", events.to_owned())}
            {at("Requested", Some(it.requested_at))}
            {at("Confirmed", it.confirmed_at)}
            {at("Paused", it.paused_at)}
            {at("Deleted automatically on", it.purge_at())}
        </dl>
    }
    .into_any()
}

fn action_buttons(subscriber: &Subscriber) -> AnyView {
    let path = format!("/admin/subscribers/{}", subscriber.id);
    let resend = (subscriber.email.is_some() && subscriber.state == SubscriberState::Unconfirmed)
        .then(|| view! { <PostButton action=format!("{path}/confirmation") words="Send confirmation again"/> });
    let reactivate = (subscriber.state == SubscriberState::Quarantined)
        .then(|| view! { <PostButton action=format!("{path}/reactivation") words="Reactivate"/> });
    let has_endpoint = subscriber.channel != Channel::Email && subscriber.state != SubscriberState::Unconfirmed;
    let test = has_endpoint.then(|| view! { <PostButton action=format!("{path}/test") words="Send a test message"/> });
    view! {
        <div class="actions">
            {resend}
            {reactivate}
            {test}
            <PostButton action=format!("{path}/unsubscription") words="Unsubscribe" weight=ButtonStyle::Destructive/>
        </div>
    }
    .into_any()
}

fn edit_form(page: &SubscriberEdit, problems: &FormErrors) -> AnyView {
    view! {
        <section aria-labelledby="choices">
            <h2 id="choices">"Choices"</h2>
            {conflict_details(page.conflict.as_ref(), &page.form, &page.shell)}
            <form method="post" action=format!("/admin/subscribers/{}", page.subscriber.id) novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                {choice_fields(&page.form, &page.board, problems)}
                <p class="actions"><Submit words="Save choices"/></p>
            </form>
        </section>
    }
    .into_any()
}

/// What the subscription covers, and which events.
pub fn choice_fields(form: &SubscriberForm, board: &ComponentBoard, problems: &FormErrors) -> AnyView {
    let scope = Field::new("scope", "Covers").with_error(problems);
    let scopes = vec![Choice::new("page", "Whole page"), Choice::new("components", "Components")];
    let boxes = board.rows().map(|row| {
        let id = row.component.id.as_str();
        let field = Field::new("component", row.component.name.clone()).id(format!("component-{id}"));
        view! { <CheckBox field checked=form.components.contains(id) value=id.to_owned()/> }
    });
    let boxes = view! { {boxes.collect_view()} }.into_any();
    let incidents = Field::new("incidents", "Incidents").with_error(problems);
    let events = vec![
        Choice::new(IncidentEvents::All.key(), "All updates"),
        Choice::new(IncidentEvents::OpenedAndResolved.key(), "New and resolved only"),
        Choice::new(IncidentEvents::None.key(), "None"),
    ];
    let folded = (!board.is_empty()).then(|| {
        view! {
            <details class="fold" open=form.scope == "components">
                <summary>"Components"</summary>
                <Group field=Field::new("component", "Components") content=boxes id="component"/>
            </details>
        }
    });
    view! {
        <Segments field=scope choices=scopes value=form.scope.clone()/>
        {folded}
        <Select field=incidents choices=events value=form.incidents.clone()/>
        <CheckBox field=Field::new("maintenance", "Maintenance") checked=form.maintenance/>
    }
    .into_any()
}

fn delivery_table(page: &SubscriberEdit) -> AnyView {
    let row = |delivery: &DeliveryRow| {
        view! {
            <tr>
                <td><Time at=delivery.created_at words=format_full(delivery.created_at, page.shell.zone)/></td>
                <th scope="row" dir="auto">{delivery.title.clone()}</th>
                <td>{delivery.event.clone()}</td>
                <td>{delivery.outcome.clone()}</td>
                <td class="number">{delivery.attempts}</td>
            </tr>
        }
    };
    let rows = page.deliveries.iter().map(row).collect_view();
    let table = if page.deliveries.is_empty() {
        view! { <p class="soft">"No messages in the last 30 days."</p> }.into_any()
    } else {
        view! {
            <div class="scroll" tabindex="0" role="region" aria-label="Last messages, newest first">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            <th scope="col">"Subject"</th>
                            <th scope="col">"Event"</th>
                            <th scope="col">"Result"</th>
                            <th scope="col" class="number">"Attempts"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="messages">
            <h2 id="messages">"Last messages"</h2>
            {table}
        </section>
    }
    .into_any()
}
