use leptos::prelude::*;

use crate::ui::admin_layout::{AdminContext, AdminLayout};

/// All shortcuts. The target elements declare them in `data-keys`.
pub const SHORTCUTS: [(&str, &str); 16] = [
    ("?", "Show this list"),
    ("n", "Create incident"),
    ("u", "Dashboard: update the newest incident"),
    ("r", "Dashboard: resolve the newest incident"),
    ("m", "In the editor: focus the message"),
    ("mod+Enter", "In the editor: publish"),
    ("/", "In a list: focus the search"),
    ("g d", "Go to Dashboard"),
    ("g i", "Go to Incidents"),
    ("g w", "Go to Maintenance"),
    ("g t", "Go to Templates"),
    ("g c", "Go to Components"),
    ("g u", "Go to Subscribers"),
    ("g m", "Go to Managers"),
    ("g a", "Go to Audit log"),
    ("g s", "Go to Settings"),
];

#[derive(Clone, Debug)]
pub struct Shortcuts {
    pub shell: AdminContext,
}

#[component]
pub fn ShortcutsPage(page: Shortcuts) -> impl IntoView {
    let row = |(keys, words): (&'static str, &'static str)| view! { <dt>{key_caps(keys)}</dt><dd>{words}</dd> };
    let content = view! {
        <div class="column">
            <h1>"Keyboard shortcuts"</h1>
            <p class="soft">"Shortcuts work when no text field is focused."</p>
            <dl class="keys">{SHORTCUTS.into_iter().map(row).collect_view()}</dl>
            <p><button type="button" class="button" id="keys-switch" hidden>"Disable shortcuts in this browser"</button></p>
        </div>
    };
    view! { <AdminLayout shell=page.shell title="Keyboard shortcuts" content=content.into_any()/> }
}

/// Renders a key sequence (`g d`) or a combination (`mod+Enter`).
fn key_caps(keys: &'static str) -> AnyView {
    let cap = |key: &'static str| view! { <kbd>{if key == "mod" { "Ctrl" } else { key }}</kbd> };
    match keys.split_once('+') {
        Some((with, key)) => view! { {cap(with)}" + "{cap(key)} }.into_any(),
        None => keys.split(' ').map(|key| view! { {cap(key)}" " }).collect_view().into_any(),
    }
}
