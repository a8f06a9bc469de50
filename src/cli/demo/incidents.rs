//! Parses `incidents.txt`, where times are relative to `now`:
//!
//! ```text
//! == TITLE
//! start: -12d 14:05            twelve days ago, in the page's time zone
//! start: now -55m              55 minutes ago
//! start: clocks-back 00:20     on the last day the clocks went back (or clocks-forward)
//! next: 75                     the next update is promised 75 minutes after the start
//! lasted: 45                   minutes; if absent, the last update is the end
//! impact: none                 overrides the impact computed from the components
//! detected: Monitoring
//! note: for managers only
//! +17 identified edited=20 | Tile API=partial_outage; Geocoding=operational
//! The text of the update 17 minutes after the start, edited 20 minutes later.
//! ```

use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::ids::{incident_id, update_id};
use crate::domain::{AffectedComponent, Component, Impact, Incident, Phase, Reminder, Status, Update, Visibility};

const INCIDENTS_TEXT: &str = include_str!("incidents.txt");

/// The sample incidents, newest first.
pub fn demo_incidents(now: DateTime<Utc>, zone: Tz, components: &[Component]) -> anyhow::Result<Vec<Incident>> {
    let chapters = INCIDENTS_TEXT.split("\n== ").skip(1);
    let read = |chapter: &str| {
        let title = chapter.lines().next().unwrap_or_default();
        parse_incident(title, chapter, now, zone, components).with_context(|| title.to_owned())
    };
    let mut incidents = chapters.map(read).collect::<anyhow::Result<Vec<Incident>>>()?;
    incidents.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
    Ok(incidents)
}

fn parse_incident(
    title: &str,
    chapter: &str,
    now: DateTime<Utc>,
    zone: Tz,
    components: &[Component],
) -> anyhow::Result<Incident> {
    let (head, text_of_updates) = chapter.split_once("\n+").context("no update")?;
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let started_at = parse_start(field("start:").context("no start")?, now, zone)?;
    let lasted = field("lasted:").map(str::parse).transpose()?.map(TimeDelta::minutes);
    let impact_override = field("impact:").map(|key| Impact::from_key(key).context("an impact")).transpose()?;
    let promised = field("next:").map(str::parse).transpose()?.map(TimeDelta::minutes);
    let mut updates = Vec::new();
    for (index, text) in text_of_updates.split("\n+").enumerate() {
        let mut update = parse_update(text, started_at, components)?;
        update.id = update_id(title, index);
        updates.push(update);
    }
    let (first, last) = (updates.first().context("no update")?, updates.last().context("no update")?);
    let mut incident = Incident {
        id: incident_id(title),
        title: title.to_owned(),
        computed_impact: Impact::None,
        impact_override,
        phase: last.phase,
        started_at,
        ended_at: lasted.map(|lasted| started_at + lasted),
        detected_by: field("detected:").map(str::to_owned),
        internal_note: field("note:").map(str::to_owned),
        visibility: Visibility::Public,
        reminder: Reminder::Usual,
        next_update_at: promised.map(|after| started_at + after),
        postmortem_published_at: None,
        created_at: first.created_at,
        updated_at: last.edited_at.unwrap_or(last.created_at),
        version: 1,
        updates,
    };
    incident.recompute();
    Ok(incident)
}

fn parse_update(text: &str, started_at: DateTime<Utc>, components: &[Component]) -> anyhow::Result<Update> {
    let (line, body) = text.split_once('\n').context("no text")?;
    let (what, named) = line.split_once('|').unwrap_or((line, ""));
    let mut words = what.split_whitespace();
    let after: i64 = words.next().context("no minute")?.parse()?;
    let phase = words.next().and_then(Phase::from_key).context("no phase")?;
    let posted_at = started_at + TimeDelta::minutes(after);
    let edited = words.next().and_then(|word| word.strip_prefix("edited=")).map(str::parse).transpose()?;
    let named = named.split(';').map(str::trim).filter(|part| !part.is_empty());
    Ok(Update {
        id: update_id("", 0),
        phase,
        body: body.trim().to_owned(),
        posted_at,
        created_at: posted_at,
        edited_at: edited.map(|minutes| posted_at + TimeDelta::minutes(minutes)),
        version: if edited.is_some() { 2 } else { 1 },
        components: named.map(|part| parse_affected(part, components)).collect::<anyhow::Result<_>>()?,
    })
}

fn parse_affected(part: &str, components: &[Component]) -> anyhow::Result<AffectedComponent> {
    let (name, status) = part.split_once('=').with_context(|| part.to_owned())?;
    let component = components.iter().find(|component| component.name == name).with_context(|| name.to_owned())?;
    let status = Status::from_key(status).with_context(|| status.to_owned())?;
    Ok(AffectedComponent { id: component.id.clone(), name: name.to_owned(), status })
}

fn parse_start(text: &str, now: DateTime<Utc>, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    let (day, time) = text.split_once(' ').context("a day and a time")?;
    if day == "now" {
        let minutes = time.strip_prefix('-').and_then(|time| time.strip_suffix('m')).context("minutes")?;
        return Ok(now - TimeDelta::minutes(minutes.parse()?));
    }
    let today = now.with_timezone(&zone).date_naive();
    let date = match day {
        "clocks-back" => clock_change(today, zone, |before, after| after < before)?,
        "clocks-forward" => clock_change(today, zone, |before, after| after > before)?,
        ago => {
            let days = ago.strip_prefix('-').and_then(|ago| ago.strip_suffix('d')).context("days")?;
            today - Days::new(days.parse()?)
        }
    };
    let local = date.and_time(NaiveTime::parse_from_str(time, "%H:%M")?);
    // A local time skipped by the clock change counts as one hour later.
    let at = zone.from_local_datetime(&local).earliest();
    let at = at.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
    Ok(at.context("a time of that day")?.to_utc())
}

/// The last day, at least two days ago, on which the UTC offset changed as `is_it` requires.
fn clock_change(today: NaiveDate, zone: Tz, is_it: impl Fn(i32, i32) -> bool) -> anyhow::Result<NaiveDate> {
    let offset = |date: NaiveDate| {
        let noon = date.and_time(NaiveTime::MIN) + TimeDelta::hours(12);
        zone.offset_from_utc_datetime(&noon).fix().local_minus_utc()
    };
    let days = (2..400).map(|ago| today - Days::new(ago));
    days.into_iter()
        .find(|date| is_it(offset(*date - Days::new(1)), offset(*date)))
        .context("a zone whose clocks change")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::page::demo_data;
    use crate::domain::forms::parse_body;
    use crate::domain::incident::MAX_TITLE;

    /// Midnights, ends of months and years, a leap day, and both clock changes.
    const EDGES: [&str; 12] = [
        "2026-11-10T12:00:00Z",
        "2026-10-27T00:10:00Z",
        "2026-12-31T23:58:00Z",
        "2027-01-01T00:05:00Z",
        "2027-03-28T00:59:59Z",
        "2027-03-28T01:30:00Z",
        "2027-05-14T22:58:00Z",
        "2027-05-14T23:05:00Z",
        "2027-10-31T00:30:00Z",
        "2027-10-31T01:30:00Z",
        "2028-02-29T23:59:59Z",
        "2028-03-01T00:00:00Z",
    ];

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn demo_data_is_deterministic() {
        let now = at("2026-11-10T12:00:00Z");
        assert_eq!(demo_data(now).unwrap(), demo_data(now).unwrap());
    }

    #[test]
    fn demo_times_are_past_and_in_order() {
        for now in EDGES {
            let now = at(now);
            let company = demo_data(now).unwrap();
            for incident in &company.incidents {
                let times = incident.updates.iter().flat_map(|u| [Some(u.posted_at), u.edited_at]).flatten();
                assert!(times.chain(incident.ended_at).all(|at| at <= now), "{}", incident.title);
                assert!(incident.ended_at.is_none_or(|end| end >= incident.started_at), "{}", incident.title);
                assert!(incident.title.len() <= MAX_TITLE);
                assert!(incident.updates.iter().all(|update| parse_body(&update.body).is_ok()), "{}", incident.title);
            }
        }
    }

    #[test]
    fn demo_contains_every_kind_of_incident() {
        let company = demo_data(at("2026-11-10T12:00:00Z")).unwrap();
        let any = |is_it: &dyn Fn(&Incident) -> bool| company.incidents.iter().filter(|i| is_it(i)).count();
        assert!((45..=60).contains(&company.incidents.len()), "{}", company.incidents.len());
        assert_eq!((company.components.len(), company.groups.len()), (12, 3));
        assert_eq!(any(&Incident::is_open), 1);
        assert!(company.incidents[0].is_open());
        for impact in [Impact::None, Impact::Minor, Impact::Major, Impact::Critical] {
            assert!(any(&|i| i.impact() == impact) >= 3, "{impact:?}");
        }
        let reopened =
            |i: &Incident| i.updates.windows(2).any(|w| w[0].phase == Phase::Resolved && w[1].phase.is_open());
        assert_eq!(any(&reopened), 1);
        assert!(any(&|i| i.updates.len() >= 6) >= 1);
        assert!(any(&|i| i.updates.len() == 1 && !i.is_open()) >= 5);
        assert!(any(&|i| i.updates.iter().any(|u| u.edited_at.is_some())) >= 1);
        assert!(any(&|i| i.affected_components().len() >= 3) >= 2);
        assert!(any(&|i| i.impact_override.is_some()) >= 2);
    }

    #[test]
    fn demo_covers_a_clock_change() {
        let now = at("2026-11-10T12:00:00Z");
        let back = parse_start("clocks-back 00:20", now, chrono_tz::Europe::Lisbon).unwrap();
        assert_eq!(back, at("2026-10-24T23:20:00Z"));
        let forward = parse_start("clocks-forward 00:40", now, chrono_tz::Europe::Lisbon).unwrap();
        assert_eq!(forward, at("2026-03-29T00:40:00Z"));
    }
}
