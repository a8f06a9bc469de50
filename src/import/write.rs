//! Compares converted items with the database and writes the differences.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::DateTime;

use super::context::{ImportContext, ItemKind};
use super::convert::{self, Converted, ConvertedIncident};
use super::order::{Place, imported_positions};
use super::postmortems::{self, Existing};
use super::progress::{COMPONENT_NOUNS, GROUP_NOUNS, INCIDENT_NOUNS, Import, LocalChange, find_local_change};
use super::source::{Source, SourceComponent, SourceIncident, SourcePage};
use super::zones::parse_zone_name;
use super::{ImportReport, KindCounts, MAX_NAMED_ITEMS, maintenances, name_newest, sanitize};
use crate::actions::imported;
use crate::db::{self, Result, WriteTx, admin_incidents, components, page_settings};
use crate::domain::forms::{BrandFile, BrandSettings, PageSettings};
use crate::domain::id::is_id;
use crate::domain::page::MAX_PAGE_TEXT;
use crate::domain::parse_time::parse_instant;
use crate::domain::{Component, ComponentId, Group, GroupId, Incident, MaintenanceId, Page, PageBrand, Postmortem};
use crate::format::url::is_safe_url;
use crate::logo::{MAX_UPLOAD, sanitize_favicon, sanitize_logo};

/// The name of an unconfigured page.
const DEFAULT_PAGE_NAME: &str = "Status";
/// The maximum number of names in one warning.
const MAX_NAMED: usize = 20;

/// Writes the differences between `source` and the database into `tx`. The caller commits with the audit entries in
/// `import`, or rolls back for a dry run. Problems with single items are in the report.
pub async fn write_source(import: &mut Import<'_>, tx: &mut WriteTx, source: &Source, step: impl Fn()) -> Result<()> {
    if let Some(page) = &source.page {
        import.page(tx, page).await?;
    }
    if let Some(brand) = &source.brand {
        import.brand(tx, brand).await?;
    }
    import.groups(tx, source).await?;
    import.components(tx, source).await?;
    let (known, options, now) = (import.known, import.options, import.now);
    for (position, row) in source.incidents.iter().enumerate() {
        let is_newest = import.is_newest(ItemKind::Event, (&row.id, &row.name), position, |r| &mut r.incidents);
        if is_newest && import.is_shown("incident", row, |r| &mut r.incidents) {
            import.incident(tx, convert::convert_incident(row, known, options)).await?;
        }
        step();
    }
    let zone = page_settings::load(tx).await?.time_zone;
    for (position, row) in source.maintenances.iter().enumerate() {
        let is_newest = import.is_newest(ItemKind::Event, (&row.id, &row.name), position, |r| &mut r.maintenances);
        if is_newest && import.is_shown("maintenance", row, |r| &mut r.maintenances) {
            let planned = maintenances::convert_maintenance(row, known, zone, now);
            import.maintenance(tx, planned, row.is_untimed).await?;
        }
        step();
    }
    import.templates(tx, source).await?;
    import.feed_ids(tx, source).await?;
    import.reject_broken_items(source);
    Ok(())
}

impl Import<'_> {
    /// The components that only incidents name, and a warning that says which: created if no document lists components,
    /// otherwise not.
    fn components_of_events(&mut self) -> Vec<SourceComponent> {
        let rows = self.known.components_of_events();
        // A number is no name.
        let is_named = |row: &SourceComponent| row.name.bytes().any(|b| !b.is_ascii_digit());
        let is_created = |row: &SourceComponent| !self.known.has_component_list() && is_named(row);
        let (created, missing): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_created);
        for (rows, what) in [(&missing, "not created"), (&created, "created from them")] {
            if !rows.is_empty() {
                let names = list_names(rows.iter().map(|row| row.name.as_str()));
                self.report.warnings.push(format!("components that only incidents name are {what}: {names}"));
            }
        }
        created
    }

    /// Whether the source shows the item now. Others are skipped and reported.
    fn is_shown(
        &mut self,
        kind: &str,
        row: &SourceIncident,
        counts: impl Fn(&mut ImportReport) -> &mut KindCounts,
    ) -> bool {
        let (from, until) = (parse_instant(&row.shown_from), parse_instant(&row.shown_until));
        let reason = match (from, until) {
            (Ok(from), _) if from > self.now => "its date is in the future",
            (_, Ok(until)) if until <= self.now => "it has expired",
            _ => return true,
        };
        counts(&mut self.report).skipped += 1;
        self.report.skips.push(format!("{kind} {} “{}”: hidden in the source: {reason}", row.id, row.name));
        false
    }

    async fn page(&mut self, tx: &mut WriteTx, source: &SourcePage) -> Result<()> {
        let existing = page_settings::load(tx).await?;
        let (settings, warnings) = page_settings(&existing, source, self.known);
        if existing.name != DEFAULT_PAGE_NAME {
            let same = existing.name == settings.name && existing.url == settings.url;
            let same = same && existing.time_zone == settings.time_zone;
            if same {
                self.report.page.unchanged += 1;
            } else {
                self.report.page.skipped += 1;
                let skip = format!("page “{}”: the page is called “{}” already", settings.name, existing.name);
                self.report.skips.push(skip);
            }
            return Ok(());
        }
        if settings.name == DEFAULT_PAGE_NAME
            && settings.url == existing.url
            && settings.time_zone == existing.time_zone
        {
            self.report.page.unchanged += 1;
            return Ok(());
        }
        let (id, changed_at) =
            (Some(source.id.as_str()).filter(|id| is_id(id)), convert::parse_changed_at(&source.updated_at, self.now));
        self.entries.push(imported::page(tx, &existing, &settings, id, changed_at).await?);
        self.report.page.changed += 1;
        self.report.warnings.extend(warnings);
        Ok(())
    }

    /// Sets the brand of a page that has none.
    async fn brand(&mut self, tx: &mut WriteTx, source: &BrandFile) -> Result<()> {
        let existing = page_settings::load(tx).await?;
        let settings = match brand_settings(source) {
            Ok(settings) => settings,
            Err(reason) => {
                self.report.warnings.push(format!("brand: it can't be used: {reason}"));
                return Ok(());
            }
        };
        let stored = (&existing.logo_text, &existing.links, &existing.brand);
        if stored == (&settings.header_text, &settings.links, &settings.brand) {
            self.report.page.unchanged += 1;
        } else if *stored.2 == PageBrand::default() && stored.0.is_empty() && stored.1.is_empty() {
            self.entries.push(imported::brand(tx, &existing, &settings).await?);
            self.report.page.changed += 1;
        } else {
            self.report.page.skipped += 1;
            self.report.skips.push("brand: the page has a brand already".to_owned());
        }
        Ok(())
    }

    async fn groups(&mut self, tx: &mut WriteTx, source: &Source) -> Result<()> {
        let stored = components::list_groups(tx).await?;
        let stored_ids: BTreeSet<String> = stored.iter().map(|group| group.id.to_string()).collect();
        let mut stored: BTreeMap<GroupId, Group> = stored.into_iter().map(|group| (group.id.clone(), group)).collect();
        let mut rows = Vec::new();
        for (position, row) in source.components.iter().enumerate().filter(|(_, row)| row.group) {
            if self.is_newest(ItemKind::Group, (&row.id, &row.name), position, |r| &mut r.groups) {
                rows.push(row);
            }
        }
        // A component's group may be in a later document and is then imported here.
        let elsewhere = self.known.groups_in_other_documents(source).into_iter();
        rows.extend(elsewhere.filter(|row| !stored_ids.contains(&row.id)));
        let mut converted = Vec::new();
        let mut places = Vec::new();
        for row in rows.into_iter().filter(|row| !self.known.is_hidden(&row.id)) {
            let Some(group) = self.or_reject(convert::convert_group(row, self.now), |r| &mut r.groups) else {
                continue;
            };
            let (id, source) = (group.thing.id.to_string(), group.thing.position);
            let change = find_local_change(tx, &id, GROUP_NOUNS).await?;
            let stored = stored.get(&group.thing.id).map(|stored| stored.position);
            let is_changed_here = stored.is_some() && change.is_some();
            places.push(Place { list: None, id, source, stored, is_changed_here });
            converted.push((group, change));
        }
        let positions = imported_positions(places);
        for (Converted { mut thing, warnings }, change) in converted {
            thing.position = positions.get(thing.id.as_str()).copied().unwrap_or(thing.position);
            match stored.get(&thing.id) {
                None if change == Some(LocalChange::Deleted) => {
                    self.skip(LocalChange::Deleted, ("group", thing.id.as_str(), &thing.name), |r| &mut r.groups);
                    continue;
                }
                None => {
                    self.entries.push(imported::group(tx, None, &mut thing, self.now).await?);
                    self.report.groups.created += 1;
                    self.report.warnings.extend(warnings);
                }
                Some(before) if same_group(before, &thing) => self.report.groups.unchanged += 1,
                Some(before) => {
                    if let Some(change) = change {
                        self.skip(change, ("group", before.id.as_str(), &before.name), |r| &mut r.groups);
                        continue;
                    }
                    let mut after = Group { version: before.version, created_at: before.created_at, ..thing.clone() };
                    self.entries.push(imported::group(tx, Some(before), &mut after, self.now).await?);
                    self.report.groups.changed += 1;
                    self.report.warnings.extend(warnings);
                }
            }
            stored.insert(thing.id.clone(), thing);
        }
        Ok(())
    }

    async fn components(&mut self, tx: &mut WriteTx, source: &Source) -> Result<()> {
        let groups: BTreeSet<GroupId> = components::list_groups(tx).await?.into_iter().map(|group| group.id).collect();
        let stored = components::list(tx).await?;
        let mut stored: BTreeMap<ComponentId, Component> =
            stored.into_iter().map(|component| (component.id.clone(), component)).collect();
        let of_events = if self.document == 0 { self.components_of_events() } else { Vec::new() };
        let mut rows: Vec<&SourceComponent> = of_events.iter().collect();
        for (position, row) in source.components.iter().enumerate().filter(|(_, row)| !row.group) {
            let is_newest = self.is_newest(ItemKind::Component, (&row.id, &row.name), position, |r| &mut r.components);
            if is_newest && !self.known.is_hidden(&row.id) {
                rows.push(row);
            }
        }
        let mut converted = Vec::new();
        let mut places = Vec::new();
        for row in rows {
            let planned = convert::convert_component(row, self.known, self.now);
            let Some(mut component) = self.or_reject(planned, |r| &mut r.components) else { continue };
            // The group may have been rejected.
            component.thing.group_id = component.thing.group_id.filter(|group| groups.contains(group));
            let (id, source) = (component.thing.id.to_string(), component.thing.position);
            let change = find_local_change(tx, &id, COMPONENT_NOUNS).await?;
            let list = component.thing.group_id.as_ref().map(ToString::to_string);
            let stored = stored.get(&component.thing.id).map(|stored| stored.position);
            let is_changed_here = stored.is_some() && change.is_some();
            places.push(Place { list, id, source, stored, is_changed_here });
            converted.push((component, change));
        }
        let positions = imported_positions(places);
        for (Converted { mut thing, warnings }, change) in converted {
            thing.position = positions.get(thing.id.as_str()).copied().unwrap_or(thing.position);
            match stored.get(&thing.id) {
                None if change == Some(LocalChange::Deleted) => {
                    let item = ("component", thing.id.as_str(), thing.name.as_str());
                    self.skip(LocalChange::Deleted, item, |r| &mut r.components);
                    continue;
                }
                None => {
                    self.entries.push(imported::component(tx, None, &mut thing, self.now).await?);
                    self.report.components.created += 1;
                    if self.report.new_components.len() < MAX_NAMED_ITEMS {
                        self.report.new_components.push(thing.name.clone());
                    }
                    self.report.warnings.extend(warnings);
                }
                Some(before) => {
                    if self.known.has_open_event(&thing.id) {
                        thing.status = before.status;
                    }
                    if same_component(before, &thing) {
                        self.report.components.unchanged += 1;
                    } else if let Some(change) = change {
                        self.skip(change, ("component", before.id.as_str(), &before.name), |r| &mut r.components);
                        continue;
                    } else {
                        thing.version = before.version;
                        thing.created_at = before.created_at;
                        self.entries.push(imported::component(tx, Some(before), &mut thing, self.now).await?);
                        self.report.components.changed += 1;
                        self.report.warnings.extend(warnings);
                    }
                }
            }
            stored.insert(thing.id.clone(), thing);
        }
        Ok(())
    }

    async fn incident(
        &mut self,
        tx: &mut WriteTx,
        planned: std::result::Result<Converted<ConvertedIncident>, String>,
    ) -> Result<()> {
        let Some(Converted { thing: story, mut warnings }) = self.or_reject(planned, |r| &mut r.incidents) else {
            return Ok(());
        };
        let ConvertedIncident { incident: mut thing, review } = story;
        if let Some(id) = MaintenanceId::parse(thing.id.as_str())
            && db::maintenances::exists(tx, &id).await?
        {
            self.report.incidents.refused += 1;
            self.report.refusals.push(format!("incident {id} “{}”: a maintenance has this id", thing.title));
            return Ok(());
        }
        ensure_unique_update_ids(tx, &mut thing, &mut warnings).await?;
        let change = find_local_change(tx, thing.id.as_str(), INCIDENT_NOUNS).await?;
        if !admin_incidents::exists(tx, &thing.id).await? {
            if change == Some(LocalChange::Deleted) {
                self.skip(LocalChange::Deleted, ("incident", thing.id.as_str(), &thing.title), |r| &mut r.incidents);
                return Ok(());
            }
            self.entries.push(imported::incident(tx, None, &mut thing, self.now).await?);
            if let Some(review) = review {
                self.review(tx, review, &thing.title, 0).await?;
            }
            self.report.incidents.created += 1;
            name_newest(&mut self.report.new_incidents, thing.started_at, &thing.title);
            self.report.warnings.extend(warnings);
            return Ok(());
        }
        let before = admin_incidents::find(tx, &thing.id).await?;
        thing.detected_by = self.options.detected_by.clone().or_else(|| before.detected_by.clone());
        (thing.visibility, thing.reminder) = (before.visibility, before.reminder);
        thing.postmortem_published_at = before.postmortem_published_at;
        let existing = postmortems::compare_postmortem(tx, review.as_ref()).await?;
        let is_same = same_incident(&before, &thing);
        if is_same && matches!(existing, Existing::Same) {
            self.report.incidents.unchanged += 1;
            return Ok(());
        }
        if let Some(change) = change {
            self.skip(change, ("incident", before.id.as_str(), &before.title), |r| &mut r.incidents);
            return Ok(());
        }
        if !is_same {
            thing.version = before.version;
            self.entries.push(imported::incident(tx, Some(&before), &mut thing, self.now).await?);
        }
        if let (Some(review), Existing::Other(version)) = (review, existing) {
            self.review(tx, review, &thing.title, version).await?;
        }
        self.report.incidents.changed += 1;
        self.report.warnings.extend(warnings);
        Ok(())
    }

    /// Replaces the stored postmortem of this version.
    async fn review(&mut self, tx: &mut WriteTx, review: Postmortem, title: &str, version: i64) -> Result<()> {
        let mut review = Postmortem { version, ..review };
        self.entries.push(imported::postmortem(tx, title, &mut review).await?);
        Ok(())
    }

    fn reject_broken_items(&mut self, source: &Source) {
        self.report.warnings.extend(source.remarks.iter().cloned());
        for broken in &source.broken {
            let kind = match broken.split(' ').next() {
                Some("incident") => &mut self.report.incidents,
                Some("maintenance") => &mut self.report.maintenances,
                Some("template") => &mut self.report.templates,
                Some("component") => &mut self.report.components,
                _ => &mut self.report.others,
            };
            kind.refused += 1;
            self.report.refusals.push(broken.clone());
        }
    }
}

/// Replaces update ids that belong to another incident.
async fn ensure_unique_update_ids(tx: &mut WriteTx, incident: &mut Incident, warnings: &mut Vec<String>) -> Result<()> {
    for (index, update) in incident.updates.iter_mut().enumerate() {
        let owner = admin_incidents::find_incident_of_update(tx, &update.id).await?;
        if owner.is_some_and(|owner| owner != incident.id) {
            warnings.push(format!(
                "incident {} “{}”: the id “{}” of an update belongs to another incident",
                incident.id, incident.title, update.id
            ));
            update.id = convert::derived_update_id(incident.id.as_str(), index);
        }
    }
    Ok(())
}

fn list_names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names: Vec<String> = names.take(MAX_NAMED).map(|name| format!("“{name}”")).collect();
    names.join(", ") + &rest
}

fn page_settings(existing: &Page, source: &SourcePage, known: &ImportContext) -> (PageSettings, Vec<String>) {
    let mut warnings = Vec::new();
    let (name, cut) = sanitize::sanitize_line(&source.name, MAX_PAGE_TEXT);
    warnings.extend(cut.into_iter().map(|message| format!("page: the name was {message}")));
    let is_linked = source.url.len() <= MAX_PAGE_TEXT && is_safe_url(&source.url) && !known.is_own_page(&source.url);
    let url = if is_linked { source.url.clone() } else { String::new() };
    if url != source.url && !known.is_own_page(&source.url) {
        warnings.push(format!("page: the address “{}” can't be linked; it is skipped", source.url));
    }
    let time_zone = parse_zone_name(&source.time_zone).unwrap_or_else(|| {
        if !source.time_zone.is_empty() {
            warnings.push(format!(
                "page: the time zone “{}” is unknown; it stays {}",
                source.time_zone, existing.time_zone
            ));
        }
        existing.time_zone
    });
    let name = if name.is_empty() { existing.name.clone() } else { name };
    let (logo_text, links, embedders) =
        (existing.logo_text.clone(), existing.links.clone(), existing.embedders.clone());
    let settings = PageSettings { name, url, time_zone, logo_text, links, embedders };
    (settings, warnings)
}

/// Checks a brand like a submitted one: a file may come from anywhere.
fn brand_settings(source: &BrandFile) -> std::result::Result<BrandSettings, String> {
    let read = |base64: &str| match base64 {
        "" => Ok(None),
        base64 if base64.len() > MAX_UPLOAD * 2 => Err("an image is too large".to_owned()),
        base64 => BASE64_STANDARD.decode(base64).map(Some).map_err(|_| "an image is not in base64".to_owned()),
    };
    let logo = |base64: &str| read(base64)?.map(|bytes| sanitize_logo(&bytes)).transpose();
    let favicon = read(&source.favicon)?.map(|bytes| sanitize_favicon(&bytes)).transpose()?;
    let images = [logo(&source.logo)?, logo(&source.logo_dark)?, favicon];
    source.form.parse(&PageBrand::default(), images).map_err(|wrong| wrong.to_string())
}

fn same_group(a: &Group, b: &Group) -> bool {
    (&a.name, &a.description, a.position) == (&b.name, &b.description, b.position)
}

fn same_component(a: &Component, b: &Component) -> bool {
    let shown = |c: &Component| (c.status, c.position, c.start_date, c.only_show_if_degraded);
    (&a.name, &a.description, &a.group_id) == (&b.name, &b.description, &b.group_id) && shown(a) == shown(b)
}

/// Compares two incidents without versions, row times and internal note.
fn same_incident(a: &Incident, b: &Incident) -> bool {
    let said = |incident: &Incident| {
        let mut said = incident.clone();
        said.version = 0;
        said.created_at = DateTime::UNIX_EPOCH;
        said.updated_at = DateTime::UNIX_EPOCH;
        said.internal_note = None;
        said
    };
    said(a) == said(b)
}
