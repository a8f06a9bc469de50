use leptos::prelude::*;

use crate::ui::admin_layout::{LoggedOutContext, LoggedOutLayout};

/// The redirect to the identity provider. Browsers follow the header; the page is a fallback.
#[derive(Clone, Debug)]
pub struct OidcRedirect {
    pub shell: LoggedOutContext,
    /// The provider's name.
    pub name: String,
    pub address: String,
}

#[component]
pub fn OidcRedirectPage(page: OidcRedirect) -> impl IntoView {
    let title = format!("Continue to {}", page.name);
    let content = view! {
        <h1 dir="auto">{title.clone()}</h1>
        <p>"Log in there to continue."</p>
        <p class="actions"><a class="button" href=page.address rel="noreferrer">"Continue"</a></p>
        <p class="hint"><a href="/login">"Back to the login"</a></p>
    };
    view! { <LoggedOutLayout shell=page.shell title content=content.into_any()/> }
}
