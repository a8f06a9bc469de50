//! The components of the status page by group.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::short_time;
use super::uptime_bars::{self, UptimeBars};
use crate::domain::component::{StatusCause, StatusReason};
use crate::domain::uptime::StatusInterval;
use crate::domain::{Component, Group, Incident, Maintenance, Status};
use crate::ui::time::Time;

#[derive(Clone, Debug)]
pub struct ComponentRow {
    pub component: Component,
    /// The worse of the manual status (or the maintenance's) and the status set by open incidents.
    pub status: Status,
    /// Since when and why; `None` if it is operational.
    pub reason: Option<StatusReason>,
}

/// The members of a group, or adjacent components without one.
#[derive(Clone, Debug)]
struct ComponentBlock {
    group: Option<Group>,
    rows: Vec<ComponentRow>,
}

/// The visible components with their status. `baselines` are the present intervals of manual statuses.
pub fn component_rows(
    components: &[Component],
    (open, planned): (&[Incident], &[Maintenance]),
    baselines: &[StatusInterval],
) -> Vec<ComponentRow> {
    let row = |component: &Component| {
        let status = component.effective_status(open, planned);
        let is_affected = status != Status::Operational;
        let reason = is_affected.then(|| component.status_reason(open, planned, baselines)).flatten();
        ComponentRow { component: component.clone(), status, reason }
    };
    let shows = |row: &ComponentRow| row.status != Status::Operational || !row.component.only_show_if_degraded;
    let mut rows: Vec<ComponentRow> = components.iter().map(row).filter(shows).collect();
    rows.sort_by(|a, b| (a.component.position, &a.component.name).cmp(&(b.component.position, &b.component.name)));
    rows
}

/// The blocks in page order; groups and ungrouped components share one numbering.
fn component_blocks(groups: &[Group], rows: Vec<ComponentRow>) -> Vec<ComponentBlock> {
    let of = |row: &ComponentRow| groups.iter().find(|group| Some(&group.id) == row.component.group_id.as_ref());
    let mut placed: Vec<(i64, ComponentBlock)> = Vec::new();
    for row in rows {
        let group = of(&row);
        let same = |block: &ComponentBlock| block.group.as_ref().is_some_and(|g| Some(&g.id) == group.map(|g| &g.id));
        match placed.iter_mut().find(|(_, block)| same(block)) {
            Some((_, block)) => block.rows.push(row),
            None => {
                let place = group.map_or(row.component.position, |group| group.position);
                placed.push((place, ComponentBlock { group: group.cloned(), rows: vec![row] }));
            }
        }
    }
    placed.sort_by_key(|(place, _)| *place);
    merge_ungrouped(placed.into_iter().map(|(_, block)| block))
}

fn merge_ungrouped(blocks: impl Iterator<Item = ComponentBlock>) -> Vec<ComponentBlock> {
    let mut joined: Vec<ComponentBlock> = Vec::new();
    for block in blocks {
        match joined.last_mut() {
            Some(last) if last.group.is_none() && block.group.is_none() => last.rows.extend(block.rows),
            _ => joined.push(block),
        }
    }
    joined
}

#[component]
pub fn ComponentList(
    groups: Vec<Group>,
    rows: Vec<ComponentRow>,
    bars: Vec<UptimeBars>,
    now: DateTime<Utc>,
    zone: Tz,
) -> AnyView {
    let blocks = component_blocks(&groups, rows).into_iter();
    blocks.map(|block| panel(block, &bars, (now, zone))).collect_view().into_any()
}

fn panel(block: ComponentBlock, bars: &[UptimeBars], clock: (DateTime<Utc>, Tz)) -> AnyView {
    let heading = block.group.map(|group| {
        let about =
            (!group.description.is_empty()).then(|| view! { <p class="about" dir="auto">{group.description}</p> });
        view! { <h3 dir="auto">{group.name}</h3>{about} }
    });
    let rows = block.rows.into_iter().map(|line| component_line(line, bars, clock)).collect_view();
    view! { <section class="panel">{heading}<ul>{rows}</ul></section> }.into_any()
}

fn component_line(row: ComponentRow, bars: &[UptimeBars], (now, zone): (DateTime<Utc>, Tz)) -> AnyView {
    let ComponentRow { component, status, reason } = row;
    let reason = reason.map(|reason| status_reason(reason, now, zone));
    let about = (!component.description.is_empty())
        .then(|| view! { <div class="about" dir="auto">{component.description}</div> });
    let own = bars.iter().find(|bars| bars.component == component.id);
    let uptime = own.map(|own| {
        let href = format!("/uptime#component-{}", component.id);
        view! { " "<a class="percent" href=href>{own.uptime_words()}<span class="unseen">" uptime, details"</span></a> }
    });
    let marked = own.map(UptimeBars::day_labels).unwrap_or_default();
    let said = (!marked.is_empty()).then(|| view! { <p class="about">{marked.join(", ")}</p> });
    view! {
        <li class=format!("row status-{}", status.key()) id=format!("component-{}", component.id)>
            <div><span class="name" dir="auto">{component.name}</span>{uptime}{about}{reason}</div>
            <span class="state">{status.words()}</span>
            {own.map(uptime_bars::bars_svg)}
            {said}
        </li>
    }
    .into_any()
}

/// `Since 13:05 UTC: Delayed delivery`
fn status_reason(reason: StatusReason, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let since = format!("Since {}", short_time(reason.since, now, zone));
    let cause = match reason.cause {
        StatusCause::Incident(id, title) => {
            view! { <a href=format!("#incident-{id}") dir="auto">{title}</a> }.into_any()
        }
        StatusCause::Maintenance(id, title) => {
            view! { <a href=format!("#maintenance-{id}") dir="auto">{title}</a> }.into_any()
        }
        StatusCause::Manual => "status changed manually".into_any(),
    };
    view! { <div class="about"><Time at=reason.since words=since />": "{cause}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures;

    #[test]
    fn groups_and_ungrouped_components_share_positions() {
        let groups = [fixtures::group("g2", 2), fixtures::group("g5", 5)];
        let components = [
            fixtures::component("last", None, 6),
            fixtures::component("in5", Some("g5"), 1),
            fixtures::component("b", None, 4),
            fixtures::component("a", None, 3),
            fixtures::component("in2b", Some("g2"), 2),
            fixtures::component("in2a", Some("g2"), 1),
        ];
        let blocks = component_blocks(&groups, component_rows(&components, (&[], &[]), &[]));
        let ids = |block: &ComponentBlock| {
            block.rows.iter().map(|row| row.component.id.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(blocks.iter().map(ids).collect::<Vec<_>>(), ["in2a in2b", "a b", "in5", "last"]);
    }

    #[test]
    fn degraded_only_component_is_hidden_while_operational() {
        let mut component = fixtures::component("hidden", None, 1);
        component.only_show_if_degraded = true;
        assert!(component_rows(std::slice::from_ref(&component), (&[], &[]), &[]).is_empty());
        component.status = Status::UnderMaintenance;
        assert_eq!(component_rows(&[component], (&[], &[]), &[]).len(), 1);
    }
}
