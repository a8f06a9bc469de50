//! `/incidents/{id}`: one incident with its timeline.

use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::{self, fact_row, incident_timeline};
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{Impact, Incident, Status};
use crate::format::duration;
use crate::format::markdown;
use crate::format::time;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};
use crate::ui::time::Time;

/// In characters; the start of the newest update is the page description.
const MAX_SUMMARY: usize = 160;

#[derive(Clone, Debug)]
pub struct IncidentPage {
    pub shell: PublicContext,
    pub incident: Incident,
    /// The postmortem, once published.
    pub postmortem: Option<PublishedPostmortem>,
}

pub fn render_incident_page(page: IncidentPage) -> String {
    crate::ui::render_page(|| view! { <IncidentView page=page /> })
}

#[component]
pub fn IncidentView(page: IncidentPage) -> AnyView {
    let IncidentPage { shell, incident, postmortem } = page;
    let (zone, now) = (shell.zone(), shell.now);
    let said =
        incident.newest_update().map(|update| markdown::plain_summary(&update.body, MAX_SUMMARY)).unwrap_or_default();
    let head = PageHead {
        title: incident.title.clone(),
        description: said,
        kind: PageKind::Regular,
        style: PageStyle::History,
    };
    let class = incident_card::state_class(&incident);
    let facts = incident_facts(&incident, &shell);
    let subscribe = incident.is_open().then(|| view! { {incident_card::subscribe_link(&incident)}" " });
    view! {
        <PublicLayout shell=shell head=head>
            <article class=format!("incident {class}")>
                <div class="intro">
                    <p class="chip">{incident_card::state_words(&incident, now)}</p>
                    <h1 dir="auto">{incident.title.clone()}</h1>
                </div>
                {facts}
                <h2>"Updates"</h2>
                {incident_timeline(&incident, zone, now)}
                {postmortem.map(|postmortem| postmortem_section(&postmortem, zone))}
            </article>
            <p class="back">{subscribe}<a href="/">"Current status"</a>" "<a href="/history">"Incident history"</a></p>
        </PublicLayout>
    }
    .into_any()
}

fn postmortem_section(postmortem: &PublishedPostmortem, zone: Tz) -> AnyView {
    view! {
        <section id="postmortem">
            <h2>"Postmortem"</h2>
            <p class="soft">"Published "<Time at=postmortem.at words=time::format_full(postmortem.at, zone) /></p>
            <div class="text" dir="auto" inner_html=markdown::render_markdown(&postmortem.body)></div>
        </section>
    }
    .into_any()
}

fn incident_facts(incident: &Incident, shell: &PublicContext) -> AnyView {
    let zone = shell.zone();
    let full = |at| view! { <Time at=at words=time::format_full(at, zone) /> };
    let detected = incident.detected_by.clone().map(|who| fact_row("Detected by", who.into_any()));
    let resolved = match incident.ended_at {
        Some(at) => full(at).into_any(),
        None => "ongoing".into_any(),
    };
    let lasted = incident.duration().and_then(duration::format_duration);
    let lasted = lasted.map(|words| fact_row("Duration", words.into_any()));
    let severity = (!incident.is_open() && incident.impact() != Impact::None)
        .then(|| fact_row("Impact", incident.impact().words().into_any()));
    let noted = incident.is_backfilled().then(|| fact_row("Reported", "added retroactively".into_any()));
    let affected = (!incident.affected_components().is_empty())
        .then(|| fact_row("Affected components", affected_components(incident)));
    view! {
        <dl>
            {detected}
            {fact_row("Started", full(incident.started_at).into_any())}
            {fact_row("Resolved", resolved)}
            {lasted}
            {severity}
            {noted}
            {affected}
        </dl>
    }
    .into_any()
}

/// The affected components; while the incident is open, with their current status. A component that was only ever named
/// as operational has none.
fn affected_components(incident: &Incident) -> AnyView {
    let now = incident.statuses();
    let item = |(id, name): (&_, &str)| {
        let status = now.get(id).and_then(|status| match status {
            Status::Operational if incident.worst_status(id) == Status::Operational => None,
            Status::Operational => Some(": recovered".to_owned()),
            status => Some(format!(": {}", status.words().to_lowercase())),
        });
        view! { <li><bdi>{name.to_owned()}</bdi>{status}</li> }
    };
    view! { <ul>{incident.affected_components().into_iter().map(item).collect_view()}</ul> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Phase;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check};

    #[test]
    fn resolved_incident_shows_all_facts() {
        let html = render_incident_page(fixtures::incident_page(fixtures::past().remove(0)));
        check(&html);
        for words in [
            "class=\"incident resolved\"",
            "<p class=\"chip\">Resolved</p>",
            "<dt>Impact</dt><dd dir=\"auto\">Major outage</dd>",
            ">Sign-in fails for tenants on the second cluster</h1>",
            "<dt>Detected by</dt><dd dir=\"auto\">on-call</dd>",
            "21 Nov 2026, 08:12 WET",
            "21 Nov 2026, 08:49 WET",
            "<dt>Duration</dt><dd dir=\"auto\">37m</dd>",
            "<dt>Affected components</dt>",
            "<h2>Updates</h2>",
            "<li>Restarted</li>",
            "href=\"/history\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn open_incident_shows_component_statuses() {
        let html = render_incident_page(fixtures::incident_page(fixtures::delayed()));
        assert!(html.contains("Partial outage · open for 1h 27m") && html.contains("ongoing"), "{html}");
        assert!(html.contains("<bdi>Outbound delivery</bdi>: partial outage"), "{html}");
        assert!(!html.contains("Duration") && !html.contains("Detected by"));
    }

    #[test]
    fn backfilled_incident_omits_unknown_facts() {
        let html = render_incident_page(fixtures::incident_page(fixtures::past().remove(2)));
        check(&html);
        assert!(
            html.contains(">Resolved</p>") && html.contains("added retroactively") && html.contains("<h2>Updates</h2>")
        );
        assert!(!html.contains("Duration") && !html.contains("Affected"));
    }

    #[test]
    fn operational_component_is_recovered_or_has_no_status() {
        let signin = |status| [("signin", "Sign-in", status)];
        let page = |updates| render_incident_page(fixtures::incident_page(fixtures::incident("it", "It", updates)));
        let first = |status| fixtures::update("2026-11-23T13:05:00Z", Phase::Identified, "Text.", &signin(status));
        let named = page(vec![first(Status::Operational)]);
        assert!(named.contains("<bdi>Sign-in</bdi></li>") && !named.contains("</bdi>: "), "{named}");
        let second = fixtures::update("2026-11-23T13:15:00Z", Phase::Monitoring, "Text.", &signin(Status::Operational));
        let html = page(vec![first(Status::MajorOutage), second]);
        assert!(html.contains("<bdi>Sign-in</bdi>: recovered</li>"), "{html}");
    }

    #[test]
    fn backfilled_update_of_another_day_has_a_date() {
        let resolved = fixtures::update("2026-11-23T13:05:00Z", Phase::Resolved, "It was short.", &[]);
        let mut it = fixtures::incident("it", "It", vec![resolved]);
        it.started_at = fixtures::at("2026-11-20T09:00:00Z");
        it.ended_at = Some(fixtures::at("2026-11-20T09:30:00Z"));
        let html = render_incident_page(fixtures::incident_page(it));
        assert!(html.contains(">23 Nov, 13:05 WET</time>") && html.contains("20 Nov 2026, 09:30 WET"), "{html}");
    }

    #[test]
    fn every_text_is_escaped() {
        let mut incident = fixtures::delayed();
        incident.title = SCRIPT.into();
        incident.detected_by = Some(SCRIPT.into());
        incident.updates.iter_mut().for_each(|update| update.body = format!("{SCRIPT}\"'>"));
        incident.updates[0].components[0].name = SCRIPT.into();
        check(&render_incident_page(fixtures::incident_page(incident)));
    }
}
