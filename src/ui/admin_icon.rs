//! The icons of the admin, drawn where they are used: decorative, because the words beside them say the same.

use leptos::prelude::*;

use crate::domain::page_status::Tone;
use crate::domain::{MaintenancePhase, Phase, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminIcon {
    Dashboard,
    Incidents,
    Maintenance,
    Components,
    Templates,
    Subscribers,
    Managers,
    Audit,
    Settings,
    Menu,
    External,
    Plus,
    Chevron,
    Tick,
    Bell,
    Clock,
    Document,
    Close,
    Search,
    Target,
    Pulse,
    Drag,
    Operational,
    Degraded,
    PartialOutage,
    MajorOutage,
    UnderMaintenance,
    Notice,
}

impl AdminIcon {
    /// On a grid of 24 by 24. `k` is a filled shape, `g` the sign on it.
    fn drawing(self) -> &'static str {
        match self {
            Self::Dashboard => r#"<path d="M4 11 12 4l8 7v9h-5v-6H9v6H4z"/>"#,
            Self::Incidents => r#"<path d="M12 4 22 20H2zM12 10v5M12 17.6v.2"/>"#,
            Self::Maintenance => r#"<path d="M4 7h9m4 0h3M4 17h3m4 0h9M15 5v4M9 15v4"/>"#,
            Self::Components => r#"<path d="m12 3 8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9"/>"#,
            Self::Templates | Self::Document => r#"<path d="M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6"/>"#,
            Self::Subscribers => r#"<path d="M3 6h18v12H3zM3 7l9 6 9-6"/>"#,
            Self::Managers => {
                r#"<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M16 5a3.5 3.5 0 0 1 0 6.500M18 14.500c2 .8 3.2 2.6 3.5 5.5"/>"#
            }
            Self::Audit => r#"<path d="M9 6h12M9 12h12M9 18h12M3.5 6h1M3.5 12h1M3.5 18h1"/>"#,
            Self::Settings => {
                r#"<circle cx="12" cy="12" r="3"/><path d="M12 2.500v4m0 11v4M2.5 12h4m11 0h4M5.3 5.300l2.8 2.800m7.8 7.8 2.8 2.800m0-13.4-2.8 2.800m-7.8 7.8-2.8 2.8"/>"#
            }
            Self::Menu => r#"<path d="M4 6h16M4 12h16M4 18h16"/>"#,
            Self::External => r#"<path d="M13 4h7v7M20 4l-9 9M10 5H4v15h15v-6"/>"#,
            Self::Plus => r#"<path d="M12 5v14M5 12h14"/>"#,
            Self::Chevron => r#"<path d="m6 9 6 6 6-6"/>"#,
            Self::Tick => r#"<path d="m4 13 5 5L20 6"/>"#,
            Self::Bell => r#"<path d="M6 16v-5a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4"/>"#,
            Self::Clock => r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>"#,
            Self::Close => r#"<path d="m6 6 12 12m0-12L6 18"/>"#,
            Self::Search => r#"<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>"#,
            Self::Target => r#"<circle cx="12" cy="12" r="9"/><circle cx="12" cy="12" r="4"/>"#,
            Self::Pulse => r#"<path d="M2 12h5l3-8 4 16 3-8h5"/>"#,
            Self::Drag => r#"<path d="M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01"/>"#,
            Self::Operational => r#"<circle class="k" cx="12" cy="12" r="10"/><path class="g" d="m7.5 12.5 3 3 6-7"/>"#,
            Self::Degraded => r#"<path class="k" d="M12 3 22 21H2z"/><path class="g" d="M12 9.500v5M12 18v.2"/>"#,
            Self::PartialOutage => r#"<path class="k" d="m12 2 10 10-10 10L2 12z"/><path class="g" d="M8.5 12h7"/>"#,
            Self::MajorOutage => {
                r#"<path class="k" d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path class="g" d="m9 9 6 6m0-6-6 6"/>"#
            }
            Self::UnderMaintenance => {
                r#"<rect class="k" x="2" y="2" width="20" height="20" rx="4"/><path class="g" d="M7 9h10M7 15h10M14 7v4M10 13v4"/>"#
            }
            Self::Notice => {
                r#"<circle class="k" cx="12" cy="12" r="10"/><path class="g" d="M12 11v5.500M12 7.500v.2"/>"#
            }
        }
    }

    pub fn view(self) -> AnyView {
        view! { <svg class="i" viewBox="0 0 24 24" aria-hidden="true" inner_html=self.drawing()></svg> }.into_any()
    }
}

impl From<Status> for AdminIcon {
    fn from(status: Status) -> Self {
        match status {
            Status::Operational => Self::Operational,
            Status::UnderMaintenance => Self::UnderMaintenance,
            Status::DegradedPerformance => Self::Degraded,
            Status::PartialOutage => Self::PartialOutage,
            Status::MajorOutage => Self::MajorOutage,
        }
    }
}

impl From<Tone> for AdminIcon {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Operational => Self::Operational,
            Tone::Notice => Self::Notice,
            Tone::Maintenance => Self::UnderMaintenance,
            Tone::Degraded => Self::Degraded,
            Tone::PartialOutage => Self::PartialOutage,
            Tone::MajorOutage => Self::MajorOutage,
        }
    }
}

impl From<Phase> for AdminIcon {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Investigating => Self::Search,
            Phase::Identified => Self::Target,
            Phase::Monitoring => Self::Pulse,
            Phase::Resolved => Self::Tick,
        }
    }
}

impl From<MaintenancePhase> for AdminIcon {
    fn from(phase: MaintenancePhase) -> Self {
        match phase {
            MaintenancePhase::Scheduled => Self::Clock,
            MaintenancePhase::InProgress => Self::UnderMaintenance,
            MaintenancePhase::Verifying => Self::Pulse,
            MaintenancePhase::Completed => Self::Tick,
            MaintenancePhase::Cancelled => Self::Close,
        }
    }
}

/// The class that colours a pill, a card or a row by its tone.
pub fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Operational => "t-operational",
        Tone::Notice => "t-notice",
        Tone::Maintenance => "t-maintenance",
        Tone::Degraded => "t-degraded",
        Tone::PartialOutage => "t-partial",
        Tone::MajorOutage => "t-major",
    }
}

/// An icon with words on the tint of its tone.
pub fn admin_pill(icon: AdminIcon, words: String, tone: Tone) -> AnyView {
    view! { <span class=format!("pill {}", tone_class(tone))>{icon.view()}<span>{words}</span></span> }.into_any()
}
