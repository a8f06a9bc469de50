//! The messages of a change that is not saved yet.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{BodyForm, EmailTemplate, Links, NoticeContent, render_chat, render_webhook};
use crate::db::{self, Tx, incidents, maintenances, notices};
use crate::domain::notice::Event;
use crate::domain::subscriber::Channel;
use crate::domain::{ComponentId, Incident, IncidentId, Maintenance, MaintenanceId};

/// The links of a message that is sent to no subscriber.
const NO_LINK: &str = "#";

/// In characters.
const MAX_SHOWN: usize = 10_000;

/// A message as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewedMessage {
    pub channel: Channel,
    /// One line; of an e-mail only.
    pub subject: Option<String>,
    /// A whole HTML document; of an e-mail only.
    pub html: Option<String>,
    /// Plain text or JSON.
    pub text: String,
}

/// What subscribers would get, and how many of them.
#[derive(Clone, Debug, Default)]
pub struct PreviewedNotice {
    /// One per channel; empty if no subscriber is notified of the change.
    pub messages: Vec<PreviewedMessage>,
    /// The subscribers that match, over all channels.
    pub recipients: i64,
}

/// A public incident or a maintenance before or after a change.
#[derive(Debug, Default)]
pub struct NoticeSubject {
    incident: Option<Incident>,
    maintenance: Option<Maintenance>,
}

impl NoticeSubject {
    /// Incidents and maintenances share their ids.
    pub async fn load(tx: &mut Tx, id: &IncidentId) -> db::Result<Self> {
        let incident = super::found(incidents::find(tx, id).await)?;
        let maintenance = match MaintenanceId::parse(id.as_str()) {
            Some(id) if incident.is_none() => super::found(maintenances::find(tx, &id).await)?,
            _ => None,
        };
        Ok(Self { incident, maintenance })
    }

    /// The components whose subscribers are notified.
    fn components(&self) -> Vec<ComponentId> {
        let of_incident = self.incident.iter().flat_map(Incident::affected_components).map(|(id, _)| id);
        let of_maintenance = self.maintenance.iter().flat_map(|it| &it.components).map(|planned| &planned.id);
        of_incident.chain(of_maintenance).cloned().collect()
    }

    /// What the change from `before` tells subscribers.
    fn event(&self, before: &Self) -> Option<Event> {
        match (&self.incident, &self.maintenance) {
            (Some(after), _) => Event::of_incident(before.incident.as_ref(), after),
            (None, Some(after)) => Event::of_maintenance(before.maintenance.as_ref(), after),
            (None, None) => None,
        }
    }
}

/// The notice of the change that `tx` makes to the incident or maintenance `id`.
pub async fn preview_notice(
    tx: &mut Tx,
    id: &IncidentId,
    before: &NoticeSubject,
    origin: &str,
    now: DateTime<Utc>,
) -> db::Result<PreviewedNotice> {
    let after = NoticeSubject::load(tx, id).await?;
    let Some(event) = after.event(before) else { return Ok(PreviewedNotice::default()) };
    let mut notice = notices::new_notice(event, id.as_str(), now);
    notice.update_id = match (&after.incident, &after.maintenance) {
        (Some(incident), _) => incident.newest_update().map(|update| update.id.clone()),
        (None, maintenance) => {
            maintenance.as_ref().and_then(Maintenance::newest_update).map(|update| update.id.clone())
        }
    };
    let Some(content) = NoticeContent::load(tx, &notice, origin).await? else { return Ok(PreviewedNotice::default()) };
    let messages = Channel::PUBLIC.into_iter().filter_map(|channel| message(&content, channel, now)).collect();
    let matching = notices::count_recipients(tx, event, &after.components()).await?;
    let recipients = matching + notices::count_of_incident(tx, id.as_str()).await?;
    Ok(PreviewedNotice { messages, recipients })
}

fn message(content: &NoticeContent, channel: Channel, now: DateTime<Utc>) -> Option<PreviewedMessage> {
    let links = Links { manage_url: NO_LINK.to_owned(), unsubscribe_url: NO_LINK.to_owned() };
    let (subject, html, text) = match channel {
        Channel::Email => {
            let email = EmailTemplate::new(content).for_subscriber(&links);
            (Some(email.subject), Some(email.html), email.text)
        }
        Channel::Webhook => (None, None, indent(&render_webhook(content, BodyForm::Statuspage, &links, now))),
        _ => (None, None, indent(&render_chat(content, channel, &links, false)?.to_string())),
    };
    Some(PreviewedMessage { channel, subject, html, text: cut(text) })
}

/// A long message is cut in the preview only.
fn cut(text: String) -> String {
    let rest = text.chars().count().saturating_sub(MAX_SHOWN);
    if rest == 0 {
        return text;
    }
    let shown: String = text.chars().take(MAX_SHOWN).collect();
    format!("{shown}…\n({rest} more characters are sent)")
}

fn indent(json: &str) -> String {
    let value: Result<Value, _> = serde_json::from_str(json);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| json.to_owned())
}
