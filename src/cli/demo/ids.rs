//! Ids of the sample: the same for the same title.

use sha2::{Digest as _, Sha256};

use crate::domain::{IncidentId, MaintenanceId, SeriesId, UpdateId};

/// The id of the incident called `title`.
pub(super) fn incident_id(title: &str) -> IncidentId {
    IncidentId::from_random(stable_bytes(title))
}

/// The id of the maintenance called `title`.
pub(super) fn maintenance_id(title: &str) -> MaintenanceId {
    MaintenanceId::from_random(stable_bytes(title))
}

/// The id of the series called `title`.
pub(super) fn series_id(title: &str) -> SeriesId {
    SeriesId::from_random(stable_bytes(&format!("{title}, again and again")))
}

/// The id of its update at `index`.
pub(super) fn update_id(title: &str, index: usize) -> UpdateId {
    UpdateId::from_random(stable_bytes(&format!("{title} {index}")))
}

/// Bytes in place of random ones: the same for the same label.
pub(super) fn stable_bytes(label: &str) -> [u8; 12] {
    let digest = Sha256::digest(format!("Tidewater Maps: {label}").as_bytes());
    std::array::from_fn(|at| digest[at])
}
