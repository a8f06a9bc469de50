use leptos::prelude::*;

use crate::ui::admin_layout::{AdminLayout, Section, Shell};

/// Recovery codes, shown this once.
#[derive(Clone, Debug)]
pub struct RecoveryCodes {
    pub shell: Shell,
    pub codes: Vec<String>,
}

/// Shows recovery codes.
#[component]
pub fn RecoveryCodesPage(page: RecoveryCodes) -> impl IntoView {
    let codes = page.codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    let content = view! {
        <div class="column">
            <h1>"Recovery codes"</h1>
            <p>"Keep these where you keep what matters, but not on the device itself. Each lets you in once, in place of a code or a passkey. They are shown only now; earlier ones no longer work."</p>
            <ul class="codes">{codes}</ul>
            <p class="actions"><a class="button primary" href="/admin/account/factors">"I have saved them"</a></p>
        </div>
    };
    view! {
        <AdminLayout shell=page.shell title="Recovery codes" section=Some(Section::Account) content=content.into_any()/>
    }
}
