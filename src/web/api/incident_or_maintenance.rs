//! Incidents and maintenances share the API's incident paths. Only public ones are available; hidden incidents are for
//! the admin.

use axum::http::StatusCode;
use axum::response::Response;

use super::change::Change;
use super::objects::{EventFields, EventView};
use super::page_context::{ApiContext, ClientFields, UPDATE_FIELDS};
use super::params::Params;
use super::request_body::{
    ComponentStatuses, Field, Flag, IdsOrText, Instant, Line, Metadata, PhaseKey, Place, ReminderIntervals, Text,
    request_body,
};
use crate::credentials::random_bytes;
use crate::db::{self, Tx, admin_incidents, api_metadata, postmortems};
use crate::domain::audit::Entry;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::update::MAX_BODY;
use crate::domain::{Incident, IncidentId, Maintenance, MaintenanceId, UpdateId};
use crate::publish::api::PageContext;
use crate::publish::api::schema::ImpactKey;
use crate::web::{Error, Result};

request_body! {
    /// An incident or a maintenance in a request.
    INCIDENT: IncidentChange = Place::Object("incident") => {
        name: Line,
        status: PhaseKey,
        impact_override: Option<ImpactKey>,
        body: Text<MAX_BODY>,
        components: Option<ComponentStatuses>,
        component_ids: Option<IdsOrText>,
        deliver_notifications: Option<Flag>,
        scheduled_for: Instant,
        scheduled_until: Instant,
        scheduled_remind_prior: Option<Flag>,
        scheduled_auto_in_progress: Option<Flag>,
        scheduled_auto_completed: Option<Flag>,
        scheduled_auto_transition: Option<Flag>,
        auto_transition_to_maintenance_state: Option<Flag>,
        auto_transition_to_operational_state: Option<Flag>,
        auto_transition_deliver_notifications_at_start: Option<Flag>,
        auto_transition_deliver_notifications_at_end: Option<Flag>,
        backfilled: Option<Flag>,
        backfill_date: Instant,
        started_at: Instant,
        resolved_at: Instant,
        reminder_intervals: ReminderIntervals,
        next_update_at: Instant,
        wants_twitter_update: Option<Flag>,
        metadata: Option<Metadata>,
    }
    ignored {
        auto_tweet_at_beginning: Option<Flag>,
        auto_tweet_on_completion: Option<Flag>,
        auto_tweet_on_creation: Option<Flag>,
        auto_tweet_one_hour_before: Option<Flag>,
    }
    undocumented {
        message: Text<MAX_BODY>,
    }
}

pub enum IncidentOrMaintenance {
    Incident(Incident),
    Maintenance(Maintenance),
}

/// An event with its postmortem and client fields.
pub struct LoadedEvent {
    pub(super) event: IncidentOrMaintenance,
    postmortem: Option<PublishedPostmortem>,
    said: ClientFields,
}

impl IncidentOrMaintenance {
    /// Finds an event that visitors can see; everything else is `NotFound`.
    pub async fn find(tx: &mut Tx, id: &str) -> Result<Self> {
        let (incident, maintenance) =
            (IncidentId::parse(id).ok_or(Error::NotFound)?, MaintenanceId::parse(id).ok_or(Error::NotFound)?);
        match admin_incidents::find(tx, &incident).await {
            Ok(incident) if incident.visibility.is_public() => Ok(Self::Incident(incident)),
            Ok(_) => Err(Error::NotFound),
            Err(db::Error::NotFound) => Ok(Self::Maintenance(db::maintenances::find(tx, &maintenance).await?)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::Incident(incident) => incident.id.as_str(),
            Self::Maintenance(maintenance) => maintenance.id.as_str(),
        }
    }

    /// The sort key of lists.
    pub(super) fn created_at(&self) -> chrono::DateTime<chrono::Utc> {
        match self {
            Self::Incident(incident) => incident.created_at,
            Self::Maintenance(maintenance) => maintenance.created_at,
        }
    }
}

impl LoadedEvent {
    pub async fn load(tx: &mut Tx, event: IncidentOrMaintenance) -> Result<Self> {
        let postmortem = match &event {
            IncidentOrMaintenance::Incident(incident) if incident.postmortem_published_at.is_some() => {
                postmortems::find_published(tx, &incident.id).await?
            }
            _ => None,
        };
        let said = api_metadata::load(tx, event.id()).await?;
        Ok(Self { event, postmortem, said })
    }

    pub fn view<'a>(&'a self, context: &'a ApiContext, scene: &PageContext<'a>) -> EventView<'a> {
        let fields = EventFields { event: &self.said, components: &context.component_fields };
        match &self.event {
            IncidentOrMaintenance::Incident(incident) => {
                EventView::incident(scene, incident, self.postmortem.as_ref(), fields)
            }
            IncidentOrMaintenance::Maintenance(maintenance) => EventView::maintenance(scene, maintenance, fields),
        }
    }
}

/// Commits the change and responds with the event.
pub async fn commit_event<P>(
    mut change: Change<P>,
    status: StatusCode,
    event: IncidentOrMaintenance,
    said: ClientFields,
    entries: &[Entry],
) -> Result<Response> {
    let context = ApiContext::load(&mut change.tx, &change.state).await?;
    let loaded = LoadedEvent { said, ..LoadedEvent::load(&mut change.tx, event).await? };
    change.commit(status, &loaded.view(&context, &context.page_context()), entries).await
}

pub fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(random_bytes())
}

/// Whether the automatic steps of a maintenance notify subscribers.
const NOTIFICATION_FLAGS: [Field<Option<Flag>>; 2] =
    [INCIDENT.auto_transition_deliver_notifications_at_start, INCIDENT.auto_transition_deliver_notifications_at_end];

/// Fields that the API returns as the client sent them: metadata, an object of objects, and [`NOTIFICATION_FLAGS`].
pub fn merge_client_fields(mut before: ClientFields, given: &mut Params) -> ClientFields {
    for field in NOTIFICATION_FLAGS.into_iter().filter(|field| given.has(*field)).collect::<Vec<_>>() {
        before.remove(field.name);
        before.extend(given.flag(field).map(|flag| (field.name.to_owned(), flag.into())));
    }
    match given.value(INCIDENT.metadata) {
        None => {}
        Some(serde_json::Value::Null) => drop(before.remove("metadata")),
        Some(serde_json::Value::Object(fields)) if fields.is_empty() => drop(before.remove("metadata")),
        Some(serde_json::Value::Object(fields))
            if fields.values().all(serde_json::Value::is_object)
                && given.size_of(INCIDENT.metadata) <= MAX_METADATA =>
        {
            before.insert("metadata".into(), fields.clone().into());
        }
        Some(_) => {
            let message = "Send an object whose values are objects, of at most 10000 characters.";
            given.add_error(INCIDENT.metadata, message);
        }
    }
    before
}

/// The fields of a request with the notification flags of an update.
#[derive(Clone, Copy)]
pub struct UpdateFlags {
    pub delivers: Field<Option<Flag>>,
    pub tweets: Field<Option<Flag>>,
}

impl UpdateFlags {
    pub const OF_INCIDENT: Self =
        Self { delivers: INCIDENT.deliver_notifications, tweets: INCIDENT.wants_twitter_update };
}

/// Stores the notification flags of `update`. By default, an update delivers notifications and is not tweeted.
pub fn merge_update_flags(
    mut before: ClientFields,
    given: &mut Params,
    fields: UpdateFlags,
    update: Option<&str>,
) -> ClientFields {
    let flags =
        [(fields.delivers, true), (fields.tweets, false)].map(|(field, usual)| (field.name, usual, given.flag(field)));
    let Some(update) = update else { return before };
    let mut all = take_object(&mut before, UPDATE_FIELDS);
    let mut own = take_object(&mut all, update);
    for (name, usual, flag) in flags {
        match flag {
            Some(flag) if flag != usual => drop(own.insert(name.to_owned(), flag.into())),
            Some(_) => drop(own.remove(name)),
            None => {}
        }
    }
    if !own.is_empty() && all.len() < MAX_FLAGGED_UPDATES {
        all.insert(update.to_owned(), own.into());
    }
    if !all.is_empty() {
        before.insert(UPDATE_FIELDS.to_owned(), all.into());
    }
    before
}

fn take_object(fields: &mut ClientFields, name: &str) -> ClientFields {
    match fields.remove(name) {
        Some(serde_json::Value::Object(own)) => own,
        _ => ClientFields::new(),
    }
}

/// Maximum number of updates of an event whose flags are stored.
const MAX_FLAGGED_UPDATES: usize = 200;
/// Longest metadata of an event, in characters of its JSON.
const MAX_METADATA: usize = 10_000;
