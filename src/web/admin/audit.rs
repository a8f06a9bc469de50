use axum::extract::State as FromState;
use axum::response::Response;

use crate::db;
use crate::domain::search::AuditSearch;
use crate::state::State;
use crate::ui::pages::admin::AuditList;
use crate::web::Result;
use crate::web::access::manager::{CanRead, Manager};
use crate::web::form::Search;
use crate::web::page::layout::shell;
use crate::web::page::page;
use crate::web::page::pagination;

/// `GET /admin/audit`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let before = query.text("before").parse().ok();
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let head = db::audit_chain::head(&mut tx).await?;
    let search = AuditSearch::read(&query);
    let mut records = db::audit::search(&mut tx, &search, before, pagination::READ).await?;
    let older = pagination::cut(&mut records, |record| Some(record.id));
    Ok(page(AuditList { shell, search, records, older, head }.html()))
}
