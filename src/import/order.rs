//! The order of components and groups that are imported again.

use std::collections::BTreeMap;

/// An item of the source, and what is stored of it.
pub(super) struct Place {
    /// The id of its group.
    pub list: Option<String>,
    pub id: String,
    /// The position in the source.
    pub source: i64,
    /// The position here.
    pub stored: Option<i64>,
    pub is_changed_here: bool,
}

/// The positions after the import, by id. A list keeps its stored positions if its order is that of the source, or if
/// people changed one of its items: any change renumbers the whole list, and their order stays. Otherwise the positions
/// are those of the source.
pub(super) fn imported_positions(places: Vec<Place>) -> BTreeMap<String, i64> {
    let mut lists: BTreeMap<Option<String>, Vec<Place>> = BTreeMap::new();
    for place in places {
        lists.entry(place.list.clone()).or_default().push(place);
    }
    let position = |places: Vec<Place>| {
        let is_kept = places.iter().any(|place| place.is_changed_here) || has_source_order(&places);
        places.into_iter().map(move |place| (place.id, place.stored.filter(|_| is_kept).unwrap_or(place.source)))
    };
    lists.into_values().flat_map(position).collect()
}

/// Whether all items are stored, in the order of the source.
fn has_source_order(places: &[Place]) -> bool {
    let both = places.iter().map(|place| Some((place.stored?, place.source))).collect::<Option<Vec<_>>>();
    let Some(mut both) = both else { return false };
    both.sort_unstable();
    both.windows(2).all(|pair| {
        let ((stored, source), (next_stored, next_source)) = (pair[0], pair[1]);
        source == next_source || (source < next_source && stored < next_stored)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The positions of items with these positions in the source and here.
    fn positions(places: &[(i64, Option<i64>)], changed: Option<usize>) -> Vec<i64> {
        let place = |(index, (source, stored)): (usize, &(i64, Option<i64>))| Place {
            list: None,
            id: format!("{index}"),
            source: *source,
            stored: *stored,
            is_changed_here: changed == Some(index),
        };
        imported_positions(places.iter().enumerate().map(place).collect()).into_values().collect()
    }

    #[test]
    fn stored_positions_stay_if_the_order_is_the_same() {
        assert_eq!(positions(&[(4, Some(1)), (9, Some(2))], None), [1, 2], "gaps were closed");
        assert_eq!(positions(&[(1, Some(2)), (1, Some(1))], None), [2, 1], "the source has no order");
    }

    #[test]
    fn order_of_the_source_is_followed_unless_changed_here() {
        assert_eq!(positions(&[(2, Some(1)), (1, Some(2))], None), [2, 1]);
        assert_eq!(positions(&[(2, Some(1)), (1, Some(1))], None), [2, 1], "a tie is no order");
        assert_eq!(positions(&[(2, Some(1)), (1, Some(2))], Some(0)), [1, 2]);
    }

    #[test]
    fn new_item_gets_its_place_between_the_others() {
        assert_eq!(positions(&[(1, Some(1)), (2, None), (3, Some(2))], None), [1, 2, 3]);
        assert_eq!(positions(&[(1, Some(2)), (2, None), (3, Some(1))], Some(2)), [2, 2, 1]);
    }
}
