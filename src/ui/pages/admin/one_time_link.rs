use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::domain::Manager;
use crate::domain::manager::LinkPurpose;
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{Field, TextInput};
use crate::ui::time::Time;

/// A new one-time link; it can't be shown again.
#[derive(Clone, Debug)]
pub struct OneTimeLink {
    pub shell: AdminContext,
    pub manager: Manager,
    pub purpose: LinkPurpose,
    /// The full URL.
    pub link: String,
    pub valid_until: DateTime<Utc>,
}

#[component]
pub fn OneTimeLinkPage(page: OneTimeLink) -> impl IntoView {
    let shell = page.shell.clone();
    let (heading, does) = match page.purpose {
        LinkPurpose::Reset => ("Reset link", "choose a new password"),
        LinkPurpose::Email => ("Confirmation link", "confirm the e-mail address"),
        LinkPurpose::Invite | LinkPurpose::Setup => ("Invitation link", "choose a password and log in"),
    };
    let until = page.valid_until;
    let field = Field::new("link", "The link").hint("Single use, shown only once.");
    let content = view! {
        <div class="column">
            <h1>{heading}</h1>
            <p>
                "With this link, " <bdi>{page.manager.name.clone()}</bdi> " can " {does} " until "
                <Time at=until words=format_full(until, shell.zone)/> "."
            </p>
            <TextInput field value=page.link readonly=true autofocus=true/>
            <p>"Send it over a secure channel: anyone with the link can take over the account."</p>
            <p class="actions"><a class="button" href="/admin/managers">"Back to the managers"</a></p>
        </div>
    };
    view! { <AdminLayout shell title=heading section=Some(Section::Managers) content=content.into_any()/> }
}
