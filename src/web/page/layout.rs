//! The layout of every admin page.

use super::flash;
use crate::db::{self, Tx};
use crate::domain::forms::Fields;
use crate::domain::page_status::Tone;
use crate::domain::subscriber::NotifySwitch;
use crate::state::State;
use crate::ui::admin_layout::{AdminContext, Assets, LoggedOutContext};
use crate::ui::pages::admin::{ComponentBoard, Conflict};
use crate::web::access::manager::Manager;
use crate::web::edge::assets;

/// The layout for `manager`; `query` may have the key of a flash message.
pub async fn admin_context<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    query: &Fields,
) -> db::Result<AdminContext> {
    let page = db::page_settings::load(tx).await?;
    let tone = page_tone(tx).await?;
    let open_incidents = db::admin_incidents::count_open(tx).await?;
    Ok(AdminContext {
        page_name: page.logo().to_owned(),
        tone,
        open_incidents,
        manager: (**manager).clone(),
        notice: flash::flash_message(query, manager.role),
        zone: page.time_zone,
        now: state.clock.now(),
        assets: asset_links(&manager.nonce),
        notify: NotifySwitch { is_on: query.notify_choice().unwrap_or(true), ..NotifySwitch::default() },
    })
}

/// The layout for pages without a login.
pub async fn logged_out_layout(state: &State, nonce: &str) -> LoggedOutContext {
    let page = match state.db.read().await {
        Ok(mut tx) => db::page_settings::load(&mut tx).await.ok(),
        Err(_) => None,
    };
    let page_name = page.map_or_else(|| "Status".to_owned(), |page| page.logo().to_owned());
    LoggedOutContext { page_name, assets: asset_links(nonce) }
}

/// The same without the database: the name comes from the published page.
pub fn offline_layout(state: &State) -> LoggedOutContext {
    let page_name =
        state.publisher.snapshot().map_or_else(|| "Status".to_owned(), |shown| shown.page.logo().to_owned());
    LoggedOutContext { page_name, assets: asset_links("") }
}

pub async fn component_board(tx: &mut Tx) -> db::Result<ComponentBoard> {
    let shown = db::incidents::list_open(tx).await?;
    let groups = db::components::list_groups(tx).await?;
    let components = db::components::list(tx).await?;
    let planned = db::maintenances::list_planned(tx).await?;
    Ok(ComponentBoard::new(&groups, &components, &shown, &planned))
}

/// Who last changed the object `id`, with its stored form `theirs`.
pub async fn load_conflict<F>(tx: &mut Tx, id: &str, theirs: F) -> db::Result<Conflict<F>> {
    let last = db::audit::find_latest(tx, id).await?;
    let (by, at) = last.map(|record| (Some(record.actor.name), Some(record.at))).unwrap_or_default();
    Ok(Conflict { by, at, theirs })
}

async fn page_tone(tx: &mut Tx) -> db::Result<Tone> {
    let open = db::incidents::list_open(tx).await?;
    let components = db::components::list(tx).await?;
    let planned = db::maintenances::list_planned(tx).await?;
    Ok(Tone::of_page(components.iter().map(|component| component.effective_status(&open, &planned)), &open))
}

fn asset_links(nonce: &str) -> Assets {
    let links = assets::asset_urls();
    Assets {
        nonce: nonce.to_owned(),
        css_href: links.css.clone(),
        keys_href: links.keys.clone(),
        js_href: links.js.clone().unwrap_or_default(),
        wasm_href: links.wasm.clone().unwrap_or_default(),
        passkey_href: links.passkey.clone(),
    }
}
