//! Forms that a passkey answers. They are hidden until `public/passkey.js` shows them, for without it no
//! browser asks a device.

use leptos::prelude::*;

use crate::ui::admin_layout::Assets;
use crate::ui::form::{ButtonStyle, Submit};

/// A form that sends what a device answers, in the hidden field `credential`.
#[component]
pub fn PasskeyForm(
    /// `use` where a passkey proves something, `make` where one is made.
    does: &'static str,
    #[prop(into)] action: String,
    /// Where the challenge comes from.
    challenge: &'static str,
    #[prop(default = "credential")] credential: &'static str,
    words: &'static str,
    #[prop(default = ButtonStyle::Quiet)] weight: ButtonStyle,
    /// The other fields of the form.
    fields: AnyView,
) -> impl IntoView {
    view! {
        <form method="post" action=action data-passkey=does data-challenge=challenge novalidate hidden>
            {fields}
            <input type="hidden" name=credential data-credential=""/>
            <p class="actions"><Submit words weight/></p>
            <p class="error" role="alert" data-said=""></p>
        </form>
    }
}

/// The script that shows these forms and carries the answers.
#[component]
pub fn PasskeyScript(assets: Assets) -> impl IntoView {
    view! { <script defer=true nonce=assets.nonce src=assets.passkey_href></script> }
}
