//! The components of the status page by group.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::{count_words, short_time};
use super::uptime_bars::{self, UptimeBars, bars_axis};
use crate::domain::component::{StatusCause, StatusReason};
use crate::domain::uptime::StatusInterval;
use crate::domain::{Component, ComponentId, Group, Incident, Maintenance, Status};
use crate::ui::icon::Icon;
use crate::ui::pill::status_words;
use crate::ui::time::Time;

/// A larger group with a problem shows the affected components first and folds the others.
const MAX_QUIET_ROWS: usize = 6;

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

/// What the rows of the list have in common.
struct ListContext<'a> {
    bars: &'a [UptimeBars],
    popovers: BTreeSet<(NaiveDate, ComponentId)>,
    now: DateTime<Utc>,
    zone: Tz,
}

impl ListContext<'_> {
    fn bars_for(&self, row: &ComponentRow) -> Option<&UptimeBars> {
        self.bars.iter().find(|bars| bars.component == row.component.id)
    }
}

#[component]
pub fn ComponentList(
    groups: Vec<Group>,
    rows: Vec<ComponentRow>,
    bars: Vec<UptimeBars>,
    now: DateTime<Utc>,
    zone: Tz,
) -> AnyView {
    let blocks = component_blocks(&groups, rows);
    let can_fold = blocks.iter().filter(|block| block.group.is_some()).count() > 1;
    let context = ListContext { bars: &bars, popovers: uptime_bars::popover_days(&bars), now, zone };
    blocks.into_iter().map(|block| panel(block, &context, can_fold)).collect_view().into_any()
}

/// A group with its rows; it folds if there is another one. The server opens it if a member is not operational.
fn panel(block: ComponentBlock, context: &ListContext<'_>, can_fold: bool) -> AnyView {
    let ComponentBlock { group, rows } = block;
    let members: Vec<&UptimeBars> = rows.iter().filter_map(|row| context.bars_for(row)).collect();
    let own = UptimeBars::of_group(&members);
    let uptime = own.as_ref().filter(|_| group.is_some()).map(UptimeBars::uptime_words);
    let axis = own.as_ref().map(|_| bars_axis(uptime.clone()));
    let is_open = rows.iter().any(|row| row.status != Status::Operational);
    let lines = component_lines(&rows, context);
    let Some(group) = group else {
        return view! { <div class="panel">{lines}{axis}</div> }.into_any();
    };
    let about = (!group.description.is_empty())
        .then(|| view! { <p class="row about" dir="auto">{group.description.clone()}</p> });
    let id = format!("group-{}", group.id);
    let head = group_line(&group, &rows, can_fold);
    if !can_fold {
        return view! { <div class="panel" id=id><div class="row">{head}</div>{about}{lines}{axis}</div> }.into_any();
    }
    let closed = own.map(|own| {
        view! { <span class="own" aria-hidden="true">{uptime_bars::group_bars(&own)}{bars_axis(uptime)}</span> }
    });
    view! {
        <details class="panel" id=id open=is_open>
            <summary>{head}" "{closed}</summary>
            {about}
            {lines}
            {axis}
        </details>
    }
    .into_any()
}

/// The rows of a panel, in its order; in a large panel with a problem, the worst first and the others folded.
fn component_lines(rows: &[ComponentRow], context: &ListContext<'_>) -> AnyView {
    let list = |rows: &[&ComponentRow]| {
        let lines = rows.iter().map(|row| component_line(row, context)).collect_view();
        view! { <ul>{lines}</ul> }.into_any()
    };
    let (quiet, mut affected): (Vec<&ComponentRow>, Vec<&ComponentRow>) =
        rows.iter().partition(|row| row.status == Status::Operational);
    if affected.is_empty() || quiet.len() <= MAX_QUIET_ROWS {
        return list(&rows.iter().collect::<Vec<_>>());
    }
    affected.sort_by_key(|row| std::cmp::Reverse(row.status));
    let summary = format!("Show {}", count_words(quiet.len() as i64, "operational component"));
    view! { {list(&affected)}<details class="rest"><summary>{summary}</summary>{list(&quiet)}</details> }.into_any()
}

/// The name of a group, how many components it has, and their worst status.
fn group_line(group: &Group, rows: &[ComponentRow], can_fold: bool) -> AnyView {
    let worst = rows.iter().map(|row| row.status).max().unwrap_or_default();
    let number = rows.iter().filter(|row| row.status == worst).count();
    let words = match worst {
        Status::Operational => worst.words().to_owned(),
        _ => format!("{number} of {} {}", rows.len(), status_phrase(worst)),
    };
    let chevron = can_fold.then(|| view! { <span class="go">{Icon::Chevron.view()}</span> });
    view! {
        <span class="line">
            {chevron}
            <span class="name" dir="auto">{group.name.clone()}</span>
            " "
            <span class="count soft">{count_words(rows.len() as i64, "component")}</span>
            " "
            <span class=format!("state status-{}", worst.key())>{Icon::from(worst).view()}{words}</span>
        </span>
    }
    .into_any()
}

/// The status at the end of a sentence.
pub fn status_phrase(status: Status) -> &'static str {
    match status {
        Status::Operational => "operational",
        Status::UnderMaintenance => "under maintenance",
        Status::DegradedPerformance => "degraded",
        Status::PartialOutage => "in partial outage",
        Status::MajorOutage => "in major outage",
    }
}

fn component_line(row: &ComponentRow, context: &ListContext<'_>) -> AnyView {
    let ComponentRow { component, status, reason } = row;
    let reason = reason.as_ref().map(|reason| status_reason(reason, context));
    let own = context.bars_for(row);
    let uptime = own.map(|own| {
        view! { <span class="percent">{own.uptime_words()}<span class="unseen">" uptime"</span></span>" " }
    });
    view! {
        <li class=format!("row status-{}", status.key()) id=format!("component-{}", component.id)>
            <div class="line">
                <span class="name" dir="auto">{component.name.clone()}</span>
                " "
                {uptime}
                {status_words(*status)}
            </div>
            {reason}
            {own.map(|own| uptime_bars::component_bars(own, &component.name, &context.popovers, context.zone))}
        </li>
    }
    .into_any()
}

/// `Since 13:05 UTC: Delayed delivery`
fn status_reason(reason: &StatusReason, context: &ListContext<'_>) -> AnyView {
    let since = format!("Since {}", short_time(reason.since, context.now, context.zone));
    let cause = match &reason.cause {
        StatusCause::Incident(_, title) | StatusCause::Maintenance(_, title) => {
            view! { <bdi>{title.clone()}</bdi> }.into_any()
        }
        StatusCause::Manual => "status changed manually".into_any(),
    };
    view! { <span class="why"><Time at=reason.since words=since />": "{cause}</span> }.into_any()
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
    fn large_group_with_a_problem_folds_quiet_components() {
        let mut components: Vec<Component> =
            (0..9).map(|place| fixtures::component(&format!("c{place}"), None, place)).collect();
        let render = |components: &[Component]| {
            let rows = component_rows(components, (&[], &[]), &[]);
            let context = ListContext { bars: &[], popovers: BTreeSet::new(), now: fixtures::now(), zone: Tz::UTC };
            crate::ui::render_fragment(|| component_lines(&rows, &context))
        };
        assert!(!render(&components).contains("<details"));
        components[3].status = Status::DegradedPerformance;
        components[7].status = Status::MajorOutage;
        let html = render(&components);
        let (shown, folded) = html.split_once("<details class=\"rest\">").unwrap();
        assert!(shown.find("component-c7") < shown.find("component-c3"), "the worst is first: {html}");
        assert_eq!((shown.matches("<li").count(), folded.matches("<li").count()), (2, 7), "{html}");
        assert!(folded.starts_with("<summary>Show 7 operational components</summary>"), "{html}");
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
