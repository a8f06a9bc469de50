//! Maintenances as iCalendar (RFC 5545), at their actual times once begun. The output is deterministic: `DTSTAMP` is the time of the last change, and
//! `SEQUENCE` grows with every change.

use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus, Property};

use super::Document;
use crate::domain::{Maintenance, MaintenancePhase, Page};

/// The maximum number of characters of the newest update in an event's description.
const MAX_DESCRIPTION: usize = 2_000;

pub fn calendar_document(text: String) -> Document {
    Document::cross_origin("text/calendar; charset=utf-8", text)
}

pub fn render_calendar<'a>(
    page: &Page,
    origin: &str,
    maintenances: impl IntoIterator<Item = &'a Maintenance>,
) -> String {
    let mut calendar = Calendar::empty();
    let properties = [
        ("VERSION", "2.0".to_owned()),
        ("PRODID", "-//Candor//Maintenance//EN".to_owned()),
        ("CALSCALE", "GREGORIAN".to_owned()),
        ("METHOD", "PUBLISH".to_owned()),
        ("X-WR-CALNAME", strip_controls(&format!("{} maintenance", page.name))),
        ("X-PUBLISHED-TTL", "PT1H".to_owned()),
    ];
    for (name, value) in properties {
        calendar.append_property(Property::new(name, value));
    }
    for maintenance in maintenances {
        calendar.push(calendar_event(page, origin, maintenance));
    }
    calendar.to_string()
}

fn calendar_event(page: &Page, origin: &str, maintenance: &Maintenance) -> Event {
    let address = format!("{origin}/incidents/{}", maintenance.id);
    let status = match maintenance.phase {
        MaintenancePhase::Cancelled => EventStatus::Cancelled,
        _ => EventStatus::Confirmed,
    };
    let (from, to) = maintenance.window();
    // Row versions start at 1, `SEQUENCE` at 0.
    let sequence = u32::try_from(maintenance.version - 1).unwrap_or(u32::MAX);
    Event::new()
        .uid(&format!("{}@{}", maintenance.id, page.id))
        .timestamp(maintenance.updated_at)
        .created(maintenance.created_at)
        .last_modified(maintenance.updated_at)
        .sequence(sequence)
        .status(status)
        .starts(from)
        .ends(to)
        .summary(&strip_controls(&maintenance.title))
        .description(&event_description(maintenance))
        .url(&address)
        .add_property("TRANSP", "TRANSPARENT")
        .done()
}

fn event_description(maintenance: &Maintenance) -> String {
    let names: Vec<&str> = maintenance.components.iter().map(|component| component.name.as_str()).collect();
    let affected = (!names.is_empty()).then(|| format!("Affects: {}", names.join(", ")));
    let said = maintenance.newest_update().map(|update| {
        let cut: String = update.body.chars().take(MAX_DESCRIPTION).collect();
        let rest = if cut.len() < update.body.len() { " …" } else { "" };
        format!("{}: {cut}{rest}", update.phase.words())
    });
    strip_controls(&affected.into_iter().chain(said).collect::<Vec<_>>().join("\n\n"))
}

/// Removes all control characters but line feeds: a bare carriage return would start a new property line.
fn strip_controls(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UpdateId;
    use crate::domain::maintenance::PlannedComponent;
    use crate::domain::maintenance::tests::maintenance;
    use chrono::{DateTime, TimeDelta};
    use chrono_tz::Tz;

    fn page() -> Page {
        Page {
            id: "k2v7xq0m4c9z".into(),
            name: "Harbor; Mail, Ltd".into(),
            url: String::new(),
            time_zone: Tz::UTC,
            logo_text: String::new(),
            embedders: Vec::new(),
            brand: crate::domain::PageBrand::default(),
            links: Vec::new(),
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    /// The unfolded lines of a calendar. Checks the limit of 75 octets per line and the CRLF line ends.
    fn lines(text: &str) -> Vec<String> {
        assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        text.replace("\r\n ", "").trim_end().split("\r\n").map(str::to_owned).collect()
    }

    fn value<'a>(lines: &'a [String], name: &str) -> &'a str {
        let found: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':')).collect();
        assert_eq!(found.len(), 1, "{name} in {lines:#?}");
        found[0]
    }

    #[test]
    fn calendar_event_is_stable_until_changed() {
        let mut it = maintenance(600, 660, &["api"]);
        let text = render_calendar(&page(), "https://status.test", [&it]);
        assert_eq!(text, render_calendar(&page(), "https://status.test", [&it]));
        let before = lines(&text);
        assert_eq!(value(&before, "UID"), "maintenance@k2v7xq0m4c9z");
        assert_eq!((value(&before, "DTSTART"), value(&before, "DTEND")), ("19700101T100000Z", "19700101T110000Z"));
        assert_eq!((value(&before, "SEQUENCE"), value(&before, "DTSTAMP")), ("0", "19691231T000000Z"));
        assert_eq!(value(&before, "URL"), "https://status.test/incidents/maintenance");
        assert_eq!(value(&before, "DESCRIPTION"), "Affects: API\\n\\nScheduled: Told.");
        let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(5);
        it.cancel("Off.".into(), UpdateId::parse("off").unwrap(), now).unwrap();
        (it.version, it.updated_at) = (2, now);
        let after = lines(&render_calendar(&page(), "https://status.test", [&it]));
        assert_eq!((value(&after, "SEQUENCE"), value(&after, "STATUS")), ("1", "CANCELLED"));
        assert_eq!(value(&after, "UID"), value(&before, "UID"));
    }

    #[test]
    fn text_cannot_inject_calendar_properties() {
        let bare = lines(&render_calendar(&page(), "https://status.test", [&maintenance(0, 60, &["api"])])).len();
        for nasty in [
            "a\r\nATTENDEE:mailto:x@y.test",
            "a\rBEGIN:VALARM",
            "a\nEND:VEVENT",
            "one; two, three \\ four\\n",
            &"ä".repeat(150),
            &"ab ".repeat(100),
            "\u{0}\u{7}bell\u{b}",
            "عطل في الخدمة 🛠️",
        ] {
            let mut it = maintenance(0, 60, &["api"]);
            it.title = nasty.into();
            it.updates[0].body = nasty.repeat(3);
            it.components = vec![PlannedComponent { name: nasty.into(), ..it.components[0].clone() }];
            let mut page = page();
            page.name = nasty.into();
            let lines = lines(&render_calendar(&page, "https://status.test", [&it]));
            assert_eq!(lines.len(), bare, "{nasty:?}: {lines:#?}");
            let shown = value(&lines, "SUMMARY").replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";");
            let given = strip_controls(nasty);
            assert_eq!(shown.replace("\\\\", "\\").trim(), given.replace("\\n", "\\\n").trim(), "{nasty:?}");
        }
    }

    #[test]
    fn event_has_the_actual_time_once_begun() {
        let mut it = maintenance(600, 660, &[]);
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        it.begin(UpdateId::parse("begun").unwrap(), at(540)).unwrap();
        it.complete(UpdateId::parse("done").unwrap(), at(570)).unwrap();
        let lines = lines(&render_calendar(&page(), "https://status.test", [&it]));
        assert_eq!((value(&lines, "DTSTART"), value(&lines, "DTEND")), ("19700101T090000Z", "19700101T093000Z"));
    }

    #[test]
    fn a_long_text_is_cut() {
        let mut it = maintenance(0, 60, &[]);
        it.updates[0].body = "é".repeat(25_000);
        let lines = lines(&render_calendar(&page(), "https://status.test", [&it]));
        assert_eq!(value(&lines, "DESCRIPTION").matches('é').count(), MAX_DESCRIPTION);
        assert!(value(&lines, "DESCRIPTION").ends_with(" …"));
    }
}
