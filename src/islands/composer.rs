//! The composer's island: live preview and character count.
//!
//! The form works without it. The island renders only the preview box; message and count are static elements found by
//! id, so hydration doesn't shift the layout. `public/typed.js` keeps unsaved input.

use leptos::ev;
use leptos::prelude::*;

use crate::domain::update::MAX_BODY;
use crate::domain::{MaintenancePhase, Phase};

pub const MESSAGE_ID: &str = "body";
pub const COUNT_ID: &str = "body-count";
/// The debounce before requesting a preview.
const TYPING_PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// Renders `body` as visitors will see it. Fails if it is longer than an update may be.
#[server(prefix = "/admin/islands", endpoint = "preview")]
pub async fn preview(body: String) -> Result<String, ServerFnError> {
    if body.chars().count() > MAX_BODY {
        return Err(ServerFnError::new("The message is too long."));
    }
    Ok(crate::format::markdown::render_markdown(&body))
}

#[island]
pub fn Composer(
    /// The initial message, rendered by `format::markdown`.
    html: String,
    phase: String,
) -> impl IntoView {
    let shown = RwSignal::new(html);
    let phase = RwSignal::new(phase);
    Effect::new(move |_| {
        let text = message_text();
        show_count(&text);
        if has_typed() {
            refresh(text, shown);
        }
        follow_message(shown);
        follow_phase(phase);
    });
    view! {
        <p class="said">
            <strong>{move || phase.get()}</strong>
            " "
            <span class="soft">"now"</span>
        </p>
        <div class="prose" dir="auto" inner_html=move || shown.get()></div>
    }
}

fn follow_message(shown: RwSignal<String>) {
    let pending = StoredValue::new(None::<TimeoutHandle>);
    let listener = window_event_listener(ev::input, move |event| {
        if !is_message(&event) {
            return;
        }
        let text = message_text();
        show_count(&text);
        if let Some(earlier) = pending.get_value() {
            earlier.clear();
        }
        pending.set_value(set_timeout_with_handle(move || refresh(text, shown), TYPING_PAUSE).ok());
    });
    on_cleanup(move || listener.remove());
}

fn follow_phase(phase: RwSignal<String>) {
    let listener = window_event_listener(ev::change, move |event| {
        let chosen = event_target::<web_sys::HtmlInputElement>(&event);
        if chosen.name() == "phase"
            && let Some(words) = phase_words(&chosen.value())
        {
            phase.set(words.to_owned());
        }
    });
    on_cleanup(move || listener.remove());
}

fn phase_words(key: &str) -> Option<&'static str> {
    Phase::from_key(key).map(Phase::words).or_else(|| MaintenancePhase::from_key(key).map(MaintenancePhase::words))
}

/// Requests a preview. Drops the response if the message has changed; keeps the previous preview on an error.
fn refresh(text: String, shown: RwSignal<String>) {
    leptos::task::spawn_local(async move {
        if let Ok(html) = preview(text.clone()).await
            && message_text() == text
        {
            shown.set(html);
        }
    });
}

fn message_element() -> Option<web_sys::HtmlTextAreaElement> {
    use wasm_bindgen::JsCast;
    document().get_element_by_id(MESSAGE_ID)?.dyn_into().ok()
}

fn message_text() -> String {
    message_element().map(|area| area.value()).unwrap_or_default()
}

/// Whether something was typed before the island was ready.
fn has_typed() -> bool {
    message_element().is_some_and(|area| area.default_value().is_ok_and(|initial| initial != area.value()))
}

fn is_message(event: &ev::Event) -> bool {
    event_target::<web_sys::Element>(event).id() == MESSAGE_ID
}

fn show_count(text: &str) {
    if let Some(element) = document().get_element_by_id(COUNT_ID) {
        element.set_text_content(Some(&count_words(text.chars().count())));
    }
}

fn count_words(count: usize) -> String {
    let grouped = |n: usize| match n {
        0..1000 => n.to_string(),
        _ => format!("{},{:03}", n / 1000, n % 1000),
    };
    format!("{} of {}", grouped(count), grouped(MAX_BODY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_grouped() {
        assert_eq!(count_words(112), "112 of 25,000");
        assert_eq!(count_words(1002), "1,002 of 25,000");
    }

    #[test]
    fn the_preview_is_bounded_like_an_update() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(preview("**x**".into())).unwrap(), "<p><strong>x</strong></p>\n");
        assert!(runtime.block_on(preview("é".repeat(MAX_BODY + 1))).is_err());
    }
}
