use axum::extract::State as FromState;
use axum::response::Response;

use crate::db::{admin_incidents, audit, draft_presence, drafts, maintenances, subscribers};
use crate::domain::audit::{Action, Record};
use crate::domain::history::Cursor;
use crate::domain::subscriber::SubscriberState;
use crate::state::State;
use crate::ui::pages::admin::Dashboard;
use crate::web::Result;
use crate::web::access::manager::{CanRead, Manager};
use crate::web::admin::setup::load_checklist;
use crate::web::admin::subscribers::load_queue;
use crate::web::form::QueryFields;
use crate::web::page::layout::{admin_context, component_board};
use crate::web::page::page_response;
use crate::web::page::pagination;

/// How many of the newest incidents are searched for resolved ones.
const RECENT_LIMIT: i64 = 10;
/// How many of the newest rows of the audit log are searched for changes to the page.
const AUDIT_LIMIT: i64 = 40;
const MAX_ACTIVITY: usize = 5;
/// What the page shows to visitors, or will.
const PAGE_NOUNS: [&str; 9] =
    ["incident", "maintenance", "series", "postmortem", "component", "group", "draft", "page", "template"];

/// `GET /admin`; with a cursor, the open incidents after it.
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let checklist = load_checklist(&state, &mut tx, &shell).await?;
    let board = component_board(&mut tx).await?;
    let cursor = Cursor::parse(&query.text("before"));
    let mut open = admin_incidents::list_open(&mut tx, cursor.as_ref(), pagination::READ_LIMIT).await?;
    let older = pagination::take_page(&mut open, admin_incidents::incident_cursor);
    let planned = maintenances::list_planned(&mut tx).await?;
    let newest = admin_incidents::list(&mut tx, None, RECENT_LIMIT).await?;
    let recent = newest.into_iter().filter(|incident| !incident.is_open()).collect();
    let drafts = drafts::list(&mut tx).await?;
    let readers = draft_presence::list_others(&mut tx, &manager.id, state.clock.now()).await?;
    let queue = load_queue(&state, &mut tx).await?;
    let counts = subscribers::count_by_channel(&mut tx).await?.into_iter();
    let active = counts.filter(|(_, state, _)| *state == SubscriberState::Active);
    let subscribers = active.map(|(channel, _, count)| (channel, count)).collect();
    let mut activity = audit::list(&mut tx, None, AUDIT_LIMIT).await?;
    activity.retain(concerns_page);
    activity.truncate(MAX_ACTIVITY);
    let page = Dashboard {
        shell,
        open,
        older,
        planned,
        board,
        recent,
        drafts,
        readers,
        queue,
        checklist,
        subscribers,
        activity,
    };
    Ok(page_response(page.html()))
}

fn concerns_page(record: &Record) -> bool {
    Action::from_key(&record.action).is_some_and(|action| PAGE_NOUNS.contains(&action.noun()))
}
