//! The component status changes made by each update of an incident or maintenance.

use std::collections::BTreeMap;

use crate::domain::{AffectedComponent, ComponentId, Status, Update};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange<'a> {
    pub component: &'a AffectedComponent,
    pub old: Status,
    pub new: Status,
}

/// The status changes of each update, oldest update first. A closing update (`ends`) sets every component it does not
/// name back to operational. A closing first update doesn't: such an entry was backfilled and records past statuses.
pub fn status_changes<P: Copy>(updates: &[Update<P>], ends: fn(P) -> bool) -> Vec<Vec<StatusChange<'_>>> {
    let mut current: BTreeMap<&ComponentId, (&AffectedComponent, Status)> = BTreeMap::new();
    let mut all = Vec::with_capacity(updates.len());
    for (index, update) in updates.iter().enumerate() {
        let mut changes: Vec<StatusChange<'_>> = Vec::new();
        for component in &update.components {
            let old = current.get(&component.id).map_or(Status::Operational, |(_, status)| *status);
            changes.push(StatusChange { component, old, new: component.status });
            current.insert(&component.id, (component, component.status));
        }
        if ends(update.phase) && index > 0 {
            let named = |id: &ComponentId| update.components.iter().any(|component| component.id == *id);
            for (id, (component, status)) in &mut current {
                if *status != Status::Operational && !named(id) {
                    changes.push(StatusChange { component, old: *status, new: Status::Operational });
                    *status = Status::Operational;
                }
            }
        }
        all.push(changes);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Phase;
    use crate::domain::incident::tests::update;
    use Status::{MajorOutage, Operational, PartialOutage};

    fn words(updates: &[Update]) -> Vec<Vec<(String, Status, Status)>> {
        let change = |change: &StatusChange<'_>| (change.component.id.to_string(), change.old, change.new);
        let all = status_changes(updates, |phase| !phase.is_open());
        all.iter().map(|changes| changes.iter().map(change).collect()).collect()
    }

    #[test]
    fn each_update_starts_from_the_previous() {
        let updates = [
            update(0, Phase::Investigating, &[("api", MajorOutage), ("db", PartialOutage)]),
            update(5, Phase::Identified, &[("api", PartialOutage)]),
            update(6, Phase::Monitoring, &[]),
            update(9, Phase::Resolved, &[("db", Operational)]),
        ];
        let change = |id: &str, old, new| (id.to_owned(), old, new);
        assert_eq!(
            words(&updates),
            [
                vec![change("api", Operational, MajorOutage), change("db", Operational, PartialOutage)],
                vec![change("api", MajorOutage, PartialOutage)],
                vec![],
                vec![change("db", PartialOutage, Operational), change("api", PartialOutage, Operational)],
            ]
        );
    }

    #[test]
    fn backfilled_update_states_past_status() {
        let only = [update(0, Phase::Resolved, &[("api", MajorOutage)])];
        assert_eq!(words(&only), [vec![("api".to_owned(), Operational, MajorOutage)]]);
    }
}
