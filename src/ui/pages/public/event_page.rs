//! Parts of the permanent page of an incident or a maintenance: banner, facts, timeline with a link for each update.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::incident_card::count_words;
use crate::domain::Update;
use crate::domain::history::{IncidentLink, Month, Neighbours};
use crate::format::duration;
use crate::format::markdown;
use crate::format::time;
use crate::ui::icon::Icon;
use crate::ui::time::Time;

/// The first thing on the page: the state, the title, and what a reader wants to know first.
pub struct EventBanner {
    /// The style class of its tone.
    pub class: String,
    pub icon: Icon,
    pub state: String,
    pub title: String,
    pub lede: AnyView,
    /// Below the lede, like the button to subscribe.
    pub action: Option<AnyView>,
}

impl EventBanner {
    pub fn view(self) -> AnyView {
        let action = self.action.map(|action| view! { <div class="act">{action}</div> });
        view! {
            <div class=format!("banner tint {}", self.class)>
                {self.icon.view()}
                <div>
                    <p class="phase">{self.state}</p>
                    <h1 dir="auto">{self.title}</h1>
                    <p class="lede">{self.lede}</p>
                    {action}
                </div>
            </div>
        }
        .into_any()
    }
}

/// The link to the month in the history.
pub fn month_link(at: DateTime<Utc>, zone: Tz) -> AnyView {
    let month = Month::from_time(at, zone);
    let words = time::format_month(month.year, month.month);
    view! { <p class="up"><a href=format!("/history/{month}")>{Icon::Chevron.view()}{words}</a></p> }.into_any()
}

/// A term and its description.
pub fn fact(term: &'static str, words: AnyView) -> AnyView {
    view! { <div><dt>{term}</dt><dd dir="auto">{words}</dd></div> }.into_any()
}

pub fn fact_card(facts: Vec<AnyView>) -> AnyView {
    view! { <dl class="panel fact-card">{facts}</dl> }.into_any()
}

/// Newest update first. A date is written if the update above is of another day; above the newest one is now.
pub fn event_timeline<P: Copy>(
    updates: &[Update<P>],
    words: fn(P) -> &'static str,
    now: DateTime<Utc>,
    zone: Tz,
) -> AnyView {
    let above = std::iter::once(now).chain(updates.iter().rev().map(|update| update.posted_at));
    let items = updates.iter().rev().zip(above);
    let items = items.map(|(update, above)| timeline_item(update, words(update.phase), (above, now), zone));
    view! {
        <section>
            <div class="over">
                <h2>"Timeline"</h2>
                <p class="soft">{count_words(updates.len() as i64, "update")}</p>
            </div>
            <div class="card"><ol class="timeline">{items.collect_view()}</ol></div>
        </section>
    }
    .into_any()
}

fn timeline_item<P>(
    update: &Update<P>,
    phase: &'static str,
    (above, now): (DateTime<Utc>, DateTime<Utc>),
    zone: Tz,
) -> AnyView {
    let edited = update.edited_at.map(|at| {
        view! { <span class="edited">"edited "<Time at=at words=time_below(at, update.posted_at, now, zone) /></span> }
    });
    let anchor = format!("update-{}", update.id);
    view! {
        <li id=anchor.clone()>
            <p class="said">
                <strong>{phase}</strong>
                " "
                <Time at=update.posted_at words=time_below(update.posted_at, above, now, zone) />
                " "
                {edited}
                <a class="here" href=format!("#{anchor}") aria-label="Link to this update">{Icon::Link.view()}</a>
            </p>
            <div class="text" dir="auto" inner_html=markdown::render_markdown(&update.body)></div>
        </li>
    }
    .into_any()
}

/// `14:05`; with the day if that of `above` is another one, and the year if it is not the present one.
fn time_below(at: DateTime<Utc>, above: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let clock = time::format_clock(at, zone);
    if time::today(at, zone) == time::today(above, zone) {
        clock
    } else if time::same_year(at, now, zone) {
        format!("{}, {clock}", at.with_timezone(&zone).format("%-d %b"))
    } else {
        format!("{}, {clock}", time::format_day(at, zone))
    }
}

/// `Wed 18 Nov 2026, 11:02 WET`
pub fn weekday_and_time(at: DateTime<Utc>, zone: Tz) -> String {
    let day = at.with_timezone(&zone).format("%a %-d %b %Y");
    format!("{day}, {}", time::format_clock_with_zone(at, zone))
}

/// Links to the incidents before and after.
pub fn neighbour_links(neighbours: &Neighbours, zone: Tz) -> Option<AnyView> {
    let words = |link: &IncidentLink| {
        let day = time::format_day(link.started_at, zone);
        let length = match link.ended_at {
            None => "ongoing".to_owned(),
            Some(end) => duration::spell_duration(end - link.started_at).unwrap_or_default(),
        };
        [day, length].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    };
    let older = neighbours.older.as_ref().map(|link| {
        view! {
            <a class="panel older" rel="prev" href=format!("/incidents/{}", link.id)>
                <span class="soft">{Icon::Chevron.view()}"Previous incident"</span>
                " "
                <b dir="auto">{link.title.clone()}</b>
                " "
                <span class="soft">{words(link)}</span>
            </a>
        }
    });
    let newer = neighbours.newer.as_ref().map(|link| {
        view! {
            <a class="panel newer" rel="next" href=format!("/incidents/{}", link.id)>
                <span class="soft">"Next incident"{Icon::Chevron.view()}</span>
                " "
                <b dir="auto">{link.title.clone()}</b>
                " "
                <span class="soft">{words(link)}</span>
            </a>
        }
    });
    (older.is_some() || newer.is_some())
        .then(|| view! { <nav class="neighbours" aria-label="Other incidents">{older}" "{newer}</nav> }.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeline_names_a_day_once() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let words = |it, above| time_below(at(it), at(above), at("2026-11-23T14:32:00Z"), Tz::UTC);
        assert_eq!(words("2026-11-23T13:05:00Z", "2026-11-23T14:32:00Z"), "13:05");
        assert_eq!(words("2026-11-22T23:50:00Z", "2026-11-23T00:10:00Z"), "22 Nov, 23:50");
        assert_eq!(words("2025-11-22T22:50:00Z", "2026-11-22T23:50:00Z"), "22 Nov 2025, 22:50");
    }
}
