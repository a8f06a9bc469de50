//! Lists of subscribers as CSV: columns `email`, `endpoint`, `components` and `state`. Without a header row, the first
//! column is the e-mail address.

use serde_json::Value;

use crate::actions::subscriber_import::{ImportRefusal, KnownAddresses};
use crate::actions::subscribers::{SubscriberKeys, SubscriptionRequest, open_endpoint, parse_endpoint};
use crate::credentials::secret_key::SecretKey;
use crate::db::{Tx, subscribers};
use crate::domain::component::is_same_name;
use crate::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState, parse_email};
use crate::domain::{Component, ComponentId, Subscriber};

pub const MAX_ROWS: usize = 100_000;
/// In bytes.
pub const MAX_LIST: usize = 6 * 1024 * 1024;
/// Components of one row.
const MAX_NAMED: usize = 500;

/// What an import adds, and what it leaves out.
#[derive(Debug, Default)]
pub struct SubscriberList {
    pub wishes: Vec<(SubscriptionRequest, SubscriberState)>,
    pub skipped: Vec<SkippedRow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// Line in the file, from 1.
    pub line: u64,
    /// What the row says, shortened.
    pub address: String,
    pub reason: String,
}

/// The position of each column.
struct Columns {
    email: Option<usize>,
    endpoint: Option<usize>,
    components: Option<usize>,
    state: Option<usize>,
}

impl Columns {
    /// `None` if the row is not a header.
    fn of_header(row: &csv::StringRecord) -> Option<Self> {
        let position = |names: &[&str]| {
            row.iter().position(|cell| names.iter().any(|name| is_same_name(cell.trim_start_matches('\u{feff}'), name)))
        };
        let found = Self {
            email: position(&["email", "e-mail", "email address", "e-mail address"]),
            endpoint: position(&["endpoint", "url", "webhook"]),
            components: position(&["components", "component_ids", "component ids", "component"]),
            state: position(&["state", "status"]),
        };
        (found.email.is_some() || found.endpoint.is_some()).then_some(found)
    }

    fn without_header() -> Self {
        Self { email: Some(0), endpoint: None, components: Some(1), state: None }
    }
}

/// Reads a list. Rows that can't be imported are skipped with a reason.
///
/// # Errors
/// The text as a whole is not such a list.
pub fn read_list(text: &str, components: &[Component]) -> Result<SubscriberList, String> {
    if text.len() > MAX_LIST {
        return Err(format!("The list is larger than {} MB.", MAX_LIST / (1024 * 1024)));
    }
    let delimiter = delimiter_of(text.lines().next().unwrap_or_default());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let (mut list, mut columns, mut count) = (SubscriberList::default(), None, 0);
    for row in reader.records() {
        let row = row.map_err(|error| format!("The list is not valid CSV: {error}."))?;
        let line = row.position().map_or(0, csv::Position::line);
        if columns.is_none() {
            match Columns::of_header(&row) {
                Some(found) => {
                    columns = Some(found);
                    continue;
                }
                None => columns = Some(Columns::without_header()),
            }
        }
        if row.iter().all(str::is_empty) {
            continue;
        }
        count += 1;
        if count > MAX_ROWS {
            return Err("The list has more than 100,000 rows. Split it.".into());
        }
        let Some(columns) = &columns else { continue };
        match read_row(&row, columns, components) {
            Ok(wish) => list.wishes.push(wish),
            Err(reason) => list.skipped.push(SkippedRow { line, address: first_cell(&row), reason }),
        }
    }
    if count == 0 {
        return Err("The list has no rows.".into());
    }
    Ok(list)
}

/// Reads subscribers of Statuspage's management API. Kinds other than e-mail and webhooks are skipped.
pub fn read_statuspage(rows: &[Value], state: SubscriberState, components: &[Component], list: &mut SubscriberList) {
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let address = [text("email"), text("id")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        match read_statuspage_row(row, components) {
            Ok(wish) => list.wishes.push((wish, state)),
            Err(reason) => {
                let address = address.chars().take(100).collect();
                list.skipped.push(SkippedRow { line: 0, address, reason });
            }
        }
    }
}

fn read_statuspage_row(row: &Value, components: &[Component]) -> Result<SubscriptionRequest, String> {
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    let (channel, endpoint) = match text("mode") {
        "email" => (Channel::Email, None),
        "webhook" => parse_endpoint(text("endpoint")).map(|(channel, url)| (channel, Some(url)))?,
        mode => {
            return Err(format!(
                "Subscribers of the kind “{}” can't be imported.",
                mode.chars().take(40).collect::<String>()
            ));
        }
    };
    let email = parse_email(text("email")).ok_or("Not an e-mail address.")?;
    let ids = row["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ids: Vec<&str> = ids.iter().filter_map(|id| id.get("id").unwrap_or(id).as_str()).collect();
    let chosen: Vec<ComponentId> = components
        .iter()
        .filter(|component| ids.contains(&component.id.as_str()))
        .map(|component| component.id.clone())
        .collect();
    let scope = match (ids.is_empty(), chosen.is_empty()) {
        (true, _) => Scope::Page,
        (false, true) => return Err("Its components do not exist here.".into()),
        (false, false) => Scope::Components(chosen),
    };
    let incidents = IncidentEvents::All;
    Ok(SubscriptionRequest { channel, email: Some(email), endpoint, scope, incidents, maintenance: true })
}

/// Moves the addresses that must not be imported to the skipped rows.
pub fn skip_known(list: &mut SubscriberList, known: &mut KnownAddresses, keys: SubscriberKeys<'_>) {
    let mut refused = Vec::new();
    list.wishes.retain(|(wish, _)| {
        let refusal = known.add_address(keys, wish);
        refused.extend(refusal.map(|refusal| (wish.email.clone(), wish.endpoint.clone(), refusal)));
        refusal.is_none()
    });
    for (email, endpoint, refusal) in refused {
        let host = endpoint.and_then(|url| url.host_str().map(str::to_owned));
        let address = host.or(email).unwrap_or_default();
        let reason = match refusal {
            ImportRefusal::Subscribed => "Subscribed already, or listed twice.",
            ImportRefusal::Unsubscribed => "Unsubscribed or complained here in the last 90 days.",
        };
        list.skipped.push(SkippedRow { line: 0, address, reason: reason.to_owned() });
    }
}

fn delimiter_of(line: &str) -> u8 {
    let count = |sign: char| line.matches(sign).count();
    match () {
        () if count('\t') > 0 => b'\t',
        () if count(';') > 0 && count(',') == 0 => b';',
        () => b',',
    }
}

fn first_cell(row: &csv::StringRecord) -> String {
    row.iter().find(|cell| !cell.is_empty()).unwrap_or_default().chars().take(100).collect()
}

fn read_row(
    row: &csv::StringRecord,
    columns: &Columns,
    components: &[Component],
) -> Result<(SubscriptionRequest, SubscriberState), String> {
    let cell = |column: Option<usize>| column.and_then(|at| row.get(at)).map(unprotected).unwrap_or_default();
    let (email, endpoint) = (cell(columns.email), cell(columns.endpoint));
    let email = parse_email(email).ok_or("Not an e-mail address.");
    let (channel, endpoint) = match endpoint {
        "" => (Channel::Email, None),
        url => parse_endpoint(url).map(|(channel, url)| (channel, Some(url)))?,
    };
    let state = match cell(columns.state).to_lowercase().as_str() {
        "" | "active" => SubscriberState::Active,
        "quarantined" => SubscriberState::Quarantined,
        "unconfirmed" => return Err("Not confirmed.".into()),
        _ => return Err("Unknown state.".into()),
    };
    let scope = read_scope(cell(columns.components), components)?;
    let wish = SubscriptionRequest {
        channel,
        email: Some(email?),
        endpoint,
        scope,
        incidents: IncidentEvents::All,
        maintenance: true,
    };
    Ok((wish, state))
}

/// An export protects cells that a spreadsheet would take for a formula.
fn unprotected(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA_STARTS)).unwrap_or(cell)
}

const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn read_scope(text: &str, components: &[Component]) -> Result<Scope, String> {
    let names: Vec<&str> = text.split([';', '|', ',']).map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Ok(Scope::Page);
    }
    if names.len() > MAX_NAMED {
        return Err(format!("More than {MAX_NAMED} components."));
    }
    let mut chosen: Vec<ComponentId> = Vec::new();
    for name in names {
        let matches = |component: &&Component| component.id.as_str() == name || is_same_name(&component.name, name);
        let mut found = components.iter().filter(matches);
        match (found.next(), found.next()) {
            (Some(component), None) => chosen.push(component.id.clone()),
            (Some(_), Some(_)) => return Err("Several components have this name. Use their ids.".into()),
            (None, _) => return Err("Unknown component.".into()),
        }
    }
    chosen.sort();
    chosen.dedup();
    Ok(Scope::Components(chosen))
}

/// Subscribers per query of an export.
const EXPORT_PAGE: i64 = 1000;
const HEADER: [&str; 7] = ["email", "endpoint", "components", "state", "channel", "requested_at", "confirmed_at"];

/// All subscribers as a list that [`read_list`] reads, and their number.
///
/// # Errors
/// The database failed, or an endpoint can't be decrypted.
pub async fn export_list(tx: &mut Tx, key: &SecretKey) -> anyhow::Result<(String, usize)> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    let (mut count, mut after) = (0, None);
    loop {
        let page = subscribers::list_after(tx, after.as_ref(), EXPORT_PAGE).await?;
        for subscriber in &page {
            let endpoint = match subscriber.channel {
                Channel::Email => None,
                _ => open_endpoint(tx, key, &subscriber.id).await?,
            };
            writer.write_record(exported_row(subscriber, endpoint.unwrap_or_default()))?;
        }
        count += page.len();
        match page.last() {
            Some(last) => after = Some(last.id.clone()),
            None => return Ok((String::from_utf8(writer.into_inner()?)?, count)),
        }
    }
}

fn exported_row(subscriber: &Subscriber, endpoint: String) -> [String; 7] {
    let components = match &subscriber.scope {
        Scope::Components(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(";"),
        Scope::Page | Scope::Incident(_) => String::new(),
    };
    let email = subscriber.email.clone().unwrap_or_default();
    [
        if email.starts_with(FORMULA_STARTS) { format!("'{email}") } else { email },
        endpoint,
        components,
        subscriber.state.key().to_owned(),
        subscriber.channel.key().to_owned(),
        subscriber.requested_at.to_rfc3339(),
        subscriber.confirmed_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::SubscriberId;

    fn read(text: &str) -> SubscriberList {
        read_list(text, &[]).unwrap()
    }

    fn emails(list: &SubscriberList) -> Vec<&str> {
        list.wishes.iter().filter_map(|(wish, _)| wish.email.as_deref()).collect()
    }

    #[test]
    fn lists_are_read_with_and_without_header() {
        assert_eq!(emails(&read("ines@example.org\nRui@Example.org\n")), ["ines@example.org", "rui@example.org"]);
        assert_eq!(emails(&read("\u{feff}Email;Name\nines@example.org;Ines\n")), ["ines@example.org"]);
        assert_eq!(emails(&read("id,E-mail\r\n7,\"ines@example.org\"\r\n\r\n")), ["ines@example.org"]);
    }

    #[test]
    fn unusable_rows_are_skipped_with_a_reason() {
        let list = read(
            "email,endpoint,components,state\n\
             ines,,,\n\
             ines@example.org,http://hooks.example.org,,\n\
             ines@example.org,,Maps,\n\
             ines@example.org,,,unconfirmed\n\
             ines@example.org,https://hooks.slack.com/services/T/B/x,,active\n",
        );
        let reasons: Vec<(u64, &str)> = list.skipped.iter().map(|row| (row.line, row.reason.as_str())).collect();
        assert_eq!(
            reasons,
            [
                (2, "Not an e-mail address."),
                (3, "The URL must begin with https://."),
                (4, "Unknown component."),
                (5, "Not confirmed."),
            ]
        );
        assert_eq!(list.wishes[0].0.channel, Channel::Slack);
    }

    #[test]
    fn exported_formulas_are_protected_and_read_back() {
        let exported = |email: &str| {
            let subscriber = Subscriber {
                id: SubscriberId::parse("k2v7xq0m4c9z").unwrap(),
                channel: Channel::Email,
                email: Some(email.into()),
                endpoint_host: None,
                scope: Scope::Page,
                incidents: IncidentEvents::All,
                maintenance: true,
                state: SubscriberState::Active,
                paused_at: None,
                requested_at: DateTime::UNIX_EPOCH,
                confirmed_at: None,
                consent_version: 1,
                quarantined_at: None,
                quarantine_reason: None,
                updated_at: DateTime::UNIX_EPOCH,
                version: 1,
            };
            exported_row(&subscriber, String::new())
        };
        for email in ["=cmd@example.org", "+cmd@example.org", "-2+3@example.org"] {
            let row = exported(email);
            assert_eq!(row[0], format!("'{email}"));
            assert_eq!(emails(&read(&format!("{}\n{}\n", HEADER.join(","), row.join(",")))), [email]);
        }
        // No address begins with these, so an import refuses them.
        for start in ["@", "\t=", "\r="] {
            assert_eq!(exported(&format!("{start}cmd@example.org"))[0], format!("'{start}cmd@example.org"));
        }
        assert_eq!(exported("ines@example.org")[0], "ines@example.org");
    }

    #[test]
    fn a_list_without_rows_is_refused() {
        assert!(read_list("", &[]).is_err() && read_list("email,components\n", &[]).is_err());
    }
}
