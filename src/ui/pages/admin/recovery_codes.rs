use leptos::prelude::*;

use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};

/// New recovery codes; they can't be shown again.
#[derive(Clone, Debug)]
pub struct RecoveryCodes {
    pub shell: AdminContext,
    pub codes: Vec<String>,
    /// Where the manager was going when a second factor was required.
    pub next: Option<String>,
}

#[component]
pub fn RecoveryCodesPage(page: RecoveryCodes) -> impl IntoView {
    let file = format!("data:text/plain;charset=utf-8,{}", page.codes.join("%0A"));
    let codes = page.codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    let next = page.next.unwrap_or_else(|| "/admin/account/factors".to_owned());
    let content = view! {
        <div class="column">
            <h1>"Recovery codes"</h1>
            <p>"Save these codes somewhere safe, but not on the device itself. Each can be used once instead of a code or passkey. They won't be shown again and replace earlier codes."</p>
            <ul class="codes" data-copy="Copy codes">{codes}</ul>
            <p class="actions">
                <a class="button primary" href=next>"I've saved them"</a>
                <a class="button" href=file download="recovery-codes.txt">"Download codes"</a>
            </p>
        </div>
    };
    view! {
        <AdminLayout shell=page.shell title="Recovery codes" section=Some(Section::Account) content=content.into_any()/>
    }
}
