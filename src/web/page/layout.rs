//! What every page of the admin shows around its own matter.

use super::flash;
use crate::db::{self, Tx};
use crate::domain::forms::Fields;
use crate::domain::page_status::{Banner, Indicator};
use crate::domain::{Component, Status};
use crate::state::State;
use crate::ui::admin_layout::{Assets, Porch, Shell};
use crate::ui::pages::admin::{Board, Conflict};
use crate::web::access::manager::Manager;
use crate::web::edge::assets;

/// The shell of a page for `manager`; `query` may tell what was done before.
pub async fn shell<P>(state: &State, tx: &mut Tx, manager: &Manager<P>, query: &Fields) -> db::Result<Shell> {
    let page = db::page_settings::load(tx).await?;
    let tone = tone(tx).await?;
    Ok(Shell {
        page_name: page.logo().to_owned(),
        tone,
        manager: (**manager).clone(),
        notice: flash::told(query),
        zone: page.time_zone,
        now: state.clock.now(),
        assets: asset_links(&manager.nonce),
    })
}

/// The shell of a page for those who are not logged in.
pub async fn porch(state: &State, nonce: &str) -> Porch {
    let page = match state.db.read().await {
        Ok(mut tx) => db::page_settings::load(&mut tx).await.ok(),
        Err(_) => None,
    };
    let page_name = page.map_or_else(|| "Status".to_owned(), |page| page.logo().to_owned());
    Porch { page_name, assets: asset_links(nonce) }
}

/// The same where no database may be asked: its name is that of the published page.
pub fn plain_porch(state: &State) -> Porch {
    let page_name =
        state.publisher.snapshot().map_or_else(|| "Status".to_owned(), |shown| shown.page.logo().to_owned());
    Porch { page_name, assets: asset_links("") }
}

/// The board of components as visitors see it.
pub async fn board(tx: &mut Tx) -> db::Result<Board> {
    let shown = db::incidents::open(tx).await?;
    let groups = db::components::groups(tx).await?;
    let components = db::components::list(tx).await?;
    let planned = db::maintenances::planned(tx).await?;
    Ok(Board::of(&groups, &components, &shown, &planned))
}

/// Who changed the thing `id` last, and the form as it stands for what they left.
pub async fn conflict_with<F>(tx: &mut Tx, id: &str, theirs: F) -> db::Result<Conflict<F>> {
    let last = db::audit::last_of(tx, id).await?;
    let (by, at) = last.map(|record| (Some(record.actor.name), Some(record.at))).unwrap_or_default();
    Ok(Conflict { by, at, theirs })
}

async fn tone(tx: &mut Tx) -> db::Result<Indicator> {
    let open = db::incidents::open(tx).await?;
    let components = db::components::list(tx).await?;
    let planned = db::maintenances::planned(tx).await?;
    let status = |component: &Component| component.effective_status(&open, &planned);
    let statuses: Vec<Status> = components.iter().map(status).collect();
    Ok(Banner::of(&statuses, &open).tone)
}

fn asset_links(nonce: &str) -> Assets {
    let links = assets::addresses();
    Assets {
        nonce: nonce.to_owned(),
        css_href: links.css.clone(),
        keys_href: links.keys.clone(),
        js_href: links.js.clone().unwrap_or_default(),
        wasm_href: links.wasm.clone().unwrap_or_default(),
        passkey_href: links.passkey.clone(),
    }
}
