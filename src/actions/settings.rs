//! Settings of the page, the login policy, and the sample page.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::db::{Result, WriteTx, login_policy, page_settings, sessions};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::{BrandSettings, PageSettings};
use crate::domain::{LoginPolicy, Manager, Page};

pub async fn edit_page(tx: &mut WriteTx, before: &Page, settings: &PageSettings, now: DateTime<Utc>) -> Result<Entry> {
    page_settings::update(tx, before, settings, now).await?;
    let after = page_settings::load(tx).await?;
    Ok(Entry::new(Action::PageEdit, &after.id, &after.name).before(before).after(&after))
}

pub async fn edit_brand(
    tx: &mut WriteTx,
    before: &Page,
    settings: &BrandSettings,
    now: DateTime<Utc>,
) -> Result<Entry> {
    page_settings::update_brand(tx, before, settings, now).await?;
    let after = page_settings::load(tx).await?;
    Ok(Entry::new(Action::PageEditBrand, &after.id, &after.name).before(before).after(&after))
}

pub async fn dismiss_checklist(tx: &mut WriteTx, now: DateTime<Utc>) -> Result<Entry> {
    page_settings::dismiss_checklist(tx, now).await?;
    let page = page_settings::load(tx).await?;
    Ok(Entry::new(Action::PageDismissChecklist, &page.id, &page.name))
}

pub async fn finish_setup(tx: &mut WriteTx) -> Result<Entry> {
    page_settings::set_setup_step(tx, page_settings::SETUP_FINISHED).await?;
    let page = page_settings::load(tx).await?;
    Ok(Entry::new(Action::PageFinishSetup, &page.id, &page.name))
}

/// Metadata are the fields of the page that API clients store.
pub fn record_metadata(page: &Page, before: &impl Serialize, after: &impl Serialize) -> Entry {
    Entry::new(Action::PageEdit, &page.id, &page.name).before(before).after(after)
}

/// A longer idle limit does not revive sessions that the former limit has ended.
pub async fn edit_login_policy(
    tx: &mut WriteTx,
    before: &LoginPolicy,
    chosen: &LoginPolicy,
    now: DateTime<Utc>,
) -> Result<Entry> {
    sessions::delete_idle(tx, now - before.session_idle()).await?;
    login_policy::update(tx, chosen).await?;
    let after = login_policy::load(tx).await?;
    Ok(Entry::new(Action::PolicyEdit, "", "").before(before).after(&after))
}

pub fn load_sample(name: &str) -> Entry {
    Entry::new(Action::SampleLoad, "", name)
}

/// Records that a manager sent a test mail to the own address.
pub fn record_test_mail(manager: &Manager) -> Entry {
    Entry::new(Action::MailTest, &manager.id, manager.name.clone())
}
