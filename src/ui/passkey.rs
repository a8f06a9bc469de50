//! Forms for WebAuthn. They are hidden until `public/passkey.js` shows them, because they need JavaScript.

use leptos::prelude::*;

use crate::ui::admin_layout::Assets;
use crate::ui::form::{ButtonStyle, Submit};

/// Submits the authenticator's response in the hidden field `credential`.
#[component]
pub fn PasskeyForm(
    /// `use` for authentication, `make` for registration.
    does: &'static str,
    #[prop(into)] action: String,
    /// The URL of the challenge.
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

#[component]
pub fn PasskeyScript(assets: Assets) -> impl IntoView {
    view! { <script defer=true nonce=assets.nonce src=assets.passkey_href></script> }
}
