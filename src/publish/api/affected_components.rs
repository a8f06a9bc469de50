//! What each update of a timeline did to the components: from which status to which.

use std::collections::BTreeMap;

use crate::domain::{AffectedComponent, ComponentId, Status, Update};

/// One component in one update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    pub component: &'a AffectedComponent,
    pub old: Status,
    pub new: Status,
}

/// The changes of each update, in the order of `updates` (oldest first). An update that `ends` the matter
/// sets free whatever it does not name; the first one can't, for then it was written afterwards and says
/// how things had been.
pub fn changes<P: Copy>(updates: &[Update<P>], ends: fn(P) -> bool) -> Vec<Vec<Change<'_>>> {
    let mut stands: BTreeMap<&ComponentId, (&AffectedComponent, Status)> = BTreeMap::new();
    let mut all = Vec::with_capacity(updates.len());
    for (index, update) in updates.iter().enumerate() {
        let mut changes: Vec<Change<'_>> = Vec::new();
        for component in &update.components {
            let old = stands.get(&component.id).map_or(Status::Operational, |(_, status)| *status);
            changes.push(Change { component, old, new: component.status });
            stands.insert(&component.id, (component, component.status));
        }
        if ends(update.phase) && index > 0 {
            let named = |id: &ComponentId| update.components.iter().any(|component| component.id == *id);
            for (id, (component, status)) in &mut stands {
                if *status != Status::Operational && !named(id) {
                    changes.push(Change { component, old: *status, new: Status::Operational });
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
        let change = |change: &Change<'_>| (change.component.id.to_string(), change.old, change.new);
        let all = changes(updates, |phase| !phase.is_open());
        all.iter().map(|changes| changes.iter().map(change).collect()).collect()
    }

    #[test]
    fn each_update_goes_on_from_the_one_before() {
        let updates = [
            update(0, Phase::Investigating, &[("api", MajorOutage), ("db", PartialOutage)]),
            update(5, Phase::Identified, &[("api", PartialOutage)]),
            update(6, Phase::Monitoring, &[]),
            update(9, Phase::Resolved, &[("db", Operational)]),
        ];
        let told = |id: &str, old, new| (id.to_owned(), old, new);
        assert_eq!(
            words(&updates),
            [
                vec![told("api", Operational, MajorOutage), told("db", Operational, PartialOutage)],
                vec![told("api", MajorOutage, PartialOutage)],
                vec![],
                vec![told("db", PartialOutage, Operational), told("api", PartialOutage, Operational)],
            ]
        );
    }

    #[test]
    fn what_was_written_afterwards_says_how_things_had_been() {
        let only = [update(0, Phase::Resolved, &[("api", MajorOutage)])];
        assert_eq!(words(&only), [vec![("api".to_owned(), Operational, MajorOutage)]]);
    }
}
