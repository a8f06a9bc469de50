//! Icons. Each is written once per page as a `<symbol>`, and shown with `<use>`.

use std::collections::BTreeSet;

use leptos::prelude::*;

use crate::domain::page_status::Tone;
use crate::domain::{MaintenancePhase, Phase, Status};

/// Where [`insert_symbols`] puts the symbols. User text cannot contain it, because `<` is escaped there.
const PLACEHOLDER: &str = "<!--symbols-->";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Operational,
    Degraded,
    PartialOutage,
    MajorOutage,
    Maintenance,
    /// A component without data, or a neutral notice.
    Notice,
    Investigating,
    Identified,
    Monitoring,
    Resolved,
    Scheduled,
    Cancelled,
    Bell,
    Chevron,
    Link,
    Plus,
    Search,
    Menu,
    Copy,
    More,
    Drag,
}

impl Icon {
    const ALL: [Self; 21] = [
        Self::Operational,
        Self::Degraded,
        Self::PartialOutage,
        Self::MajorOutage,
        Self::Maintenance,
        Self::Notice,
        Self::Investigating,
        Self::Identified,
        Self::Monitoring,
        Self::Resolved,
        Self::Scheduled,
        Self::Cancelled,
        Self::Bell,
        Self::Chevron,
        Self::Link,
        Self::Plus,
        Self::Search,
        Self::Menu,
        Self::Copy,
        Self::More,
        Self::Drag,
    ];

    /// The id of the symbol. No id of a component or an incident begins like it.
    fn id(self) -> &'static str {
        match self {
            Self::Operational => "i-ok",
            Self::Degraded => "i-minor",
            Self::PartialOutage => "i-major",
            Self::MajorOutage => "i-critical",
            Self::Maintenance => "i-work",
            Self::Notice => "i-note",
            Self::Investigating => "i-lens",
            Self::Identified => "i-target",
            Self::Monitoring => "i-pulse",
            Self::Resolved => "i-tick",
            Self::Scheduled => "i-clock",
            Self::Cancelled => "i-x",
            Self::Bell => "i-bell",
            Self::Chevron => "i-go",
            Self::Link => "i-link",
            Self::Plus => "i-plus",
            Self::Search => "i-search",
            Self::Menu => "i-menu",
            Self::Copy => "i-copy",
            Self::More => "i-more",
            Self::Drag => "i-drag",
        }
    }

    /// On a grid of 24 by 24. `k` is a filled shape, `g` the sign on it.
    fn drawing(self) -> &'static str {
        match self {
            Self::Operational => {
                "<circle class=\"k\" cx=\"12\" cy=\"12\" r=\"10\"/><path class=\"g\" d=\"m7.5 12.5 3 3 6-7\"/>"
            }
            Self::Degraded => "<path class=\"k\" d=\"M12 3 22 21H2z\"/><path class=\"g\" d=\"M12 9.5v5M12 18v.2\"/>",
            Self::PartialOutage => {
                "<path class=\"k\" d=\"m12 2 10 10-10 10L2 12z\"/><path class=\"g\" d=\"M8.5 12h7\"/>"
            }
            Self::MajorOutage => {
                "<path class=\"k\" d=\"M8 2h8l6 6v8l-6 6H8l-6-6V8z\"/><path class=\"g\" d=\"m9 9 6 6m0-6-6 6\"/>"
            }
            Self::Maintenance => {
                "<rect class=\"k\" x=\"2\" y=\"2\" width=\"20\" height=\"20\" rx=\"4\"/><path class=\"g\" d=\"M7 9h10M7 15h10M14 7v4M10 13v4\"/>"
            }
            Self::Notice => {
                "<circle class=\"k\" cx=\"12\" cy=\"12\" r=\"10\"/><path class=\"g\" d=\"M12 11v5.5M12 7.5v.2\"/>"
            }
            Self::Investigating | Self::Search => "<circle cx=\"11\" cy=\"11\" r=\"6.5\"/><path d=\"m16 16 4.5 4.5\"/>",
            Self::Identified => "<circle cx=\"12\" cy=\"12\" r=\"9\"/><circle cx=\"12\" cy=\"12\" r=\"4\"/>",
            Self::Monitoring => "<path d=\"M2 12h5l3-8 4 16 3-8h5\"/>",
            Self::Resolved => "<path d=\"m4 13 5 5L20 6\"/>",
            Self::Scheduled => "<circle cx=\"12\" cy=\"12\" r=\"9\"/><path d=\"M12 7v5l3 2\"/>",
            Self::Cancelled => "<path d=\"m6 6 12 12m0-12L6 18\"/>",
            Self::Bell => "<path d=\"M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4\"/>",
            Self::Chevron => "<path d=\"m9 5 7 7-7 7\"/>",
            Self::Link => {
                "<path d=\"M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1m2 4a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1\"/>"
            }
            Self::Plus => "<path d=\"M12 5v14M5 12h14\"/>",
            Self::Menu => "<path d=\"M4 6h16M4 12h16M4 18h16\"/>",
            Self::Copy => "<path d=\"M9 9h11v11H9zM5 15H4V4h11v1\"/>",
            Self::More => "<path d=\"M5 12h.01M12 12h.01M19 12h.01\"/>",
            Self::Drag => "<path d=\"M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01\"/>",
        }
    }

    /// The icon as an element. Decorative: the words beside it say the same.
    pub fn view(self) -> AnyView {
        view! { <svg class="i" aria-hidden="true"><use href=format!("#{}", self.id())></use></svg> }.into_any()
    }
}

impl From<Status> for Icon {
    fn from(status: Status) -> Self {
        match status {
            Status::Operational => Self::Operational,
            Status::UnderMaintenance => Self::Maintenance,
            Status::DegradedPerformance => Self::Degraded,
            Status::PartialOutage => Self::PartialOutage,
            Status::MajorOutage => Self::MajorOutage,
        }
    }
}

impl From<Tone> for Icon {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Operational => Self::Operational,
            Tone::Notice => Self::Notice,
            Tone::Maintenance => Self::Maintenance,
            Tone::Degraded => Self::Degraded,
            Tone::PartialOutage => Self::PartialOutage,
            Tone::MajorOutage => Self::MajorOutage,
        }
    }
}

impl From<Phase> for Icon {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Investigating => Self::Investigating,
            Phase::Identified => Self::Identified,
            Phase::Monitoring => Self::Monitoring,
            Phase::Resolved => Self::Resolved,
        }
    }
}

impl From<MaintenancePhase> for Icon {
    fn from(phase: MaintenancePhase) -> Self {
        match phase {
            MaintenancePhase::Scheduled => Self::Scheduled,
            MaintenancePhase::InProgress | MaintenancePhase::Verifying => Self::Monitoring,
            MaintenancePhase::Completed => Self::Resolved,
            MaintenancePhase::Cancelled => Self::Cancelled,
        }
    }
}

/// Stands in a layout, before the first icon, for the symbols that the page uses.
pub fn symbols_placeholder() -> AnyView {
    view! { <svg class="unseen" width="0" height="0" aria-hidden="true" inner_html=PLACEHOLDER></svg> }.into_any()
}

/// Puts the symbols that `html` uses in the place of the placeholder.
pub(super) fn insert_symbols(html: &str) -> String {
    if !html.contains(PLACEHOLDER) {
        return html.to_owned();
    }
    let references = html.split("href=\"#").skip(1);
    let used: BTreeSet<&str> = references.filter_map(|rest| rest.split_once('"')).map(|(id, _)| id).collect();
    let mut symbols = String::new();
    for icon in Icon::ALL.into_iter().filter(|icon| used.contains(icon.id())) {
        let (id, drawing) = (icon.id(), icon.drawing());
        symbols.push_str(&format!("<symbol id=\"{id}\" viewBox=\"0 0 24 24\">{drawing}</symbol>"));
    }
    html.replacen(PLACEHOLDER, &symbols, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_used_symbol_is_defined_once() {
        let html = crate::ui::render_fragment(|| {
            view! { {symbols_placeholder()}{Icon::Bell.view()}{Icon::Bell.view()}{Icon::Operational.view()} }
        });
        assert_eq!(html.matches("<symbol").count(), 2, "{html}");
        assert_eq!(html.matches("<symbol id=\"i-bell\"").count(), 1, "{html}");
        assert!(!html.contains(PLACEHOLDER), "{html}");
    }

    #[test]
    fn symbol_ids_are_unique() {
        let mut ids = Icon::ALL.map(Icon::id).to_vec();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Icon::ALL.len());
    }
}
