//! The bodies of webhooks: Statuspage's payload, with its keys in their order, or that of Standard Webhooks.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::fit::fit;
use super::message::Message;
use super::{Links, NoticeContent, Subject};
use crate::domain::impact::Impact;
use crate::domain::notice::Event;
use crate::domain::page_status::PageStatus;
use crate::domain::{Component, Status, UpdateId};
use crate::publish::api::{AffectedRow, ComponentRow, EntryRow, PageContext, UpdateRow, component_row, stamp};

/// In bytes: what Standard Webhooks recommends as the most.
const MAX_STANDARD_BODY: usize = 20_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyForm {
    /// Everything that Statuspage sends, with all updates.
    #[default]
    Statuspage,
    /// `{type, timestamp, data}` with the update that the notice is about.
    Standard,
}

impl BodyForm {
    pub fn key(self) -> &'static str {
        match self {
            Self::Statuspage => "statuspage",
            Self::Standard => "standard",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Statuspage, Self::Standard].into_iter().find(|form| form.key() == key)
    }
}

/// The JSON body for one subscriber, rendered at `now`.
pub fn render_webhook(content: &NoticeContent, form: BodyForm, links: &Links, now: DateTime<Utc>) -> String {
    match form {
        BodyForm::Statuspage => render_statuspage(content, links, now),
        BodyForm::Standard => render_standard(content, links),
    }
}

#[derive(Serialize)]
struct Meta<'a> {
    unsubscribe: &'a str,
    documentation: String,
    generated_at: String,
}

#[derive(Serialize)]
struct PageSummary<'a> {
    id: &'a str,
    status_indicator: &'static str,
    status_description: &'static str,
}

#[derive(Serialize)]
struct IncidentPayload<'a> {
    meta: Meta<'a>,
    page: PageSummary<'a>,
    incident: IncidentRow<'a>,
}

#[derive(Serialize)]
struct ComponentPayload<'a> {
    meta: Meta<'a>,
    page: PageSummary<'a>,
    component: ComponentSummary<'a>,
    component_update: ComponentUpdate<'a>,
}

#[derive(Serialize)]
struct IncidentRow<'a> {
    name: &'a str,
    status: &'static str,
    created_at: String,
    updated_at: String,
    monitoring_at: Option<String>,
    resolved_at: Option<String>,
    impact: &'static str,
    shortlink: String,
    postmortem_ignored: bool,
    postmortem_body: Option<&'a str>,
    postmortem_body_last_updated_at: Option<String>,
    postmortem_published_at: Option<String>,
    postmortem_notified_subscribers: bool,
    postmortem_notified_twitter: bool,
    backfilled: bool,
    scheduled_for: Option<String>,
    scheduled_until: Option<String>,
    scheduled_remind_prior: bool,
    scheduled_reminded_at: Option<String>,
    impact_override: Option<&'static str>,
    scheduled_auto_in_progress: bool,
    scheduled_auto_completed: bool,
    id: &'a str,
    page_id: &'a str,
    incident_updates: Vec<IncidentUpdate<'a>>,
    components: Vec<ComponentSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update_at: Option<String>,
}

#[derive(Serialize)]
struct IncidentUpdate<'a> {
    status: &'static str,
    body: &'a str,
    created_at: String,
    wants_twitter_update: bool,
    twitter_updated_at: Option<String>,
    updated_at: String,
    display_at: String,
    affected_components: Option<Vec<AffectedRow<'a>>>,
    custom_tweet: Option<String>,
    deliver_notifications: bool,
    id: String,
    incident_id: &'a str,
}

#[derive(Serialize)]
struct ComponentSummary<'a> {
    status: &'static str,
    name: &'a str,
    created_at: String,
    updated_at: String,
    position: i64,
    description: Option<&'a str>,
    showcase: bool,
    id: &'a str,
    page_id: &'a str,
    group_id: Option<&'a str>,
}

#[derive(Serialize)]
struct ComponentUpdate<'a> {
    old_status: &'static str,
    new_status: &'static str,
    created_at: String,
    component_type: &'static str,
    id: &'a str,
    component_id: &'a str,
}

fn render_statuspage(content: &NoticeContent, links: &Links, now: DateTime<Utc>) -> String {
    let scene = content.scene();
    let meta = Meta {
        unsubscribe: &links.unsubscribe_url,
        documentation: format!("{}/api", content.origin),
        generated_at: stamp(now, Tz::UTC),
    };
    let page = page_summary(&scene);
    match &content.subject {
        Subject::Component(component) => to_json(&ComponentPayload {
            meta,
            page,
            component: ComponentSummary::from(component_row(&scene, component)),
            component_update: component_update(content, &scene, component),
        }),
        Subject::Incident(it, postmortem) => {
            let postmortem = postmortem.as_ref();
            let published = postmortem.map(|postmortem| scene.stamp(postmortem.at));
            let entry = EntryRow::incident(&scene, it, postmortem);
            let incident = IncidentRow {
                postmortem_body: postmortem.map(|postmortem| postmortem.body.as_str()),
                postmortem_body_last_updated_at: published.clone(),
                postmortem_published_at: published,
                postmortem_notified_subscribers: content.notice.event == Event::PostmortemPublished,
                backfilled: it.is_backfilled(),
                impact_override: it.impact_override.map(Impact::key),
                ..IncidentRow::from(entry)
            };
            to_json(&IncidentPayload { meta, page, incident })
        }
        Subject::Maintenance(it) => {
            let incident = IncidentRow {
                scheduled_remind_prior: it.switches.reminds,
                scheduled_auto_in_progress: it.switches.starts,
                scheduled_auto_completed: it.switches.completes,
                impact_override: it.impact_override.map(Impact::key),
                ..IncidentRow::from(EntryRow::maintenance(&scene, it))
            };
            to_json(&IncidentPayload { meta, page, incident })
        }
    }
}

fn page_summary<'a>(scene: &PageContext<'a>) -> PageSummary<'a> {
    let statuses: Vec<Status> = scene.components.iter().map(|(_, status)| *status).collect();
    let PageStatus { indicator, description } = PageStatus::from_components(&statuses);
    PageSummary { id: &scene.page.id, status_indicator: indicator.key(), status_description: description }
}

/// Incidents and maintenances have the same keys; what only one of them has is false or null.
impl<'a> From<EntryRow<'a>> for IncidentRow<'a> {
    fn from(entry: EntryRow<'a>) -> Self {
        Self {
            name: entry.name,
            status: entry.status,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
            monitoring_at: entry.monitoring_at,
            resolved_at: entry.resolved_at,
            impact: entry.impact,
            shortlink: entry.shortlink,
            postmortem_ignored: false,
            postmortem_body: None,
            postmortem_body_last_updated_at: None,
            postmortem_published_at: None,
            postmortem_notified_subscribers: false,
            postmortem_notified_twitter: false,
            backfilled: false,
            scheduled_for: entry.scheduled_for,
            scheduled_until: entry.scheduled_until,
            scheduled_remind_prior: false,
            scheduled_reminded_at: None,
            impact_override: None,
            scheduled_auto_in_progress: false,
            scheduled_auto_completed: false,
            id: entry.id,
            page_id: entry.page_id,
            incident_updates: entry.incident_updates.into_iter().map(IncidentUpdate::from).collect(),
            components: entry.components.into_iter().map(ComponentSummary::from).collect(),
            next_update_at: entry.next_update_at,
        }
    }
}

impl<'a> From<UpdateRow<'a>> for IncidentUpdate<'a> {
    fn from(row: UpdateRow<'a>) -> Self {
        Self {
            status: row.status,
            body: row.body,
            created_at: row.created_at,
            wants_twitter_update: false,
            twitter_updated_at: None,
            updated_at: row.updated_at,
            display_at: row.display_at,
            affected_components: row.affected_components,
            custom_tweet: None,
            deliver_notifications: row.deliver_notifications,
            id: row.id,
            incident_id: row.incident_id,
        }
    }
}

impl<'a> From<ComponentRow<'a>> for ComponentSummary<'a> {
    fn from(row: ComponentRow<'a>) -> Self {
        Self {
            status: row.status,
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            position: row.position,
            description: row.description,
            // Statuspage's sample has `false` here and `true` in its documents.
            showcase: row.showcase,
            id: row.id,
            page_id: row.page_id,
            group_id: row.group_id,
        }
    }
}

fn component_update<'a>(
    content: &'a NoticeContent,
    scene: &PageContext<'_>,
    component: &'a Component,
) -> ComponentUpdate<'a> {
    let (old, new) = content.notice.change.unwrap_or((component.status, component.status));
    ComponentUpdate {
        old_status: old.key(),
        new_status: new.key(),
        created_at: scene.stamp(content.notice.created_at),
        component_type: "Component",
        id: content.notice.id.as_str(),
        component_id: component.id.as_str(),
    }
}

#[derive(Serialize)]
struct StandardPayload<'a> {
    r#type: &'static str,
    timestamp: String,
    data: StandardData<'a>,
}

#[derive(Serialize)]
struct StandardData<'a> {
    page: StandardPage<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<StandardSubject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maintenance: Option<StandardSubject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<StandardComponent<'a>>,
    subscription: StandardLinks<'a>,
}

#[derive(Serialize)]
struct StandardPage<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    status_indicator: &'static str,
    status_description: &'static str,
}

#[derive(Serialize)]
struct StandardSubject<'a> {
    id: &'a str,
    name: &'a str,
    status: &'static str,
    impact: &'static str,
    url: String,
    started_at: Option<String>,
    resolved_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_until: Option<String>,
    update: StandardUpdate<'a>,
    components: Vec<StandardComponentStatus<'a>>,
}

#[derive(Serialize)]
struct StandardUpdate<'a> {
    id: Option<String>,
    status: &'static str,
    /// Markdown, cut if the payload were too long.
    body: &'a str,
    posted_at: String,
}

#[derive(Serialize)]
struct StandardComponentStatus<'a> {
    name: &'a str,
    status: Option<&'static str>,
}

#[derive(Serialize)]
struct StandardComponent<'a> {
    id: &'a str,
    name: &'a str,
    old_status: &'static str,
    new_status: &'static str,
}

#[derive(Serialize)]
struct StandardLinks<'a> {
    manage_url: &'a str,
    unsubscribe_url: &'a str,
}

fn render_standard(content: &NoticeContent, links: &Links) -> String {
    let message = Message::new(content);
    let render = |body: &str, components: usize| standard_body(content, links, &message, (body, components));
    let count = message.components.len();
    let whole = fit(&message.body, |body| render(body, count), |json| json.len() <= MAX_STANDARD_BODY);
    if whole.len() <= MAX_STANDARD_BODY {
        return whole;
    }
    // Only very many components with long names come here.
    let fitting = (0..count).rev().map(|count| render("", count)).find(|json| json.len() <= MAX_STANDARD_BODY);
    fitting.unwrap_or(whole)
}

/// `shown` is the text and the number of components.
fn standard_body(content: &NoticeContent, links: &Links, message: &Message, shown: (&str, usize)) -> String {
    let scene = content.scene();
    let PageSummary { id, status_indicator, status_description } = page_summary(&scene);
    let mut data = StandardData {
        page: StandardPage { id, name: &content.page.name, url: &content.origin, status_indicator, status_description },
        incident: None,
        maintenance: None,
        component: None,
        subscription: StandardLinks { manage_url: &links.manage_url, unsubscribe_url: &links.unsubscribe_url },
    };
    match &content.subject {
        Subject::Incident(it, postmortem) => {
            let entry = EntryRow::incident(&scene, it, postmortem.as_ref());
            data.incident = Some(standard_subject(content, message, entry, shown));
        }
        Subject::Maintenance(it) => {
            let entry = EntryRow::maintenance(&scene, it);
            // In the API, maintenance starts with its announcement, as at Statuspage.
            let started_at = it.started_at.map(|at| scene.stamp(at));
            let subject = standard_subject(content, message, entry, shown);
            data.maintenance = Some(StandardSubject { started_at, ..subject });
        }
        Subject::Component(it) => {
            let (old, new) = content.notice.change.unwrap_or((it.status, it.status));
            data.component = Some(StandardComponent {
                id: it.id.as_str(),
                name: &it.name,
                old_status: old.key(),
                new_status: new.key(),
            });
        }
    }
    let timestamp = stamp(content.notice.created_at, Tz::UTC);
    to_json(&StandardPayload { r#type: content.notice.event.key(), timestamp, data })
}

fn standard_subject<'a>(
    content: &'a NoticeContent,
    message: &'a Message,
    entry: EntryRow<'a>,
    (body, components): (&'a str, usize),
) -> StandardSubject<'a> {
    let update_id = content.notice.update_id.as_ref().map(UpdateId::as_str);
    let is_notified = |row: &&UpdateRow<'_>| match (content.notice.event, update_id) {
        (Event::PostmortemPublished, _) => row.status == "postmortem",
        (_, Some(id)) => row.id == id,
        (_, None) => true,
    };
    let row = entry.incident_updates.iter().find(is_notified);
    StandardSubject {
        update: StandardUpdate {
            id: row.map(|row| row.id.clone()),
            status: row.map_or(entry.status, |row| row.status),
            body,
            posted_at: stamp(message.at, Tz::UTC),
        },
        id: entry.id,
        name: entry.name,
        status: entry.status,
        impact: entry.impact,
        url: entry.shortlink,
        started_at: Some(entry.started_at),
        resolved_at: entry.resolved_at,
        scheduled_for: entry.scheduled_for,
        scheduled_until: entry.scheduled_until,
        components: message.components[..components].iter().map(component_status).collect(),
    }
}

fn component_status((name, status): &(String, Option<Status>)) -> StandardComponentStatus<'_> {
    StandardComponentStatus { name, status: status.map(Status::key) }
}

fn to_json(payload: &impl Serialize) -> String {
    // Serialization fails only for maps with non-string keys.
    serde_json::to_string(payload).unwrap_or_default()
}
