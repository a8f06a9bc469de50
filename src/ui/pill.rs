//! Status pills and status words: an icon and a word in one tone.

use leptos::prelude::*;

use super::icon::Icon;
use crate::domain::Status;

/// A pill in the tone of `class`, one of the tone classes of `parts.css`.
pub fn pill(class: &str, icon: Icon, words: impl IntoView) -> AnyView {
    view! { <span class=format!("pill {class}")>{icon.view()}<span>{words.into_view()}</span></span> }.into_any()
}

/// The status of a component, without a ground.
pub fn status_words(status: Status) -> AnyView {
    view! { <span class=format!("state status-{}", status.key())>{Icon::from(status).view()}{status.words()}</span> }
        .into_any()
}

/// The status of a component as a pill.
pub fn status_pill(status: Status) -> AnyView {
    pill(&format!("status-{}", status.key()), status.into(), status.words())
}
