//! `candor sample`: fills an empty database with a fictional company.

mod ids;
mod incidents;
mod maintenances;
mod page;

pub use page::{DemoData, demo_data};

use anyhow::{Context as _, bail};

use super::output;
use crate::actions;
use crate::clock::Clock;
use crate::db::{self, Db, Tx, WriteTx, admin_incidents, components, page_settings};
use crate::domain::audit::Actor;

pub async fn run(db: &Db, clock: &Clock) -> anyhow::Result<()> {
    let company = load_demo(db, clock).await?;
    let (components, incidents) = (company.components.len(), company.incidents.len());
    say!(
        "{} has {} and {}, one of them open, and two scheduled maintenances.",
        company.settings.name,
        output::format_count(components, "component"),
        output::format_count(incidents, "incident")
    );
    Ok(())
}

/// Writes the sample data in one transaction; fails if the database is not empty.
pub async fn load_demo(db: &Db, clock: &Clock) -> anyhow::Result<DemoData> {
    let now = clock.now();
    let company = demo_data(now).context("the sample data")?;
    let mut tx = db.write().await.map_err(output::describe_error)?;
    if !is_database_empty(&mut tx).await.map_err(output::describe_error)? {
        bail!("the database is not empty; `sample` needs an empty database");
    }
    write_demo(&mut tx, &company).await.map_err(output::describe_error)?;
    let entry = actions::settings::load_sample(&company.settings.name);
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    Ok(company)
}

/// Managers don't count: one is created during setup.
async fn is_database_empty(tx: &mut Tx) -> db::Result<bool> {
    let history = admin_incidents::list(tx, None, 1).await?;
    let parts = components::list(tx).await?.len() + components::list_groups(tx).await?.len();
    Ok(history.is_empty() && parts == 0 && page_settings::load(tx).await?.version == 1)
}

async fn write_demo(tx: &mut WriteTx, company: &DemoData) -> db::Result<()> {
    let existing = page_settings::load(tx).await?;
    page_settings::update(tx, &existing, &company.settings, company.now).await?;
    page_settings::set_id(tx, &company.page_id).await?;
    for group in &company.groups {
        components::insert_group(tx, group).await?;
    }
    for component in &company.components {
        components::insert(tx, component).await?;
    }
    for incident in &company.incidents {
        db::incidents::insert(tx, incident).await?;
    }
    db::series::insert(tx, &company.series).await?;
    for maintenance in &company.maintenances {
        db::maintenances::insert(tx, maintenance).await?;
    }
    Ok(())
}
