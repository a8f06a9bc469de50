//! The programs whose pages can be fetched from an address.

/// A program whose pages can be fetched from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportSource {
    Statuspage,
    Instatus,
    OpenStatus,
    Upptime,
    IncidentIo,
}

impl ImportSource {
    pub const ALL: [Self; 5] =
        [Self::Statuspage, Self::Instatus, Self::OpenStatus, Self::Upptime, Self::IncidentIo];

    pub fn key(self) -> &'static str {
        match self {
            Self::Statuspage => "statuspage",
            Self::Instatus => "instatus",
            Self::OpenStatus => "openstatus",
            Self::Upptime => "upptime",
            Self::IncidentIo => "incident-io",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Statuspage => "Statuspage",
            Self::Instatus => "Instatus",
            Self::OpenStatus => "OpenStatus",
            Self::Upptime => "Upptime",
            Self::IncidentIo => "incident.io",
        }
    }
}
