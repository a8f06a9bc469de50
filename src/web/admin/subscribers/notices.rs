use axum::extract::State as FromState;
use axum::response::Response;
use chrono::TimeDelta;

use super::load_queue;
use crate::db::notices::{self, NoticeProgress};
use crate::state::State;
use crate::ui::pages::admin::{NoticeList, NoticeRow};
use crate::web::Result;
use crate::web::access::manager::{CanRead, Manager};
use crate::web::form::QueryFields;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;

const MAX_NOTICES: i64 = 20;

/// `GET /admin/subscribers/notices`: what the last publishings sent.
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let mut rows = Vec::new();
    for progress in notices::list_progress(&mut tx, state.clock.now(), MAX_NOTICES).await? {
        let title = notices::find_title(&mut tx, &progress.notice.subject_id).await?;
        rows.push(row(progress, title.unwrap_or_else(|| "(deleted)".to_owned())));
    }
    let queue = load_queue(&state, &mut tx).await?;
    Ok(page_response(NoticeList { shell, notices: rows, queue }.html()))
}

fn row(progress: NoticeProgress, title: String) -> NoticeRow {
    let per_minute = per_minute(&progress);
    let NoticeProgress { notice, is_expanded, queued, sent, rejected, replaced, dropped, reasons, .. } = progress;
    NoticeRow {
        event: notice.event,
        title,
        created_at: notice.created_at,
        is_expanded,
        queued,
        sent,
        rejected,
        replaced,
        dropped,
        reasons,
        per_minute,
    }
}

/// The rate of the last minute while messages are queued, otherwise the average; `None` if nothing was sent.
fn per_minute(progress: &NoticeProgress) -> Option<i64> {
    let last = progress.last_sent_at?;
    if progress.queued > 0 {
        return Some(progress.sent_lately);
    }
    let took = (last - progress.notice.created_at).max(TimeDelta::seconds(1));
    Some(progress.sent * 60_000 / took.num_milliseconds().max(1))
}
