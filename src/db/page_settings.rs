//! The page's settings: one row.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::forms::PageSettings;
use crate::domain::page::{Link, Page};

#[apply(from_row!)]
struct Row {
    id: String,
    name: String,
    url: String,
    time_zone: String,
    logo_text: String,
    embedders: String,
    updated_at: DateTime<Utc>,
    version: i64,
}

pub async fn load(tx: &mut Tx) -> Result<Page> {
    let row = row!(tx, Row, "select id, name, url, time_zone, logo_text, embedders, updated_at, version from page")?;
    let row = row.ok_or(Error::NotFound)?;
    let links = rows!(tx, (String, String), "select label, url from page_links order by position")?;
    Ok(Page {
        time_zone: row.time_zone.parse().map_err(Error::other)?,
        links: links.into_iter().map(|(label, url)| Link { label, url }).collect(),
        id: row.id,
        name: row.name,
        url: row.url,
        logo_text: row.logo_text,
        embedders: row.embedders.lines().map(str::to_owned).collect(),
        updated_at: row.updated_at,
        version: row.version,
    })
}

/// Fails with `Conflict` if the stored version differs.
pub async fn update(tx: &mut WriteTx, page: &Page, settings: &PageSettings, now: DateTime<Utc>) -> Result<()> {
    let changed = run!(
        tx,
        "update page set name = $1, url = $2, time_zone = $3, logo_text = $4, embedders = $5, updated_at = $6,
                         version = version + 1
         where version = $7",
        settings.name.as_str(),
        settings.url.as_str(),
        settings.time_zone.name(),
        settings.logo_text.as_str(),
        settings.embedders.join("\n"),
        now,
        page.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the settings were changed in the meantime"));
    }
    run!(tx, "delete from page_links")?;
    for (position, link) in (1_i64..).zip(&settings.links) {
        let sql = "insert into page_links (position, label, url) values ($1, $2, $3)";
        run!(tx, sql, position, link.label.as_str(), link.url.as_str())?;
    }
    Ok(())
}

/// Sets the page's id, which an import may bring along.
pub async fn set_id(tx: &mut WriteTx, id: &str) -> Result<()> {
    run!(tx, "update page set id = $1", id)?;
    Ok(())
}

/// Writes the rows that must always exist.
pub(super) async fn ensure(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "insert into revision (id, number, changed_at) values (1, 1, $1) on conflict do nothing", now)?;
    let any = row!(tx, (i64,), "select count(*) from page")?;
    if any == Some((0,)) {
        let id = crate::domain::IncidentId::from_random(random_bytes());
        let sql = "insert into page (id, name, url, time_zone, logo_text, updated_at, version)
                   values ($1, 'Status', '', 'UTC', '', $2, 1)";
        run!(tx, sql, id.as_str(), now)?;
    }
    Ok(())
}

/// Where the server was last reached; `None` before its first start.
pub async fn server_origin(tx: &mut Tx) -> Result<Option<String>> {
    let row = row!(tx, (String,), "select server_origin from page")?;
    Ok(row.map(|(origin,)| origin).filter(|origin| !origin.is_empty()))
}

pub async fn set_server_origin(tx: &mut WriteTx, origin: &str) -> Result<()> {
    run!(tx, "update page set server_origin = $1", origin)?;
    Ok(())
}
