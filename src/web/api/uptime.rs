use axum::Json;
use axum::extract::{Path, State as FromState};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::page_context::ApiContext;
use super::{components, groups};
use crate::db::{Tx, status_intervals, uptime_corrections};
use crate::domain::forms::Fields;
use crate::domain::parse_time::parse_any_instant;
use crate::domain::uptime::{Downtime, apply_corrections};
use crate::domain::{Component, ComponentId, IncidentId};
use crate::publish::api::{PageContext, stamp};
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::CanRead;
use crate::web::form::QueryFields;
use crate::web::{Error, Result};

/// The default range and the longest one.
const DEFAULT_RANGE: TimeDelta = TimeDelta::days(90);
const MAX_RANGE: TimeDelta = TimeDelta::days(184);
const NO_DATA: &str = "There is no data in this range.";

#[derive(Serialize)]
pub struct UptimeView {
    range_start: String,
    range_end: String,
    /// Null without data.
    uptime_percentage: Option<f64>,
    major_outage: i64,
    partial_outage: i64,
    warnings: Vec<&'static str>,
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_events: Option<RelatedEvents>,
}

/// The incidents in the range; for a group, by component.
#[derive(Serialize)]
#[serde(untagged)]
enum RelatedEvents {
    OfComponent(Vec<RelatedIncident>),
    OfGroup(Vec<RelatedComponent>),
}

#[derive(Serialize)]
struct RelatedIncident {
    id: IncidentId,
}

#[derive(Serialize)]
struct RelatedComponent {
    component_id: ComponentId,
    incidents: Vec<RelatedIncident>,
}

/// `GET /v1/pages/{page}/components/{component}/uptime`
pub async fn component_uptime(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, component)): Path<(String, String)>,
    QueryFields(query): QueryFields,
) -> Result<Json<UptimeView>> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let component = components::find_component(&mut tx, &component).await?;
    let range = UptimeRange::read(&query, &context, state.clock.now())?;
    let (id, name) = (component.id.to_string(), component.name.clone());
    let (view, related) = compute_uptime(&mut tx, &context.page_context(), &[&component], &range, (id, name)).await?;
    let incidents = related.into_iter().flat_map(|component| component.incidents).collect();
    Ok(Json(view.with_events(&range, RelatedEvents::OfComponent(incidents))))
}

/// `GET /v1/pages/{page}/component-groups/{group}/uptime`: combined over its components.
pub async fn group_uptime(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, group)): Path<(String, String)>,
    QueryFields(query): QueryFields,
) -> Result<Json<UptimeView>> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let group = groups::find_group(&mut tx, &group).await?;
    let range = UptimeRange::read(&query, &context, state.clock.now())?;
    let members = context.components.iter().filter(|component| component.group_id.as_ref() == Some(&group.id));
    let members: Vec<&Component> = members.collect();
    let (id, name) = (group.id.to_string(), group.name.clone());
    let (view, related) = compute_uptime(&mut tx, &context.page_context(), &members, &range, (id, name)).await?;
    Ok(Json(view.with_events(&range, RelatedEvents::OfGroup(related))))
}

impl UptimeView {
    fn with_events(self, range: &UptimeRange, events: RelatedEvents) -> Self {
        Self { related_events: range.with_events.then_some(events), ..self }
    }
}

/// The range, with warnings for the response.
struct UptimeRange {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
    warnings: Vec<&'static str>,
    with_events: bool,
}

impl UptimeRange {
    fn read(query: &Fields, context: &ApiContext, now: DateTime<Utc>) -> Result<Self> {
        let zone = context.zone();
        let mut wrong = Vec::new();
        let mut read = |name: &str| {
            let text = query.text(name);
            match parse_any_instant(&text, zone) {
                _ if text.is_empty() => None,
                Ok(at) => Some(at),
                Err(message) => {
                    wrong.push((format!("/{name}"), message));
                    None
                }
            }
        };
        let to = read("end").map_or(now, |end| end.min(now));
        let from = read("start").unwrap_or(to - DEFAULT_RANGE);
        if from >= to {
            wrong.push(("/start".into(), "The start must be before the end and in the past.".into()));
        }
        if !wrong.is_empty() {
            return Err(Error::Unprocessable(wrong));
        }
        let mut warnings = Vec::new();
        if to - from > MAX_RANGE {
            warnings.push("The range was cut to the last six months before its end.");
        }
        let with_events = !matches!(query.text("skip_related_events").as_str(), "true" | "1");
        Ok(Self { from: from.max(to - MAX_RANGE), to, now, warnings, with_events })
    }
}

async fn compute_uptime(
    tx: &mut Tx,
    scene: &PageContext<'_>,
    components: &[&Component],
    range: &UptimeRange,
    (id, name): (String, String),
) -> Result<(UptimeView, Vec<RelatedComponent>)> {
    let all = status_intervals::list_since(tx, range.from).await?;
    let mut outage = Downtime::default();
    let mut related = Vec::new();
    for component in components {
        let own = all.iter().filter(|effect| effect.component_id == component.id).cloned().collect();
        let own = apply_corrections(own, &uptime_corrections::list_for_component(tx, &component.id).await?);
        let start = component.history_start(scene.zone());
        outage = outage.combine(Downtime::in_span(&own, range.from, range.to, start, range.now));
        let from = range.from.max(start);
        let within = own
            .iter()
            .filter(|effect| from < range.to && effect.from < range.to && effect.to.is_none_or(|to| to > from));
        let mut incidents: Vec<IncidentId> = within.filter_map(|effect| effect.incident_id.clone()).collect();
        incidents.sort();
        incidents.dedup();
        let incidents: Vec<_> = incidents.into_iter().map(|id| RelatedIncident { id }).collect();
        if !incidents.is_empty() {
            related.push(RelatedComponent { component_id: component.id.clone(), incidents });
        }
    }
    let view = UptimeView {
        range_start: stamp(range.from, scene.zone()),
        range_end: stamp(range.to, scene.zone()),
        uptime_percentage: outage.uptime().map(|hundredths| f64::from(hundredths) / 100.0),
        major_outage: outage.major,
        partial_outage: outage.partial,
        warnings: range.warnings.iter().copied().chain((!outage.has_data()).then_some(NO_DATA)).collect(),
        id,
        name,
        related_events: None,
    };
    Ok((view, related))
}
