use axum::extract::State as FromState;
use axum::response::Response;

use crate::db;
use crate::domain::search::AuditSearch;
use crate::state::State;
use crate::ui::pages::admin::AuditList;
use crate::web::Result;
use crate::web::access::manager::{CanRead, Manager};
use crate::web::form::QueryFields;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::page::pagination;

/// `GET /admin/audit`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let before = query.text("before").parse().ok();
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let head = db::audit_chain::head(&mut tx).await?;
    let search = AuditSearch::read(&query);
    let mut records = db::audit::search(&mut tx, &search, before, pagination::READ_LIMIT).await?;
    let older = pagination::take_page(&mut records, |record| Some(record.id));
    Ok(page_response(AuditList { shell, search, records, older, head }.html()))
}
