//! Deterministic ids of the sample data, derived from titles.

use sha2::{Digest as _, Sha256};

use crate::domain::{IncidentId, MaintenanceId, SeriesId, UpdateId};

pub(super) fn incident_id(title: &str) -> IncidentId {
    IncidentId::from_random(stable_bytes(title))
}

pub(super) fn maintenance_id(title: &str) -> MaintenanceId {
    MaintenanceId::from_random(stable_bytes(title))
}

pub(super) fn series_id(title: &str) -> SeriesId {
    SeriesId::from_random(stable_bytes(&format!("{title}, again and again")))
}

pub(super) fn update_id(title: &str, index: usize) -> UpdateId {
    UpdateId::from_random(stable_bytes(&format!("{title} {index}")))
}

pub(super) fn stable_bytes(label: &str) -> [u8; 12] {
    let digest = Sha256::digest(format!("Tidewater Maps: {label}").as_bytes());
    std::array::from_fn(|at| digest[at])
}
