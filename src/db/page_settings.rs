//! The page's settings: one row.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::brand::{Appearance, Ground, Logo, LogoFormat, PageBrand, Typeface};
use crate::domain::colour::Colour;
use crate::domain::forms::{BrandSettings, PageSettings};
use crate::domain::page::{Link, Page};

#[apply(from_row!)]
struct Row {
    id: String,
    name: String,
    url: String,
    time_zone: String,
    logo_text: String,
    embedders: String,
    accent: String,
    accent_dark: String,
    ground: String,
    ground_light: String,
    ground_dark: String,
    typeface: String,
    appearance: String,
    about: String,
    support: String,
    powered_by: bool,
    noindex: bool,
    updated_at: DateTime<Utc>,
    version: i64,
}

#[apply(from_row!)]
struct LogoRow {
    scheme: String,
    format: String,
    width: i64,
    height: i64,
    digest: String,
    bytes: Vec<u8>,
}

impl LogoRow {
    fn logo(&self) -> Option<Logo> {
        Some(Logo {
            format: LogoFormat::from_key(&self.format)?,
            width: u32::try_from(self.width).ok()?,
            height: u32::try_from(self.height).ok()?,
            digest: self.digest.clone(),
            bytes: self.bytes.clone(),
        })
    }
}

/// Unknown values count as the default, so that the page stays readable.
fn brand(row: &Row, logos: &[LogoRow]) -> PageBrand {
    let logo = |scheme: &str| logos.iter().find(|row| row.scheme == scheme).and_then(LogoRow::logo);
    let ground = match row.ground.as_str() {
        "own" => Colour::parse(&row.ground_light)
            .zip(Colour::parse(&row.ground_dark))
            .map(|(light, dark)| Ground::Own { light, dark }),
        key => Ground::PRESETS.into_iter().map(|(ground, _)| ground).find(|ground| ground.key() == key),
    };
    PageBrand {
        logo: logo(LIGHT),
        logo_dark: logo(DARK),
        favicon: logo(FAVICON),
        accent: Colour::parse(&row.accent),
        accent_dark: Colour::parse(&row.accent_dark),
        ground: ground.unwrap_or(Ground::Warm),
        typeface: Typeface::from_key(&row.typeface).unwrap_or(Typeface::System),
        appearance: Appearance::from_key(&row.appearance).unwrap_or(Appearance::Automatic),
        about: row.about.clone(),
        support: row.support.clone(),
        powered_by: row.powered_by,
        noindex: row.noindex,
    }
}

const LIGHT: &str = "light";
const DARK: &str = "dark";
const FAVICON: &str = "favicon";

pub async fn load(tx: &mut Tx) -> Result<Page> {
    let sql = "select id, name, url, time_zone, logo_text, embedders, accent, accent_dark, ground, ground_light,
                 ground_dark, typeface, appearance, about, support, powered_by, noindex, updated_at, version
               from page";
    let row = row!(tx, Row, sql)?.ok_or(Error::NotFound)?;
    let logos = rows!(tx, LogoRow, "select scheme, format, width, height, digest, bytes from page_logos")?;
    let links = rows!(tx, (String, String), "select label, url from page_links order by position")?;
    Ok(Page {
        brand: brand(&row, &logos),
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
    write_links(tx, &settings.links).await
}

async fn write_links(tx: &mut WriteTx, links: &[Link]) -> Result<()> {
    run!(tx, "delete from page_links")?;
    for (position, link) in (1_i64..).zip(links) {
        let sql = "insert into page_links (position, label, url) values ($1, $2, $3)";
        run!(tx, sql, position, link.label.as_str(), link.url.as_str())?;
    }
    Ok(())
}

/// Fails with `Conflict` if the stored version differs.
pub async fn update_brand(tx: &mut WriteTx, page: &Page, settings: &BrandSettings, now: DateTime<Utc>) -> Result<()> {
    let BrandSettings { header_text, links, brand } = settings;
    let text = |colour: Option<Colour>| colour.map(|colour| colour.to_string()).unwrap_or_default();
    let (light, dark) = match brand.ground {
        Ground::Own { light, dark } => (light.to_string(), dark.to_string()),
        _ => <(String, String)>::default(),
    };
    let changed = run!(
        tx,
        "update page set logo_text = $1, accent = $2, accent_dark = $3, ground = $4, ground_light = $5,
                         ground_dark = $6, typeface = $7, appearance = $8, about = $9, support = $10,
                         powered_by = $11, noindex = $12, updated_at = $13, version = version + 1
         where version = $14",
        header_text.as_str(),
        text(brand.accent),
        text(brand.accent_dark),
        brand.ground.key(),
        light,
        dark,
        brand.typeface.key(),
        brand.appearance.key(),
        brand.about.as_str(),
        brand.support.as_str(),
        brand.powered_by,
        brand.noindex,
        now,
        page.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the settings were changed in the meantime"));
    }
    write_links(tx, links).await?;
    run!(tx, "delete from page_logos")?;
    for (scheme, logo) in [(LIGHT, &brand.logo), (DARK, &brand.logo_dark), (FAVICON, &brand.favicon)] {
        let Some(logo) = logo else { continue };
        run!(
            tx,
            "insert into page_logos (scheme, format, width, height, digest, bytes) values ($1, $2, $3, $4, $5, $6)",
            scheme,
            logo.format.key(),
            i64::from(logo.width),
            i64::from(logo.height),
            logo.digest.as_str(),
            logo.bytes.as_slice()
        )?;
    }
    Ok(())
}

/// The step of the guided setup to continue with; [`SETUP_FINISHED`] once it is finished.
pub async fn setup_step(tx: &mut Tx) -> Result<i64> {
    Ok(row!(tx, (i64,), "select setup_step from page")?.map_or(SETUP_FINISHED, |(step,)| step))
}

pub async fn set_setup_step(tx: &mut WriteTx, step: i64) -> Result<()> {
    run!(tx, "update page set setup_step = $1", step.clamp(1, SETUP_FINISHED))?;
    Ok(())
}

pub const SETUP_FINISHED: i64 = 5;

pub async fn is_checklist_dismissed(tx: &mut Tx) -> Result<bool> {
    let row = row!(tx, (i64,), "select count(*) from page where checklist_dismissed_at is not null")?;
    Ok(row.is_some_and(|(count,)| count > 0))
}

pub async fn dismiss_checklist(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update page set checklist_dismissed_at = $1", now)?;
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
