//! `/incidents/{id}`: one incident with its timeline.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::event_page::{EventBanner, event_timeline, fact, fact_card, month_link, neighbour_links, weekday_and_time};
use super::incident_card::{self, short_time};
use crate::domain::history::Neighbours;
use crate::domain::page_status::Tone;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{Impact, Incident, Phase, Status};
use crate::format::duration;
use crate::format::markdown;
use crate::format::time;
use crate::ui::icon::Icon;
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
    pub neighbours: Neighbours,
}

pub fn render_incident_page(page: IncidentPage) -> String {
    crate::ui::render_page(|| view! { <IncidentView page=page /> })
}

#[component]
pub fn IncidentView(page: IncidentPage) -> AnyView {
    let IncidentPage { shell, incident, postmortem, neighbours } = page;
    let (zone, now) = (shell.zone(), shell.now);
    let said =
        incident.newest_update().map(|update| markdown::plain_summary(&update.body, MAX_SUMMARY)).unwrap_or_default();
    let head = PageHead {
        title: incident.title.clone(),
        description: said,
        kind: PageKind::Regular,
        style: PageStyle::History,
    };
    let here = shell.canonical();
    view! {
        <PublicLayout shell=shell head=head>
            {month_link(incident.started_at, zone)}
            <article>
                {incident_banner(&incident, now, zone).view()}
                {incident_facts(&incident, now, zone)}
                {event_timeline(&incident.updates, Phase::words, now, zone)}
                {postmortem.map(|postmortem| postmortem_section(&postmortem, zone))}
            </article>
            <p class="back"><a class="share" href=here>{Icon::Link.view()}"Link to this incident"</a></p>
            {neighbour_links(&neighbours, zone)}
        </PublicLayout>
    }
    .into_any()
}

fn incident_banner(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> EventBanner {
    let (icon, lede) = match incident.ended_at {
        Some(ended) => {
            let length = incident.duration().and_then(duration::spell_duration);
            let length = length.map(|words| format!(", after {words}"));
            let noted = incident.is_backfilled().then_some(" Added retroactively.");
            let time = view! { <Time at=ended words=weekday_and_time(ended, zone) /> };
            (Icon::Operational, view! { {time}{length}"."{noted} }.into_any())
        }
        None => {
            let began = incident.started_at;
            let time = view! { <Time at=began words=weekday_and_time(began, zone) /> };
            let next = next_update(incident, now, zone).map(|words| view! { " "{words} });
            (Icon::from(Tone::from(incident.present_impact())), view! { "Started "{time}"."{next} }.into_any())
        }
    };
    EventBanner {
        class: incident_card::state_class(incident),
        icon,
        state: incident.phase.words().to_owned(),
        title: incident.title.clone(),
        lede,
        action: incident.is_open().then(|| incident_card::subscribe_link(incident)),
    }
}

/// `Next update due by 22:45 WET.`, or `Update was due at 22:45 WET.` once that time has passed.
fn next_update(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> Option<AnyView> {
    let due = incident.next_update_at.filter(|_| incident.is_open())?;
    let time = view! { <b><Time at=due words=short_time(due, now, zone) /></b> };
    Some(if incident.is_update_overdue(now) {
        view! { <span class="due">"Update was due at "{time}"."</span> }.into_any()
    } else {
        view! { "Next update due by "{time}"." }.into_any()
    })
}

fn postmortem_section(postmortem: &PublishedPostmortem, zone: Tz) -> AnyView {
    let day = time::today(postmortem.at, zone);
    view! {
        <section class="panel postmortem" id="postmortem">
            <div class="over">
                <h2>"Postmortem"</h2>
                <p class="soft">"Published "<Time at=postmortem.at words=day.format("%a %-d %b %Y").to_string() /></p>
            </div>
            <div class="text" dir="auto" inner_html=markdown::render_markdown(&postmortem.body)></div>
        </section>
    }
    .into_any()
}

fn incident_facts(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let began = view! { <Time at=incident.started_at words=time::format_full(incident.started_at, zone) /> };
    let ended = incident
        .ended_at
        .map(|at| fact("Resolved", view! { <Time at=at words=time::format_full(at, zone) /> }.into_any()));
    let lasted = match incident.duration() {
        None => duration::spell_duration(now - incident.started_at).map(|words| format!("{words} so far")),
        Some(length) => duration::spell_duration(length),
    };
    let detected = incident.detected_by.clone();
    let facts = [
        Some(fact("Severity", severity(incident))),
        Some(fact("Started", began.into_any())),
        ended,
        lasted.map(|words| fact("Duration", words.into_any())),
        (!incident.affected_components().is_empty()).then(|| fact("Affected", affected_components(incident))),
        detected.map(|who| fact("Detected by", who.into_any())),
    ];
    fact_card(facts.into_iter().flatten().collect())
}

/// The worst impact that the incident had.
fn severity(incident: &Incident) -> AnyView {
    let impact = incident.impact();
    let words = if impact == Impact::None { "No impact" } else { impact.words() };
    let class = format!("state impact-{}", impact.key());
    view! { <span class=class>{Icon::from(Tone::from(impact)).view()}{words}</span> }.into_any()
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
            "class=\"banner tint resolved\"",
            "<p class=\"phase\">Resolved</p>",
            ">Sat 21 Nov 2026, 08:49 WET</time>, after 37 min.",
            "<span class=\"state impact-critical\"><svg aria-hidden=\"true\" class=\"i\"><use href=\"#i-critical\"></use></svg>Major outage</span>",
            "<p class=\"up\"><a href=\"/history/2026-11\">",
            "<p class=\"soft\">3 updates</p>",
            ">Sign-in fails for tenants on the second cluster</h1>",
            "<dt>Detected by</dt><dd dir=\"auto\">on-call</dd>",
            "21 Nov 2026, 08:12 WET",
            "21 Nov 2026, 08:49 WET",
            "<dt>Duration</dt><dd dir=\"auto\">37 min</dd>",
            "<dt>Affected</dt><dd dir=\"auto\"><ul><li><bdi>Sign-in</bdi></li></ul></dd>",
            "<h2>Timeline</h2>",
            "<li>Restarted</li>",
            "href=\"/history\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn open_incident_shows_component_statuses() {
        let html = render_incident_page(fixtures::incident_page(fixtures::delayed()));
        check(&html);
        for words in [
            "class=\"banner tint impact-major\"",
            "<p class=\"phase\">Identified</p>",
            ">1 h 27 min so far</dd>",
            "<bdi>Outbound delivery</bdi>: partial outage",
            "href=\"/subscribe?incident=delayed00001\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert!(!html.contains("<dt>Resolved</dt>") && !html.contains("Detected by") && !html.contains("pdate due"));
    }

    #[test]
    fn promised_update_is_stated_and_missed_one_too() {
        let page = |due: &str| {
            let mut incident = fixtures::delayed();
            incident.next_update_at = Some(fixtures::at(due));
            render_incident_page(fixtures::incident_page(incident))
        };
        let html = page("2026-11-23T14:45:00Z");
        assert!(html.contains("Next update due by <b><time datetime=\"2026-11-23T14:45:00Z\">14:45 WET</time></b>."));
        let html = page("2026-11-23T14:30:00Z");
        assert!(html.contains("<span class=\"due\">Update was due at <b><time") && !html.contains("due by"), "{html}");
    }

    #[test]
    fn every_update_has_a_link_of_its_own() {
        let html = render_incident_page(fixtures::incident_page(fixtures::past().remove(0)));
        assert_eq!(html.matches("<li id=\"update-").count(), 3, "{html}");
        assert_eq!(html.matches("href=\"#update-").count(), 3, "{html}");
        assert!(html.contains(">Link to this incident</a>"), "{html}");
        assert!(
            html.contains("<a href=\"https://status.harbormail.example/incidents/signin000001\" class=\"share\">"),
            "{html}"
        );
    }

    #[test]
    fn neighbours_are_links_with_their_length() {
        let mut page = fixtures::incident_page(fixtures::past().remove(1));
        let link = |incident: &Incident| crate::domain::history::IncidentLink::from(incident);
        page.neighbours.older = Some(link(&fixtures::past()[2]));
        page.neighbours.newer = Some(link(&fixtures::past()[0]));
        let html = render_incident_page(page);
        check(&html);
        assert!(html.contains("rel=\"prev\" href=\"/incidents/held00000001\""), "{html}");
        assert!(html.contains("rel=\"next\" href=\"/incidents/signin000001\""), "{html}");
        assert!(html.contains("<span class=\"soft\">21 Nov 2026 · 37 min</span>"), "{html}");
    }

    #[test]
    fn backfilled_incident_omits_unknown_facts() {
        let html = render_incident_page(fixtures::incident_page(fixtures::past().remove(2)));
        check(&html);
        assert!(
            html.contains(">Resolved</p>")
                && html.contains(" Added retroactively.")
                && html.contains("<h2>Timeline</h2>")
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
        assert!(html.contains(">13:05</time>") && html.contains("20 Nov 2026, 09:30 WET"), "{html}");
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
