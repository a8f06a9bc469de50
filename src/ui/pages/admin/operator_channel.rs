use leptos::prelude::*;

use crate::domain::Invalid;
use crate::domain::forms::OperatorChannelForm;
use crate::domain::operator_endpoint::OperatorEndpoint;
use crate::domain::subscriber::Channel;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ErrorSummary, Field, FormErrors, Hidden, Password, Submit, TextInput};

/// The forms for the operator's own channels, one for each.
#[derive(Clone, Debug)]
pub struct OperatorChannelNew {
    pub shell: AdminContext,
    pub form: OperatorChannelForm,
    pub invalid: Invalid,
}

#[component]
pub fn OperatorChannelNewPage(page: OperatorChannelNew) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["server", "target", "password"]);
    let forms = OperatorEndpoint::CHANNELS.into_iter().map(|channel| channel_form(channel, &page)).collect_view();
    let content = view! {
        <div class="column">
            <h1>"Add a channel"</h1>
            <p>"These channels get all incidents and maintenance of the page. Credentials are stored encrypted."</p>
            <ErrorSummary problems=problems.clone()/>
            {forms}
            <p><a href="/admin/subscribers">"Cancel"</a></p>
        </div>
    };
    let title = problems.titled("Add a channel");
    view! { <AdminLayout shell title section=Some(Section::Subscribers) content=content.into_any()/> }
}

/// The labels of server, target and credential; `None` for a field that the channel does not have.
fn labels(channel: Channel) -> (Option<&'static str>, Option<&'static str>, &'static str) {
    match channel {
        Channel::Ntfy => (Some("Server URL"), Some("Topic"), "Access token (optional)"),
        Channel::Telegram => (None, Some("Chat id or @channel"), "Bot token"),
        Channel::Matrix => (Some("Homeserver URL"), Some("Room id (!room:server)"), "Access token"),
        Channel::Pagerduty => (None, None, "Integration key (Events API v2)"),
        _ => (None, None, "Incoming webhook URL"),
    }
}

fn channel_form(channel: Channel, page: &OperatorChannelNew) -> AnyView {
    let form = &page.form;
    let is_submitted = form.channel == channel.key();
    let none = Invalid::new();
    let problems = FormErrors::new(if is_submitted { &page.invalid } else { &none }, &["server", "target", "password"]);
    let field = |name: &'static str, label: &'static str| {
        let field = Field::new(name, label).with_error(&problems);
        // Error links lead to the submitted form.
        if is_submitted { field } else { field.id(format!("{}-{name}", channel.key())) }
    };
    let value = |text: &str| if is_submitted { text.to_owned() } else { String::new() };
    let (server, target, secret) = labels(channel);
    let server =
        server.map(|label| view! { <TextInput field=field("server", label) value=value(&form.server) kind="url"/> });
    let target = target.map(|label| view! { <TextInput field=field("target", label) value=value(&form.target)/> });
    view! {
        <details class="fold" open=is_submitted>
            <summary>{channel.words()}</summary>
            <form method="post" action="/admin/subscribers/channels" novalidate>
                <Hidden name="channel" value=channel.key()/>
                {server}
                {target}
                <Password field=field("password", secret) autocomplete="off"/>
                <p class="actions"><Submit words=format!("Add {}", channel.words())/></p>
            </form>
        </details>
    }
    .into_any()
}
