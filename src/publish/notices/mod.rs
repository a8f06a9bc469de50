//! The messages of a notice, one rendering per channel: pure functions of a [`NoticeContent`].
//!
//! The content is read from the database when the messages are sent, so it has the latest texts, and what was withdrawn
//! in the meantime is not sent. It only contains what visitors see.

mod chat;
mod discord;
mod email;
mod fit;
mod google_chat;
mod markup;
mod matrix;
mod mattermost;
mod message;
mod ntfy;
mod pagerduty;
mod preview;
mod slack;
mod teams;
mod telegram;
mod test_message;
mod webhook;

pub use chat::render_chat;
pub use email::{Email, EmailTemplate};
pub use message::Message;
pub use preview::{NoticeSubject, PreviewedMessage, PreviewedNotice, preview_notice};
pub use test_message::{TestBody, render_test_message};
pub use webhook::{BodyForm, render_webhook};

use crate::db::{self, Tx, components, incidents, maintenances, page_settings, postmortems};
use crate::domain::notice::Event;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{
    Component, ComponentId, Group, Incident, IncidentId, Maintenance, MaintenanceId, Notice, Page, UpdateId,
};
use crate::publish::api::PageContext;

/// Everything that the messages of one notice show.
#[derive(Clone, Debug)]
pub struct NoticeContent {
    pub page: Page,
    /// Scheme, host and port of the public URL, without a slash at the end.
    pub origin: String,
    pub groups: Vec<Group>,
    /// In page order.
    pub components: Vec<Component>,
    /// The open incidents and planned maintenances, from which components get their effective status.
    pub open: Vec<Incident>,
    pub planned: Vec<Maintenance>,
    pub notice: Notice,
    pub subject: Subject,
}

#[derive(Clone, Debug)]
pub enum Subject {
    Incident(Box<Incident>, Option<PublishedPostmortem>),
    Maintenance(Box<Maintenance>),
    Component(Box<Component>),
}

/// The addresses that belong to one subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    pub manage_url: String,
    pub unsubscribe_url: String,
}

impl NoticeContent {
    /// `None` if the subject, the update or the postmortem was deleted or is not public.
    pub async fn load(tx: &mut Tx, notice: &Notice, origin: &str) -> db::Result<Option<Self>> {
        let Some(subject) = load_subject(tx, notice).await? else { return Ok(None) };
        if !notice.update_id.as_ref().is_none_or(|id| subject.has_update(id)) {
            return Ok(None);
        }
        Ok(Some(Self {
            page: page_settings::load(tx).await?,
            origin: origin.trim_end_matches('/').to_owned(),
            groups: components::list_groups(tx).await?,
            components: components::list(tx).await?,
            open: incidents::list_open(tx).await?,
            planned: maintenances::list_planned(tx).await?,
            notice: notice.clone(),
            subject,
        }))
    }

    fn scene(&self) -> PageContext<'_> {
        PageContext::new(&self.page, &self.origin, &self.groups, &self.components, &self.open, &self.planned)
    }

    /// The address of the incident or maintenance, or of the page.
    fn permalink(&self) -> String {
        match &self.subject {
            Subject::Incident(incident, _) => format!("{}/incidents/{}", self.origin, incident.id),
            Subject::Maintenance(maintenance) => format!("{}/incidents/{}", self.origin, maintenance.id),
            Subject::Component(_) => format!("{}/", self.origin),
        }
    }
}

impl Subject {
    fn has_update(&self, id: &UpdateId) -> bool {
        match self {
            Self::Incident(incident, _) => incident.updates.iter().any(|update| update.id == *id),
            Self::Maintenance(maintenance) => maintenance.updates.iter().any(|update| update.id == *id),
            Self::Component(_) => false,
        }
    }
}

async fn load_subject(tx: &mut Tx, notice: &Notice) -> db::Result<Option<Subject>> {
    let id = notice.subject_id.as_str();
    if notice.event.is_of_incident() {
        let Some(id) = IncidentId::parse(id) else { return Ok(None) };
        let Some(incident) = found(incidents::find(tx, &id).await)? else { return Ok(None) };
        let postmortem = match incident.postmortem_published_at {
            Some(_) => postmortems::find_published(tx, &id).await?,
            None => None,
        };
        let is_withdrawn = notice.event == Event::PostmortemPublished && postmortem.is_none();
        return Ok((!is_withdrawn).then(|| Subject::Incident(Box::new(incident), postmortem)));
    }
    if notice.event.is_of_maintenance() {
        let Some(id) = MaintenanceId::parse(id) else { return Ok(None) };
        let maintenance = found(maintenances::find(tx, &id).await)?;
        return Ok(maintenance.map(|maintenance| Subject::Maintenance(Box::new(maintenance))));
    }
    let Some(id) = ComponentId::parse(id) else { return Ok(None) };
    let component = found(components::find(tx, &id).await)?;
    Ok(component.map(|component| Subject::Component(Box::new(component))))
}

fn found<T>(result: db::Result<T>) -> db::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(db::Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
