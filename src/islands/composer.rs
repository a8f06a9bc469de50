//! The composer's island: a live preview, a count of characters and a draft kept in the browser.
//!
//! The form is complete without it. The island only draws the preview box; the message, the count and
//! the note on the draft are the page's own and found by their ids, so nothing moves when it wakes up.

use leptos::ev;
use leptos::prelude::*;

use crate::domain::update::MAX_BODY;
use crate::domain::{MaintenancePhase, Phase};

/// The id of the message's text area.
pub const MESSAGE_ID: &str = "body";
/// The id of the count below the message.
pub const COUNT_ID: &str = "body-count";
/// The id of the note on the draft below the message.
pub const NOTE_ID: &str = "body-note";
/// The draft of an incident that is not opened yet.
pub const NEW_DRAFT: &str = "new";
/// How long to wait for more typing before the preview is asked for.
const TYPING_PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// `body` as visitors will read it.
///
/// # Errors
/// Where the text is longer than an update may be.
#[server(prefix = "/admin/islands", endpoint = "preview")]
pub async fn preview(body: String) -> Result<String, ServerFnError> {
    if body.chars().count() > MAX_BODY {
        return Err(ServerFnError::new("The message is too long."));
    }
    Ok(crate::format::markdown::render_markdown(&body))
}

/// The preview of a message, alive while somebody types it.
#[island]
pub fn Composer(
    /// The message as it stands, rendered by `ui::markdown`.
    html: String,
    /// The word of the phase that is chosen.
    phase: String,
    /// Whose draft it is: an incident's id, or [`NEW_DRAFT`]; empty for none.
    draft: String,
    /// The text posted last: a draft that equals it was posted and is forgotten.
    posted: String,
) -> impl IntoView {
    let shown = RwSignal::new(html);
    let phase = RwSignal::new(phase);
    Effect::new(move |_| {
        forget_posted(&draft, &posted);
        let restored = restore_draft(&draft);
        let text = message_text();
        show_count_and_note(&text, note_after(restored, &draft));
        if restored {
            refresh(text, shown);
        }
        follow_message(draft.clone(), shown);
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

fn follow_message(draft: String, shown: RwSignal<String>) {
    let pending = StoredValue::new(None::<TimeoutHandle>);
    let listener = window_event_listener(ev::input, move |event| {
        if !is_message(&event) {
            return;
        }
        let text = message_text();
        show_count_and_note(&text, if save_draft(&draft, &text) { "Saved locally as you type." } else { "" });
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

/// The words of a phase, of an incident or a maintenance.
fn phase_words(key: &str) -> Option<&'static str> {
    Phase::from_key(key).map(Phase::words).or_else(|| MaintenancePhase::from_key(key).map(MaintenancePhase::words))
}

/// Asks for the preview of `text`. An answer that comes after more was typed is dropped; where there
/// is no answer, the earlier preview stays.
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

fn is_message(event: &ev::Event) -> bool {
    event_target::<web_sys::Element>(event).id() == MESSAGE_ID
}

/// Writes count and note below the message.
fn show_count_and_note(text: &str, note: &str) {
    let write = |id: &str, words: &str| {
        if let Some(element) = document().get_element_by_id(id) {
            element.set_text_content(Some(words));
        }
    };
    write(COUNT_ID, &count_words(text.chars().count()));
    write(NOTE_ID, &format!("Markdown. {note}"));
}

/// `112 of 25,000`
fn count_words(count: usize) -> String {
    let grouped = |n: usize| match n {
        0..1000 => n.to_string(),
        _ => format!("{},{:03}", n / 1000, n % 1000),
    };
    format!("{} of {}", grouped(count), grouped(MAX_BODY))
}

fn note_after(restored: bool, draft: &str) -> &'static str {
    match (restored, draft) {
        (true, _) => "Your unsaved text was restored.",
        (false, "") => "",
        (false, _) => "Saved locally as you type.",
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn storage_key(draft: &str) -> String {
    format!("candor.draft.{draft}")
}

/// Keeps `text` as the draft; an empty one is forgotten. Whether it was kept.
fn save_draft(draft: &str, text: &str) -> bool {
    match storage() {
        Some(storage) if !draft.is_empty() && text.is_empty() => storage.remove_item(&storage_key(draft)).is_err(),
        Some(storage) if !draft.is_empty() => storage.set_item(&storage_key(draft), text).is_ok(),
        _ => false,
    }
}

/// Puts the draft into an empty message. Whether it did.
fn restore_draft(draft: &str) -> bool {
    let kept = storage().and_then(|storage| storage.get_item(&storage_key(draft)).ok().flatten());
    match (message_element(), kept) {
        (Some(area), Some(kept)) if !draft.is_empty() && area.value().is_empty() => {
            area.set_value(&kept);
            true
        }
        _ => false,
    }
}

/// A draft outlives a submission that failed or ended at the login; it is forgotten once it is seen posted.
fn forget_posted(draft: &str, posted: &str) {
    let Some(storage) = storage() else { return };
    for draft in [draft, NEW_DRAFT] {
        let kept = storage.get_item(&storage_key(draft)).ok().flatten();
        if kept.is_some_and(|kept| kept.trim_end() == posted.trim_end()) {
            let _ = storage.remove_item(&storage_key(draft));
        }
    }
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
