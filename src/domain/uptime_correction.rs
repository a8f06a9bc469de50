//! Manual corrections of uptime.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, CorrectionId, Status};

/// In characters.
pub const MAX_REASON: usize = 500;

/// The actual status within an interval. Wins over incidents, maintenance and baseline.
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
    pub fn overlaps(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.from < to && from < self.to
    }
}
