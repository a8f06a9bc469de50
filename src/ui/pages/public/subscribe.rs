//! `/subscribe`: the form of a new subscription.

use leptos::prelude::*;

use crate::domain::forms::{ChoiceForm, FEED, SubscriptionForm};
use crate::domain::subscriber::{CONSENT_TEXT, Channel, IncidentEvents};
use crate::domain::{Component, Group, Invalid};
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};

/// What is wrong with the whole form, above it.
pub type FormNotice = Option<String>;

#[derive(Clone, Debug)]
pub struct SubscribePage {
    pub shell: PublicContext,
    pub form: SubscriptionForm,
    pub invalid: Invalid,
    pub notice: FormNotice,
    pub components: ComponentChoices,
    /// The title of the incident that the form is about.
    pub incident: Option<String>,
    /// When this page was sent, signed. `None` if no mail server is configured: only feeds are offered.
    pub stamp: Option<String>,
}

/// The components of the page, to choose from.
#[derive(Clone, Debug, Default)]
pub struct ComponentChoices {
    pub groups: Vec<Group>,
    pub components: Vec<Component>,
}

pub fn render_subscribe_page(page: SubscribePage) -> String {
    crate::ui::render_page(|| view! { <SubscribeView page=page /> })
}

#[component]
pub fn SubscribeView(page: SubscribePage) -> AnyView {
    let SubscribePage { shell, form, invalid, notice, components, incident, stamp } = page;
    let name = shell.page.name.clone();
    let title = match &incident {
        Some(_) => "Get updates on this incident".to_owned(),
        None => format!("Get updates from {name}"),
    };
    let lede = match &incident {
        Some(title) => {
            view! { <bdi>{title.clone()}</bdi>". The subscription ends when the incident is resolved." }.into_any()
        }
        None => "When something breaks, changes or is fixed. Unsubscribe with one click.".into_any(),
    };
    let head = PageHead {
        title: "Subscribe".to_owned(),
        description: format!("Get updates from {name} by e-mail, webhook, chat or feed."),
        kind: PageKind::Form,
        style: PageStyle::Base,
    };
    let feeds = feed_addresses(shell.base_url.trim_end_matches('/'));
    let lost = stamp.is_some().then(|| {
        view! {
            <p class="soft after">"Already subscribed? "<a href="/subscribe/links">"Get a link to your settings"</a></p>
        }
    });
    let body = match stamp {
        Some(stamp) => subscribe_form(&form, &invalid, (&components, incident.is_some()), stamp, feeds),
        None => view! {
            <p class="notice">
                "No e-mail is sent from here, so there are no subscriptions. The feeds need none."
            </p>
            <div class="ask card"><section><h2>"Feeds"</h2>{feeds}</section></div>
        }
        .into_any(),
    };
    view! {
        <PublicLayout shell=shell head=head>
            <div class="intro"><h1 dir="auto">{title}</h1><p class="lede">{lede}</p></div>
            {form_notice(notice, &invalid)}
            {body}
            {lost}
        </PublicLayout>
    }
    .into_any()
}

/// What went wrong, above a form; the messages beside the fields say more.
pub(super) fn form_notice(notice: FormNotice, invalid: &Invalid) -> AnyView {
    let fields = invalid.iter().count();
    let words = notice.or(match fields {
        0 => None,
        1 => Some("Not sent yet: please fix 1 field.".to_owned()),
        _ => Some(format!("Not sent yet: please fix {fields} fields.")),
    });
    words.map(|words| view! { <p class="notice" role="alert">{words}</p> }).into_any()
}

/// A channel's tile: key, label, icon.
const TILES: [(&str, &str, &str); 7] = [
    ("email", "E-mail", "M3 6h18v12H3zl9 7 9-7"),
    ("webhook", "Webhook", "M12 5a3 3 0 0 1 2 5l3 5m1 5a3 3 0 1 0-3-4H9m-3 4a3 3 0 1 1 1-5l3-5a3 3 0 0 1 2-5"),
    ("slack", "Slack", "M9 3 7 21M17 3l-2 18M4 8.5h17M3 15.5h17"),
    (
        "teams",
        "Teams",
        "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4a3.5 3.5 0 0 1 0 7M18.5 14.5a6.5 6.5 0 0 1 3 5.5",
    ),
    ("discord", "Discord", "M4 4h16v13h-8l-4 4v-4H4z"),
    ("google_chat", "Google Chat", "M3 3h13v9H9l-4 4v-4H3zM20 8h1v9h-2v4l-4-4h-5v-1"),
    (FEED, "Feed or calendar", "M5 5a14 14 0 0 1 14 14M5 11a8 8 0 0 1 8 8M5 18.5h.01"),
];

fn subscribe_form(
    form: &SubscriptionForm,
    invalid: &Invalid,
    (components, is_of_incident): (&ComponentChoices, bool),
    stamp: String,
    feeds: AnyView,
) -> AnyView {
    let tiles = TILES.map(|(key, words, icon)| tile(key, words, icon, form.channel == key)).collect_view();
    let questions = if is_of_incident {
        view! { <input type="hidden" name="incident" value=form.choice.incident.clone() /> }.into_any()
    } else {
        view! { <div class="rest">{choice_questions(&form.choice, components, invalid)}</div> }.into_any()
    };
    view! {
        <form class="ask card" method="post" action="/subscribe">
            <fieldset>
                <legend>"How"</legend>
                <div class="tiles">{tiles}</div>
                {field_error("channel", invalid)}
                <div class="feeds">{feeds}</div>
                <div class="rest">{email_field(&form.email, invalid)}</div>
                {endpoint_field(&form.endpoint, invalid)}
                <p class="trap" aria-hidden="true">
                    <label>"Leave this empty"<input name="website" tabindex="-1" autocomplete="off" /></label>
                </p>
                <input type="hidden" name="sent" value=stamp />
            </fieldset>
            {questions}
            <div class="bottom rest">
                <p>{(!is_of_incident).then(|| view! { <strong class="chosen"></strong>" " })}{CONSENT_TEXT}</p>
                <button>
                    "Subscribe"
                    <span class="for email">" by e-mail"</span>
                    <span class="for webhook">" by webhook"</span>
                    <span class="for slack">" in Slack"</span>
                    <span class="for teams">" in Teams"</span>
                    <span class="for discord">" in Discord"</span>
                    <span class="for google_chat">" in Google Chat"</span>
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn tile(key: &'static str, words: &'static str, icon: &'static str, checked: bool) -> AnyView {
    view! {
        <label class="tile">
            <input type="radio" name="channel" value=key checked=checked />
            <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d=icon /></svg>
            {words}
        </label>
    }
    .into_any()
}

/// The message beside a field.
pub(super) fn field_error(field: &'static str, invalid: &Invalid) -> AnyView {
    let message = invalid.get(field).map(str::to_owned);
    message.map(|text| view! { <p class="error" id=format!("{field}-error")>{text}</p> }).into_any()
}

fn described_by(field: &str, invalid: &Invalid) -> String {
    let error = invalid.get(field).map(|_| format!("{field}-error "));
    format!("{}{field}-hint", error.unwrap_or_default())
}

pub(super) fn email_field(value: &str, invalid: &Invalid) -> AnyView {
    view! {
        <label for="email">"E-mail address"</label>
        <input
            type="email"
            id="email"
            name="email"
            value=value.to_owned()
            autocomplete="email"
            maxlength="254"
            aria-describedby=described_by("email", invalid)
            aria-invalid=invalid.get("email").map(|_| "true")
        />
        {field_error("email", invalid)}
        <p class="hint" id="email-hint">
            "We send a link to confirm."
            <span class="for webhook slack teams discord google_chat">
                " We write to this address too if the messages can't be delivered."
            </span>
        </p>
    }
    .into_any()
}

fn endpoint_field(value: &str, invalid: &Invalid) -> AnyView {
    view! {
        <div class="endpoint rest">
            <label for="endpoint">"URL that gets the messages"</label>
            <input
                type="url"
                id="endpoint"
                name="endpoint"
                value=value.to_owned()
                autocomplete="off"
                maxlength="1000"
                placeholder="https://"
                aria-describedby=described_by("endpoint", invalid)
                aria-invalid=invalid.get("endpoint").map(|_| "true")
            />
            {field_error("endpoint", invalid)}
            <p class="hint" id="endpoint-hint">
                <span class="for webhook">
                    "HTTPS, port 443. When you confirm, we send a challenge that the endpoint must return."
                </span>
                <span class="for slack">"The incoming webhook of a channel. It begins with https://hooks.slack.com/."</span>
                <span class="for teams">
                    "In Teams, add the workflow “Send webhook alerts to a channel” and copy its URL."
                </span>
                <span class="for discord">
                    "Channel settings, Integrations, Webhooks. The URL begins with https://discord.com/api/webhooks/."
                </span>
                <span class="for google_chat">
                    "Space settings, Apps & integrations, Webhooks. The URL begins with https://chat.googleapis.com/."
                </span>
            </p>
        </div>
    }
    .into_any()
}

/// Components and events: the questions that the settings of a subscription repeat.
pub(super) fn choice_questions(choice: &ChoiceForm, components: &ComponentChoices, invalid: &Invalid) -> AnyView {
    let is_some = choice.some_components;
    let list = component_choices(choice, components);
    let what = (!components.components.is_empty()).then(|| {
        view! {
            <fieldset>
                <legend>"What about"</legend>
                <div class="segments">
                    <label>
                        <input type="radio" name="scope" value="page" id="scope" checked=!is_some />
                        "All components"
                    </label>
                    <label>
                        <input type="radio" name="scope" value="components" checked=is_some />
                        "Some components"
                    </label>
                </div>
                {field_error("scope", invalid)}
                <div class="choices">{list}</div>
            </fieldset>
        }
    });
    view! { {what}{event_questions(choice, invalid)} }.into_any()
}

fn event_questions(choice: &ChoiceForm, invalid: &Invalid) -> AnyView {
    let detail = |key: IncidentEvents, words: &'static str| {
        let checked = choice.detail == key.key();
        view! {
            <label class="check">
                <input type="radio" name="detail" value=key.key() checked=checked />
                <span>{words}</span>
            </label>
        }
        .into_any()
    };
    view! {
        <fieldset>
            <legend>"Which events"</legend>
            {field_error("incidents", invalid)}
            {event_check("incidents", "Incidents", "Started, updated, resolved", choice.incidents)}
            <div class="detail" role="group" aria-label="Updates of incidents">
                {detail(IncidentEvents::All, "Every update")}
                {detail(IncidentEvents::OpenedAndResolved, "Only the first and the last")}
            </div>
            {event_check(
                "maintenance",
                "Scheduled maintenance",
                "Announced, reminder, started, completed",
                choice.maintenance,
            )}
        </fieldset>
    }
    .into_any()
}

fn event_check(name: &'static str, words: &'static str, hint: &'static str, checked: bool) -> AnyView {
    view! {
        <label class="check">
            <input type="checkbox" id=name name=name value="1" checked=checked aria-describedby=format!("{name}-hint") />
            <span>{words}<span class="hint" id=format!("{name}-hint")>{hint}</span></span>
        </label>
    }
    .into_any()
}

/// Components in the order of the page: groups, which fold, and components without one.
fn component_choices(choice: &ChoiceForm, choices: &ComponentChoices) -> AnyView {
    let mut members: Vec<&Component> = choices.components.iter().collect();
    members.sort_by(|a, b| (a.position, &a.name).cmp(&(b.position, &b.name)));
    let of_group = |group: &Group| -> Vec<&Component> {
        members.iter().copied().filter(|component| component.group_id.as_ref() == Some(&group.id)).collect()
    };
    let is_grouped =
        |component: &Component| choices.groups.iter().any(|group| Some(&group.id) == component.group_id.as_ref());
    let mut rows: Vec<(i64, AnyView)> = Vec::new();
    for group in &choices.groups {
        let of_group = of_group(group);
        if !of_group.is_empty() {
            rows.push((group.position, group_choice(choice, group, &of_group)));
        }
    }
    for component in members.iter().copied().filter(|component| !is_grouped(component)) {
        rows.push((component.position, component_choice(choice, component)));
    }
    rows.sort_by_key(|(position, _)| *position);
    rows.into_iter().map(|(_, row)| row).collect_view().into_any()
}

fn group_choice(choice: &ChoiceForm, group: &Group, members: &[&Component]) -> AnyView {
    let chosen = members.iter().filter(|component| choice.has_component(component)).count();
    let is_whole = choice.has_group(group.id.as_str()) || chosen == members.len();
    let is_open = chosen > 0 && chosen < members.len();
    let count = if members.len() == 1 { "1 component".to_owned() } else { format!("{} components", members.len()) };
    let rows = members.iter().map(|component| component_choice(choice, component)).collect_view();
    view! {
        <div class="group">
            <label class="check">
                <input type="checkbox" name="group" value=group.id.to_string() checked=is_whole />
                <span dir="auto">{group.name.clone()}</span>
            </label>
            <details open=is_open>
                // The hidden name gives the summary the height of the label beside it.
                <summary>
                    <span class="ghost" aria-hidden="true">{group.name.clone()}</span>
                    <span class="unseen">"Components of "{group.name.clone()}": "</span>
                    <span class="count">{count}</span>
                </summary>
                {rows}
            </details>
        </div>
    }
    .into_any()
}

fn component_choice(choice: &ChoiceForm, component: &Component) -> AnyView {
    let checked = choice.has_component(component);
    view! {
        <label class="check">
            <input type="checkbox" name="component" value=component.id.to_string() checked=checked />
            <span dir="auto">{component.name.clone()}</span>
        </label>
    }
    .into_any()
}

/// What needs no subscription. `origin` is the public URL without a slash at the end.
fn feed_addresses(origin: &str) -> AnyView {
    let row = |term: &'static str, path: &'static str| {
        let url = format!("{origin}{path}");
        view! { <div><dt>{term}</dt><dd><a href=path>{url}</a></dd></div> }.into_any()
    };
    let slack = format!("/feed subscribe {origin}/history.atom");
    view! {
        <p>"No address needed: add one of these to your program."</p>
        <dl>
            {row("Atom", "/history.atom")}
            {row("RSS", "/history.rss")}
            {row("JSON Feed", "/feed.json")}
            {row("Calendar", "/maintenance.ics")}
            <div><dt>"Slack command"</dt><dd><code>{slack}</code></dd></div>
        </dl>
    }
    .into_any()
}

/// Names of the channel in a sentence: `by e-mail`, `in Slack`.
pub(super) fn channel_phrase(channel: Channel) -> String {
    match channel {
        Channel::Email => "by e-mail".to_owned(),
        Channel::Webhook => "by webhook".to_owned(),
        other => format!("in {}", other.words()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check_form};

    fn page() -> SubscribePage {
        SubscribePage {
            shell: fixtures::shell("/subscribe"),
            form: SubscriptionForm::default(),
            invalid: Invalid::new(),
            notice: None,
            components: ComponentChoices { groups: fixtures::groups(), components: fixtures::components() },
            incident: None,
            stamp: Some("1.x".into()),
        }
    }

    #[test]
    fn form_asks_three_questions() {
        let html = render_subscribe_page(page());
        check_form(&html);
        for words in ["How", "What about", "Which events"] {
            assert!(html.contains(&format!("<legend>{words}</legend>")), "{words}");
        }
        assert!(html.contains("/feed subscribe https://status.harbormail.example/history.atom"), "{html}");
        assert!(!html.contains(">Subscribe</a>"), "no link to itself");
    }

    #[test]
    fn without_mail_only_feeds_are_offered() {
        let html = render_subscribe_page(SubscribePage { stamp: None, ..page() });
        check_form(&html);
        assert!(html.contains("/history.rss") && !html.contains("<form") && !html.contains("name=\"email\""));
    }

    #[test]
    fn incident_form_has_no_other_questions() {
        let html = render_subscribe_page(SubscribePage { incident: Some(SCRIPT.into()), ..page() });
        check_form(&html);
        assert!(!html.contains("Which events") && html.contains("name=\"incident\""));
    }

    #[test]
    fn typed_text_is_escaped() {
        let typed = format!("\"{SCRIPT}");
        let form = SubscriptionForm { email: typed.clone(), endpoint: typed.clone(), ..SubscriptionForm::default() };
        let invalid = Invalid::field("email", SCRIPT);
        check_form(&render_subscribe_page(SubscribePage { form, invalid, notice: Some(typed), ..page() }));
    }
}
