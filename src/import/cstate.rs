//! cState: Hugo's Markdown files with YAML front matter, one per issue, its `config.yml`, and its feed (`index.xml`).

use std::path::Path;

use chrono_tz::Tz;
use serde::Deserialize;

use super::Format;
use super::feed::{is_feed, is_feed_name, read_feed};
use super::sanitize::{normalize_time, slug};
use super::source::{
    Source, SourceAffected, SourceComponent, SourceError, SourceIncident, SourcePage, SourceUpdate, lenient_bool, list,
    text,
};
use crate::format::markdown::without_comments;

pub struct CState {
    /// The time zone of times without an offset.
    pub zone: Tz,
}

/// The YAML above an issue's text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FrontMatter {
    #[serde(deserialize_with = "text", alias = "Title")]
    title: String,
    #[serde(deserialize_with = "text", alias = "Date")]
    date: String,
    #[serde(deserialize_with = "lenient_bool", alias = "Resolved")]
    resolved: Option<bool>,
    #[serde(deserialize_with = "text", rename = "resolvedWhen", alias = "ResolvedWhen")]
    resolved_when: String,
    #[serde(deserialize_with = "text", alias = "Severity")]
    severity: String,
    #[serde(deserialize_with = "list", alias = "Affected")]
    affected: Vec<String>,
    #[serde(deserialize_with = "lenient_bool")]
    informational: Option<bool>,
    #[serde(deserialize_with = "lenient_bool")]
    draft: Option<bool>,
    #[serde(deserialize_with = "text", alias = "Section")]
    section: String,
    #[serde(deserialize_with = "text", rename = "publishDate", alias = "publishdate", alias = "PublishDate")]
    publish_date: String,
    #[serde(deserialize_with = "text", rename = "expiryDate", alias = "expirydate", alias = "ExpiryDate")]
    expiry_date: String,
    #[serde(deserialize_with = "lenient_bool")]
    headless: Option<bool>,
    #[serde(alias = "_build")]
    build: BuildOptions,
}

/// Whether Hugo renders a page at all: `always`, `true`, `link`, `never` or `false`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BuildOptions {
    render: serde_json::Value,
}

impl FrontMatter {
    fn is_unpublished(&self) -> bool {
        let is_never = self.build.render == false || self.build.render == "never" || self.build.render == "link";
        self.draft == Some(true) || self.headless == Some(true) || is_never
    }
}

/// The site settings that concern the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SiteConfig {
    #[serde(deserialize_with = "text")]
    title: String,
    #[serde(deserialize_with = "text", rename = "timeZone")]
    time_zone: String,
    params: Params,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Params {
    #[serde(deserialize_with = "list")]
    categories: Vec<NamedItem>,
    #[serde(deserialize_with = "list")]
    systems: Vec<NamedItem>,
}

/// A system or a category.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NamedItem {
    #[serde(deserialize_with = "text")]
    name: String,
    #[serde(deserialize_with = "text")]
    description: String,
    #[serde(deserialize_with = "text")]
    category: String,
}

/// A section of an issue's text.
struct IssuePart {
    status: Option<&'static str>,
    at: String,
    body: String,
}

impl Format for CState {
    /// Issues, and the settings and the feed at the top of the folder.
    fn accepts(&self, path: &Path) -> bool {
        let is_top = path.parent().is_none_or(|parent| parent.as_os_str().is_empty());
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_issue = name.ends_with(".md") && !name.starts_with('_') && (is_top || has_folder(path, "issues"));
        is_issue || (is_top && is_config(name)) || is_feed(path)
    }

    fn single_incident_id(&self, path: &Path) -> Option<String> {
        let name = path.file_name()?.to_str()?;
        Some(slug(name.strip_suffix(".md")?))
    }

    fn read_document(&self, path: &Path, bytes: &[u8], _wanted: &dyn Fn(&str) -> bool) -> Result<Source, SourceError> {
        if is_feed_name(path) {
            return read_feed(bytes, |path| Some(slug(path.rsplit_once("/issues/")?.1)));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SourceError::Other("it is not UTF-8".into()))?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_config(name) {
            return Ok(convert_config(parse_yaml(text)?));
        }
        let (above, body) = split_front_matter(text)?;
        let matter: FrontMatter = parse_yaml(above)?;
        let id = slug(name.strip_suffix(".md").unwrap_or(name));
        let mut source = Source::default();
        if matter.is_unpublished() {
            source.remarks.push(format!("incident {id} “{}” is a draft; it is skipped", matter.title));
        } else if matches!(matter.section.as_str(), "" | "issue") {
            source.incidents.push(self.incident(id, &matter, body, &mut source.remarks));
        }
        Ok(source)
    }
}

impl CState {
    fn incident(&self, id: String, matter: &FrontMatter, body: &str, remarks: &mut Vec<String>) -> SourceIncident {
        let is_notice = matter.informational == Some(true);
        let is_over = matter.resolved == Some(true) || is_notice;
        if is_notice {
            remarks.push(format!("incident {id} “{}” is informational; imported as resolved", matter.title));
        }
        let start = normalize_time(&matter.date, self.zone);
        let end = normalize_time(&matter.resolved_when, self.zone);
        let updates = self.updates(body, &start, &end, is_over);
        let status = if is_over { "resolved" } else { updates.first().map_or("investigating", |it| &it.status) };
        // Hugo renders a page from its publish date on, which is its date unless it has another.
        let publish_date = if matter.publish_date.is_empty() { &matter.date } else { &matter.publish_date };
        let mut incident = SourceIncident {
            id,
            shown_from: normalize_time(publish_date, self.zone),
            shown_until: normalize_time(&matter.expiry_date, self.zone),
            name: matter.title.clone(),
            status: status.to_owned(),
            created_at: start.clone(),
            started_at: start,
            resolved_at: if is_over { end } else { String::new() },
            incident_updates: updates,
            ..SourceIncident::default()
        };
        if let Some(first) = incident.incident_updates.last_mut() {
            first.affected_components = affected_systems(matter);
        }
        incident
    }

    /// The sections of the text as updates, newest first like in cState.
    fn updates(&self, body: &str, start: &str, end: &str, is_over: bool) -> Vec<SourceUpdate> {
        let pieces = split_updates(&remove_hidden_text(body));
        let (count, mut phase) = (pieces.len(), "investigating");
        let mut updates = Vec::new();
        for (index, piece) in pieces.into_iter().rev().enumerate() {
            // The only section of a closed issue, if it names no phase, describes the whole incident.
            let only = if is_over && count == 1 { "resolved" } else { phase };
            phase = piece.status.unwrap_or(only);
            let at = match (piece.at.as_str(), phase) {
                ("", "resolved") if index > 0 && !end.is_empty() => end.to_owned(),
                ("", _) => start.to_owned(),
                (at, _) => normalize_time(at, self.zone),
            };
            let (created_at, display_at) = (at.clone(), at);
            updates.push(SourceUpdate {
                status: phase.to_owned(),
                body: piece.body,
                created_at,
                display_at,
                ..SourceUpdate::default()
            });
        }
        updates.reverse();
        updates
    }
}

fn convert_config(config: SiteConfig) -> Source {
    let row = |named: &NamedItem, place| SourceComponent {
        id: slug(&named.name),
        name: named.name.clone(),
        description: named.description.clone(),
        status: "operational".into(),
        position: place,
        ..SourceComponent::default()
    };
    let groups = (1..).zip(&config.params.categories);
    let groups = groups.map(|(place, it)| SourceComponent { id: group_id(&it.name), group: true, ..row(it, place) });
    let systems = (1..).zip(&config.params.systems).map(|(place, it)| {
        let group_id = if it.category.is_empty() { String::new() } else { group_id(&it.category) };
        SourceComponent { group_id, ..row(it, place) }
    });
    Source {
        page: Some(SourcePage { name: config.title, time_zone: config.time_zone, ..SourcePage::default() }),
        components: groups.chain(systems).collect(),
        ..Source::default()
    }
}

fn group_id(name: &str) -> String {
    slug(&format!("category {name}"))
}

/// The systems of an issue, with the status that its severity implies.
fn affected_systems(matter: &FrontMatter) -> Vec<SourceAffected> {
    let status = match matter.severity.trim().to_lowercase().as_str() {
        _ if matter.informational == Some(true) => "operational",
        "down" => "major_outage",
        "disrupted" => "partial_outage",
        "notice" => "degraded_performance",
        _ => "operational",
    };
    let named = |name: &String| SourceAffected { code: slug(name), name: name.clone(), new_status: status.to_owned() };
    matter.affected.iter().filter(|name| !name.trim().is_empty()).map(named).collect()
}

fn split_front_matter(text: &str) -> Result<(&str, &str), SourceError> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let no_yaml = || SourceError::Other("it has no YAML front matter between two lines of ---".into());
    let rest = text.strip_prefix("---").ok_or_else(no_yaml)?;
    let (above, below) = rest.split_once("\n---").ok_or_else(no_yaml)?;
    Ok((above, below.trim_start_matches('-')))
}

/// Splits a text at paragraphs that start with a phase: `*Resolved* - It is over. {{< track "2026-03-01 10:00:00" >}}`
fn split_updates(body: &str) -> Vec<IssuePart> {
    let mut pieces: Vec<IssuePart> = Vec::new();
    for paragraph in body.replace("\r\n", "\n").split("\n\n").map(str::trim).filter(|it| !it.is_empty()) {
        let (named, rest) = parse_phase_name(paragraph);
        let (said, at) = strip_shortcodes(rest);
        match pieces.last_mut() {
            Some(piece) if named.is_none() && (at.is_none() || piece.at.is_empty()) => {
                piece.body = format!("{}\n\n{said}", piece.body);
                piece.at = at.unwrap_or_else(|| std::mem::take(&mut piece.at));
            }
            _ => pieces.push(IssuePart { status: named.flatten(), at: at.unwrap_or_default(), body: said }),
        }
    }
    if pieces.is_empty() {
        pieces.push(IssuePart { status: None, at: String::new(), body: String::new() });
    }
    pieces
}

/// The phase at the start of a paragraph, and the rest. `Some(None)` is the word "Update", which keeps the previous
/// phase.
fn parse_phase_name(paragraph: &str) -> (Option<Option<&'static str>>, &str) {
    let bare = paragraph.trim_start_matches(['*', '_']);
    let word_end = bare.find(['*', '_', '-', ':', '–', '—']).unwrap_or(bare.len());
    let known = match bare[..word_end].trim().to_lowercase().as_str() {
        "investigating" => Some("investigating"),
        "identified" => Some("identified"),
        "monitoring" | "watching" => Some("monitoring"),
        "resolved" | "fixed" | "completed" | "post-mortem" => Some("resolved"),
        "update" => None,
        _ => return (None, paragraph),
    };
    if bare.len() == paragraph.len() {
        return (None, paragraph);
    }
    (Some(known), bare[word_end..].trim_start_matches(['*', '_']).trim_start().trim_start_matches(['-', ':', '–', '—']))
}

/// The text without Hugo shortcodes, and the time in the last `track` shortcode.
fn strip_shortcodes(text: &str) -> (String, Option<String>) {
    let (mut said, mut at, mut rest) = (String::new(), None, text);
    while let Some((start, close)) = next_shortcode(rest) {
        let behind = &rest[start + SHORTCODE_START..];
        let Some((code, after)) = behind.split_once(close) else { break };
        said.push_str(&rest[..start]);
        if let Some(time) = code.trim().strip_prefix("track") {
            at = Some(time.trim().trim_matches('"').to_owned());
        }
        rest = after;
    }
    said.push_str(rest);
    (said.trim().to_owned(), at)
}

/// The length of `{{<` and `{{%`.
const SHORTCODE_START: usize = 3;

/// The start of the next shortcode and the text that closes it.
fn next_shortcode(text: &str) -> Option<(usize, &'static str)> {
    let starts = [("{{<", ">}}"), ("{{%", "%}}")];
    starts.into_iter().filter_map(|(open, close)| Some((text.find(open)?, close))).min()
}

/// The text without what Hugo does not render: HTML comments, `{{/* … */}}` and the content of `comment` shortcodes.
fn remove_hidden_text(body: &str) -> String {
    let mut text = without_comments(&body.replace("\r\n", "\n")).into_owned();
    for (open, close) in [("{{/*", "*/}}"), ("{{</*", "*/>}}"), ("{{%/*", "*/%}}")] {
        text = remove_between(
            &text,
            |rest| Some((rest.find(open)?, open.len())),
            |rest| Some((rest.find(close)?, close.len())),
        );
    }
    let find = |rest: &str, name: &str| {
        ["{{<", "{{%"].iter().find_map(|start| {
            let (at, after) = rest.match_indices(start).find_map(|(at, _)| {
                let after = rest[at + start.len()..].trim_start();
                let after = after.strip_prefix(name)?.trim_start();
                after.starts_with(['>', '%']).then_some((at, after))
            })?;
            let end = after.find("}}")?;
            Some((at, rest.len() - after.len() + end + 2 - at))
        })
    };
    remove_between(&text, |rest| find(rest, "comment"), |rest| find(rest, "/comment"))
}

/// Removes the parts between two marks, and the marks. `find_…` return the position and length of a mark. A part that
/// is not closed goes on to the end.
fn remove_between(
    text: &str,
    find_start: impl Fn(&str) -> Option<(usize, usize)>,
    find_end: impl Fn(&str) -> Option<(usize, usize)>,
) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some((start, length)) = find_start(rest) {
        kept.push_str(&rest[..start]);
        rest = &rest[start + length..];
        rest = find_end(rest).map_or("", |(end, length)| &rest[end + length..]);
    }
    kept + rest
}

pub(super) fn parse_yaml<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, SourceError> {
    if text.trim().is_empty() {
        return Err(SourceError::Empty);
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let what = error.to_string();
        SourceError::Other(format!("its YAML can't be read: {}", what.lines().next().unwrap_or_default()))
    })
}

fn is_config(name: &str) -> bool {
    matches!(name, "config.yml" | "config.yaml" | "hugo.yml" | "hugo.yaml")
}

fn has_folder(path: &Path, folder: &str) -> bool {
    path.parent().is_some_and(|parent| parent.iter().any(|part| part == folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_where_a_phase_begins() {
        let body = "*Resolved* - It is over. {{< track \"2026-03-01 12:00:00\" >}}\n\nThank you.\n\n\
                    **Update** - Still *looking*.\n\n*Investigating* -\nWe look. {{< track \"2026-03-01 10:00:00\" >}}";
        let pieces: Vec<(Option<&str>, String, String)> =
            split_updates(body).into_iter().map(|piece| (piece.status, piece.at, piece.body)).collect();
        assert_eq!(
            pieces,
            [
                (Some("resolved"), "2026-03-01 12:00:00".into(), "It is over.\n\nThank you.".into()),
                (None, String::new(), "Still *looking*.".into()),
                (Some("investigating"), "2026-03-01 10:00:00".into(), "We look.".into()),
            ]
        );
    }

    #[test]
    fn a_text_without_phases_is_one_piece() {
        assert_eq!(split_updates("Only *emphasis* here.\n\nAnd more - of it.").len(), 1);
        assert_eq!(split_updates("Resolved problems are listed here.").len(), 1);
        assert_eq!(split_updates("").len(), 1);
        assert_eq!(strip_shortcodes("a {{< unclosed").0, "a {{< unclosed");
    }

    #[test]
    fn hidden_text_is_removed() {
        let body = "a {{/* no */}}b\n\n<!-- no\n\nno -->{{< comment >}}\nno\n{{< /comment >}}c {{% comment %}}no{{% /comment %}}d";
        assert_eq!(remove_hidden_text(body), "a b\n\nc d");
        assert_eq!(strip_shortcodes("a {{% note %}}b{{% /note %}} {{< x >}}c").0, "a b c");
    }

    #[test]
    fn missing_front_matter_is_rejected() {
        for text in ["", "Text", "---\ntitle: A", "+++\ntitle = 'A'\n+++"] {
            assert!(split_front_matter(text).is_err(), "{text:?}");
        }
        assert_eq!(split_front_matter("---\ntitle: A\n---\n\nText").unwrap(), ("\ntitle: A", "\n\nText"));
    }
}
