//! Corrections of uptime: what people know better than incidents and baselines tell.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, CorrectionId, Status};

/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// How a component really stood within some span. In uptime it wins over everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UptimeCorrection {
    pub id: CorrectionId,
    pub component_id: ComponentId,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub status: Status,
    /// One line, shown publicly.
    pub reason: String,
    pub created_at: DateTime<Utc>,
}

impl UptimeCorrection {
    /// Whether it has an instant in common with the span from `from` to `to`.
    pub fn overlaps(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.from < to && from < self.to
    }
}
