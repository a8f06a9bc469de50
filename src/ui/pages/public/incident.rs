//! `/incidents/{id}`: one incident with everything said about it.

use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::{self, Timeline, fact};
use crate::domain::postmortem::PublishedReview;
use crate::domain::{Incident, Status};
use crate::format::duration;
use crate::format::markdown;
use crate::format::time;
use crate::ui::public_layout::{Head, Kind, Layout, Shell};
use crate::ui::time::Time;

/// The most characters of the newest update in the description.
const SUMMARY: usize = 160;

/// What the page of an incident shows.
#[derive(Clone, Debug)]
pub struct IncidentPage {
    pub shell: Shell,
    pub incident: Incident,
    /// What was learned from it, once that is published.
    pub review: Option<PublishedReview>,
}

/// The whole document.
pub fn render(page: IncidentPage) -> String {
    crate::ui::render(|| view! { <IncidentView page=page /> })
}

/// The page of an incident.
#[component]
pub fn IncidentView(page: IncidentPage) -> AnyView {
    let IncidentPage { shell, incident, review } = page;
    let (zone, now) = (shell.zone(), shell.now);
    let said = incident.newest().map(|update| markdown::summary(&update.body, SUMMARY)).unwrap_or_default();
    let head = Head { title: incident.title.clone(), description: said, kind: Kind::Regular };
    let class = incident_card::impact_class(&incident);
    let facts = facts(&incident, &shell);
    view! {
        <Layout shell=shell head=head>
            <article class=format!("incident {class}")>
                <div class="intro">
                    <p class="chip">{incident_card::state_words(&incident, now)}</p>
                    <h1 dir="auto">{incident.title.clone()}</h1>
                </div>
                {facts}
                <h2>"Updates"</h2>
                <Timeline updates=incident.updates zone=zone now=now />
                {review.map(|review| reviewed(&review, zone))}
            </article>
            <p class="back"><a href="/">"Current status"</a>" "<a href="/history">"Incident history"</a></p>
        </Layout>
    }
    .into_any()
}

fn reviewed(review: &PublishedReview, zone: Tz) -> AnyView {
    view! {
        <section id="review">
            <h2>"Postmortem"</h2>
            <p class="soft">"Published "<Time at=review.at words=time::full(review.at, zone) /></p>
            <div class="text" dir="auto" inner_html=markdown::render(&review.body)></div>
        </section>
    }
    .into_any()
}

fn facts(incident: &Incident, shell: &Shell) -> AnyView {
    let zone = shell.zone();
    let full = |at| view! { <Time at=at words=time::full(at, zone) /> };
    let detected = incident.detected_by.clone().map(|who| fact("Detected by", who.into_any()));
    let resolved = match incident.ended_at {
        Some(at) => full(at).into_any(),
        None => "ongoing".into_any(),
    };
    let lasted = incident.duration().and_then(duration::words);
    let lasted = lasted.map(|words| fact("Duration", words.into_any()));
    let noted = incident_card::written_afterwards(incident).then(|| fact("Reported", "added retroactively".into_any()));
    let affected = (!incident.affected().is_empty()).then(|| fact("Affected components", affected(incident)));
    view! {
        <dl>
            {detected}
            {fact("Started", full(incident.started_at).into_any())}
            {fact("Resolved", resolved)}
            {lasted}
            {noted}
            {affected}
        </dl>
    }
    .into_any()
}

/// Every component it named; while it is open with the status it leaves them in.
fn affected(incident: &Incident) -> AnyView {
    let now = incident.statuses();
    let item = |(id, name): (&_, &str)| {
        let status = now.get(id).copied().map(Status::words).map(|words| format!(": {}", words.to_lowercase()));
        view! { <li><bdi>{name.to_owned()}</bdi>{status}</li> }
    };
    view! { <ul>{incident.affected().into_iter().map(item).collect_view()}</ul> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check};

    #[test]
    fn an_incident_that_is_over_has_all_its_facts() {
        let html = render(fixtures::incident_page(fixtures::past().remove(0)));
        check(&html);
        for words in [
            ">Critical</p>",
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
    fn an_open_incident_says_so_and_how_it_leaves_its_components() {
        let html = render(fixtures::incident_page(fixtures::delayed()));
        assert!(html.contains("Major · open for 1h 27m") && html.contains("ongoing"), "{html}");
        assert!(html.contains("<bdi>Outbound delivery</bdi>: partial outage"), "{html}");
        assert!(!html.contains("Duration") && !html.contains("Detected by"));
    }

    #[test]
    fn one_written_afterwards_leaves_out_what_nobody_knows() {
        let html = render(fixtures::incident_page(fixtures::past().remove(2)));
        check(&html);
        assert!(
            html.contains(">Notice</p>") && html.contains("added retroactively") && html.contains("<h2>Updates</h2>")
        );
        assert!(!html.contains("Duration") && !html.contains("Affected"));
    }

    #[test]
    fn every_text_is_escaped() {
        let mut incident = fixtures::delayed();
        incident.title = SCRIPT.into();
        incident.detected_by = Some(SCRIPT.into());
        incident.updates.iter_mut().for_each(|update| update.body = format!("{SCRIPT}\"'>"));
        incident.updates[0].components[0].name = SCRIPT.into();
        check(&render(fixtures::incident_page(incident)));
    }
}
