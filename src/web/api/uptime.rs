use axum::Json;
use axum::extract::{Path, State as FromState};
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
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

/// The uptime of a component.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Uptime", deny_unknown_fields)]
pub struct ComponentUptime {
    #[serde(flatten)]
    uptime: UptimeView,
    /// The incidents in the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RelatedIncident>")]
    related_events: Option<Vec<RelatedIncident>>,
}

/// The uptime of a group.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GroupUptime {
    #[serde(flatten)]
    uptime: UptimeView,
    /// The incidents in the range, by component.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<RelatedComponent>")]
    related_events: Option<Vec<RelatedComponent>>,
}

#[derive(Serialize, JsonSchema)]
struct UptimeView {
    #[schemars(with = "DateTime<Utc>")]
    range_start: String,
    #[schemars(with = "DateTime<Utc>")]
    range_end: String,
    /// Null without data.
    uptime_percentage: Option<f64>,
    /// In seconds.
    major_outage: i64,
    /// In seconds.
    partial_outage: i64,
    warnings: Vec<&'static str>,
    id: String,
    name: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RelatedIncident {
    #[schemars(with = "String")]
    id: IncidentId,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RelatedComponent {
    #[schemars(with = "String")]
    component_id: ComponentId,
    incidents: Vec<RelatedIncident>,
}

/// `GET /v1/pages/{page}/components/{component}/uptime`
pub async fn component_uptime(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, component)): Path<(String, String)>,
    QueryFields(query): QueryFields,
) -> Result<Json<ComponentUptime>> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let component = components::find_component(&mut tx, &component).await?;
    let range = UptimeRange::read(&query, &context, state.clock.now())?;
    let (id, name) = (component.id.to_string(), component.name.clone());
    let (uptime, related) = compute_uptime(&mut tx, &context.page_context(), &[&component], &range, (id, name)).await?;
    let incidents = related.into_iter().flat_map(|component| component.incidents).collect();
    Ok(Json(ComponentUptime { uptime, related_events: range.with_events.then_some(incidents) }))
}

/// `GET /v1/pages/{page}/component-groups/{group}/uptime`: combined over its components.
pub async fn group_uptime(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, group)): Path<(String, String)>,
    QueryFields(query): QueryFields,
) -> Result<Json<GroupUptime>> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let group = groups::find_group(&mut tx, &group).await?;
    let range = UptimeRange::read(&query, &context, state.clock.now())?;
    let members = context.components.iter().filter(|component| component.group_id.as_ref() == Some(&group.id));
    let members: Vec<&Component> = members.collect();
    let (id, name) = (group.id.to_string(), group.name.clone());
    let (uptime, related) = compute_uptime(&mut tx, &context.page_context(), &members, &range, (id, name)).await?;
    Ok(Json(GroupUptime { uptime, related_events: range.with_events.then_some(related) }))
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
    };
    Ok((view, related))
}
