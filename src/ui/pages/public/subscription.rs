//! The pages behind the links of one subscription: confirm, settings, unsubscribe.

use leptos::prelude::*;

use super::subscribe::{ComponentChoices, FormNotice, channel_phrase, choice_questions, form_notice};
use crate::domain::forms::ChoiceForm;
use crate::domain::subscriber::{CONSENT_TEXT, Channel, IncidentEvents, Scope, SubscriberState};
use crate::domain::{Invalid, Subscriber};
use crate::format::time;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};
use crate::ui::time::Time;

/// `GET /subscribe/confirm/{token}`: what a button will confirm.
#[derive(Clone, Debug)]
pub struct ConfirmPage {
    pub shell: PublicContext,
    pub token: String,
    pub subscriber: Subscriber,
    /// The title of the incident that the subscription is about.
    pub incident: Option<String>,
    /// Why the endpoint could not be verified.
    pub notice: FormNotice,
}

pub fn render_confirm_page(page: ConfirmPage) -> String {
    crate::ui::render_page(|| view! { <ConfirmView page=page /> })
}

#[component]
pub fn ConfirmView(page: ConfirmPage) -> AnyView {
    let ConfirmPage { shell, token, subscriber, incident, notice } = page;
    let challenge = (subscriber.channel == Channel::Webhook).then(|| {
        view! { <p class="soft">"We now send a challenge to the endpoint. It must return it within 10 seconds."</p> }
    });
    let head = form_head("Confirm your subscription");
    view! {
        <PublicLayout shell=shell head=head>
            <div class="intro"><h1>"Confirm your subscription"</h1></div>
            {form_notice(notice, &Invalid::new())}
            <form class="ask card" method="post" action=format!("/subscribe/confirm/{token}")>
                <section>{subscription_facts(&subscriber, incident)}{challenge}</section>
                <div class="bottom"><p>{CONSENT_TEXT}</p><button>"Confirm"</button></div>
            </form>
        </PublicLayout>
    }
    .into_any()
}

fn form_head(title: &str) -> PageHead {
    PageHead { title: title.to_owned(), description: title.to_owned(), kind: PageKind::Form, style: PageStyle::Base }
}

/// Where messages go, about what, and which.
fn subscription_facts(subscriber: &Subscriber, incident: Option<String>) -> AnyView {
    let goes_to = match &subscriber.endpoint_host {
        Some(host) => format!("{} at {host}", subscriber.channel.words()),
        None => subscriber.email.clone().unwrap_or_default(),
    };
    let about = match &subscriber.scope {
        Scope::Page => "All components".to_owned(),
        Scope::Components(ids) if ids.len() == 1 => "1 component".to_owned(),
        Scope::Components(ids) => format!("{} components", ids.len()),
        Scope::Incident(_) => incident.unwrap_or_else(|| "One incident".to_owned()),
    };
    let events = match (subscriber.incidents, subscriber.maintenance) {
        (IncidentEvents::All, true) => "Incidents, scheduled maintenance",
        (IncidentEvents::All, false) => "Incidents",
        (IncidentEvents::OpenedAndResolved, true) => "Start and end of incidents, scheduled maintenance",
        (IncidentEvents::OpenedAndResolved, false) => "Start and end of incidents",
        (IncidentEvents::None, _) => "Scheduled maintenance",
    };
    view! {
        <dl>
            <div><dt>"Messages go to"</dt><dd dir="auto">{goes_to}</dd></div>
            <div><dt>"About"</dt><dd dir="auto">{about}</dd></div>
            <div><dt>"Events"</dt><dd>{events}</dd></div>
        </dl>
    }
    .into_any()
}

/// `GET /subscribe/manage/{token}`: the settings of one subscription.
#[derive(Clone, Debug)]
pub struct ManagePage {
    pub shell: PublicContext,
    pub token: String,
    pub subscriber: Subscriber,
    pub incident: Option<String>,
    pub choice: ChoiceForm,
    pub components: ComponentChoices,
    pub invalid: Invalid,
    pub notice: FormNotice,
    /// What was just done.
    pub done: Option<&'static str>,
    /// The secret that signs webhooks, once asked for.
    pub secret: Option<String>,
    /// The path of the page that ends the subscription.
    pub unsubscribe: String,
}

pub fn render_manage_page(page: ManagePage) -> String {
    crate::ui::render_page(|| view! { <ManageView page=page /> })
}

#[component]
pub fn ManageView(page: ManagePage) -> AnyView {
    let zone = page.shell.zone();
    let ManagePage { shell, token, subscriber, incident, choice, components, invalid, notice, done, secret, .. } = page;
    let action = format!("/subscribe/manage/{token}");
    let paused = subscriber.paused_at.map(|at| {
        view! { <p class="notice">"Paused since "<Time at=at words=time::format_full(at, zone) />". You get no messages."</p> }
    });
    let quarantined = (subscriber.state == SubscriberState::Quarantined).then(|| {
        let reason = subscriber.quarantine_reason.clone().unwrap_or_else(|| "It did not accept messages.".to_owned());
        let until = subscriber.purge_at().map(|at| time::format_day(at, zone)).unwrap_or_default();
        view! {
            <p class="notice">
                "Messages could not be delivered: "<bdi>{reason}</bdi>
                {format!(" The subscription is deleted on {until} unless you reactivate it.")}
            </p>
        }
    });
    let questions = match subscriber.scope {
        Scope::Incident(_) => view! { <section>{subscription_facts(&subscriber, incident)}</section> }.into_any(),
        _ => {
            let save = button("save", "Save");
            view! { {choice_questions(&choice, &components, &invalid)}<div class="bottom"><p><strong class="chosen"></strong></p>{save}</div> }
                .into_any()
        }
    };
    let title = format!("Your subscription {}", channel_phrase(subscriber.channel));
    let goes_to = subscriber.endpoint_host.clone().or(subscriber.email.clone());
    view! {
        <PublicLayout shell=shell head=form_head(&title)>
            <div class="intro"><h1>{title.clone()}</h1><p class="lede" dir="auto">{goes_to}</p></div>
            {done.map(|words| view! { <p class="notice done" role="status">{words}</p> })}
            {form_notice(notice, &invalid)}
            {quarantined}
            {paused}
            <form class="ask card" method="post" action=action.clone()>{questions}</form>
            {other_actions(&subscriber, secret, &action, page.unsubscribe)}
        </PublicLayout>
    }
    .into_any()
}

fn button(action: &'static str, words: &'static str) -> AnyView {
    let class = if action == "save" { "" } else { "quiet" };
    view! { <button class=class name="action" value=action>{words}</button> }.into_any()
}

/// Pause, secret, export and end, each with a sentence.
fn other_actions(subscriber: &Subscriber, secret: Option<String>, action: &str, unsubscribe: String) -> AnyView {
    let line =
        |what: &'static str, control: AnyView| view! { <div class="line"><p>{what}</p>{control}</div> }.into_any();
    let state = match (subscriber.state, subscriber.paused_at) {
        (SubscriberState::Quarantined, _) => line("Try again to send messages.", button("reactivate", "Reactivate")),
        (_, Some(_)) => line("Get messages again.", button("resume", "Resume")),
        (_, None) => line("Get no messages until you resume.", button("pause", "Pause")),
    };
    let secret = (subscriber.channel == Channel::Webhook).then(|| match secret {
        Some(secret) => {
            let shown = view! { <code class="secret">{secret}</code> }.into_any();
            line("Signing secret of your endpoint (Standard Webhooks):", shown)
        }
        None => line("Your endpoint verifies our messages with it.", button("secret", "Show signing secret")),
    });
    let stop = view! { <a class="button" href=unsubscribe>"Unsubscribe"</a> }.into_any();
    view! {
        <form class="ask card" method="post" action=action.to_owned()>
            {state}
            {secret}
            {line("Everything stored about you, as JSON.", button("export", "Export my data"))}
            {line("End this subscription.", stop)}
            {line("End all subscriptions of your e-mail address and delete what is stored.", button("erase", "Delete my data…"))}
        </form>
    }
    .into_any()
}

/// A question with one button, or a sentence about what was done.
#[derive(Clone, Debug)]
pub struct AnswerPage {
    pub shell: PublicContext,
    pub title: &'static str,
    pub message: String,
    pub question: Option<Question>,
    /// Labels and paths of pages to go to.
    pub links: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
pub struct Question {
    pub action: String,
    /// The field that the button sends: name and value.
    pub field: (&'static str, &'static str),
    pub words: &'static str,
}

pub fn render_answer_page(page: AnswerPage) -> String {
    crate::ui::render_page(|| view! { <AnswerView page=page /> })
}

#[component]
pub fn AnswerView(page: AnswerPage) -> AnyView {
    let AnswerPage { shell, title, message, question, links } = page;
    let question = question.map(|question| {
        let (name, value) = question.field;
        view! {
            <form method="post" action=question.action>
                <input type="hidden" name=name value=value />
                <button class="alone">{question.words}</button>
            </form>
        }
    });
    let links = links.into_iter().map(|(label, href)| view! { <a href=href>{label}</a>" " }).collect_view();
    view! {
        <PublicLayout shell=shell head=form_head(title)>
            <div class="intro"><h1>{title}</h1><p class="lede">{message}</p></div>
            {question}
            <p class="back">{links}</p>
        </PublicLayout>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SubscriberId;
    use crate::domain::subscriber::CONSENT_VERSION;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check_form};

    fn subscriber(channel: Channel) -> Subscriber {
        Subscriber {
            id: SubscriberId::parse("s1").unwrap(),
            channel,
            email: Some(SCRIPT.into()),
            endpoint_host: (channel != Channel::Email).then(|| "hooks.example.org".into()),
            scope: Scope::Page,
            incidents: IncidentEvents::All,
            maintenance: true,
            state: SubscriberState::Quarantined,
            paused_at: Some(fixtures::now()),
            requested_at: fixtures::now(),
            confirmed_at: Some(fixtures::now()),
            consent_version: CONSENT_VERSION,
            quarantined_at: Some(fixtures::now()),
            quarantine_reason: Some(SCRIPT.into()),
            updated_at: fixtures::now(),
            version: 1,
        }
    }

    fn manage(channel: Channel, secret: Option<&str>) -> String {
        let subscriber = subscriber(channel);
        let html = render_manage_page(ManagePage {
            shell: fixtures::shell("/subscribe/manage"),
            token: "t".into(),
            choice: ChoiceForm::from_subscriber(&subscriber),
            subscriber,
            incident: None,
            components: ComponentChoices { groups: fixtures::groups(), components: fixtures::components() },
            invalid: Invalid::new(),
            notice: None,
            done: Some("Saved."),
            secret: secret.map(str::to_owned),
            unsubscribe: "/subscribe/unsubscribe/t".into(),
        });
        check_form(&html);
        html
    }

    #[test]
    fn settings_offer_every_action() {
        let html = manage(Channel::Webhook, None);
        for action in ["save", "reactivate", "secret", "export", "erase"] {
            assert!(html.contains(&format!("value=\"{action}\"")), "{action}");
        }
        assert!(manage(Channel::Webhook, Some("whsec_x")).contains("whsec_x"));
        assert!(!manage(Channel::Email, None).contains("signing secret"));
    }

    #[test]
    fn confirmation_names_receiver_and_choice() {
        let (shell, subscriber) = (fixtures::shell("/subscribe/confirm"), subscriber(Channel::Webhook));
        let (token, notice) = ("t".to_owned(), Some(SCRIPT.to_owned()));
        let html = render_confirm_page(ConfirmPage { shell, token, subscriber, incident: None, notice });
        check_form(&html);
        assert!(html.contains("Webhook at hooks.example.org") && html.contains("All components"), "{html}");
        assert!(html.contains("challenge"));
    }

    #[test]
    fn question_has_one_button() {
        let question = Question { action: "/x".into(), field: ("List-Unsubscribe", "One-Click"), words: "Unsubscribe" };
        let html = render_answer_page(AnswerPage {
            shell: fixtures::shell("/subscribe/unsubscribe"),
            title: "Unsubscribe?",
            message: SCRIPT.into(),
            question: Some(question),
            links: vec![("Keep it", "/".into())],
        });
        check_form(&html);
        assert_eq!(html.matches("<button").count(), 1);
    }
}
