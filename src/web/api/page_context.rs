//! The page data behind every API response.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::Map;

use crate::db::{self, Tx, api_metadata, components, incidents, maintenances};
use crate::domain::{Component, Group, Incident, Maintenance, Page};
use crate::publish::api::PageContext;
use crate::state::State;
use crate::web::{Error, Result};

/// The page as one transaction sees it.
pub struct ApiContext {
    pub page: Page,
    pub groups: Vec<Group>,
    /// In page order.
    pub components: Vec<Component>,
    /// By the id of the component.
    pub component_fields: BTreeMap<String, ClientFields>,
    open: Vec<Incident>,
    planned: Vec<Maintenance>,
    origin: String,
}

/// Fields that the API returns as the client sent them.
pub type ClientFields = Map<String, serde_json::Value>;

/// Client field of a maintenance.
pub const RELEASE_FIELD: &str = "auto_transition_to_operational_state";
/// Client field of the page: the settings of its embed.
pub const EMBED_FIELDS: &str = "status_embed_config";
/// Client field of an event: the notification flags of its updates, by their id.
pub const UPDATE_FIELDS: &str = "updates";
/// Client field of an incident: what was sent when its postmortem was published.
pub const POSTMORTEM_FIELDS: &str = "postmortem";

impl ApiContext {
    /// Loads the page; `NotFound` if its id is not `id`.
    pub async fn load_for(tx: &mut Tx, id: &str, state: &State) -> Result<Self> {
        let context = Self::load(tx, state).await?;
        if context.page.id == id { Ok(context) } else { Err(Error::NotFound) }
    }

    pub async fn load(tx: &mut Tx, state: &State) -> Result<Self> {
        Ok(Self {
            page: db::page_settings::load(tx).await?,
            groups: components::list_groups(tx).await?,
            components: components::list(tx).await?,
            component_fields: api_metadata::load_of_components(tx).await?,
            open: incidents::list_open(tx).await?,
            planned: maintenances::list_planned(tx).await?,
            origin: state.origin.clone(),
        })
    }

    pub fn page_context(&self) -> PageContext<'_> {
        PageContext::new(&self.page, &self.origin, &self.groups, &self.components, &self.open, &self.planned)
    }

    pub fn zone(&self) -> Tz {
        self.page.time_zone
    }
}

/// The client fields of each subject, in the same order.
pub async fn load_client_fields<'a>(tx: &mut Tx, subjects: impl Iterator<Item = &'a str>) -> Result<Vec<ClientFields>> {
    let mut all = Vec::new();
    for subject in subjects {
        all.push(api_metadata::load(tx, subject).await?);
    }
    Ok(all)
}

/// The requested page of a list: offset and size.
pub fn list_window(query: &crate::domain::forms::Fields, size: &str, usual: i64) -> (i64, i64) {
    let number = |name: &str| query.text(name).parse::<i64>().ok();
    let size = number(size).or_else(|| number("per_page")).or_else(|| number("limit")).unwrap_or(usual);
    let size = if size < 1 { usual } else { size.min(MAX_PAGE) };
    let page = number("page").unwrap_or(1).clamp(1, MAX_PAGES);
    ((page - 1) * size, size)
}

/// Largest page size, and last page number.
pub const MAX_PAGE: i64 = 100;
const MAX_PAGES: i64 = 100_000;

/// Applies a `window` to a list in memory.
pub fn take_window<T>(all: Vec<T>, window: (i64, i64)) -> Vec<T> {
    let [skipped, size] = [window.0, window.1].map(|number| usize::try_from(number).unwrap_or(0));
    all.into_iter().skip(skipped).take(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forms::Fields;

    #[test]
    fn api_list_page_has_at_most_a_hundred() {
        let asked = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            list_window(&Fields(pairs.collect()), "limit", 100)
        };
        assert_eq!(asked(&[]), (0, 100));
        assert_eq!(asked(&[("limit", "20"), ("page", "3")]), (40, 20));
        assert_eq!(asked(&[("limit", "1000000"), ("page", "-1")]), (0, 100));
        assert_eq!(asked(&[("per_page", "x"), ("page", "99999999999999999999")]), (0, 100));
        assert_eq!(take_window(vec![1, 2, 3, 4], (1, 2)), [2, 3]);
    }
}
