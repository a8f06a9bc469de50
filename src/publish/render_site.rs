//! Renders the hot documents of a Site.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

use super::site::{FILTER_UNAVAILABLE, error_path};
use super::snapshot::{MAX_HOT_MAINTENANCES, MAX_MAINTENANCES};
use super::social::{PICTURE_PATH, PictureWords, render_picture};
use super::uptime::component_intervals;
use super::{CrossOrigin, Document, PreviousVersion, Site, Snapshot, address, calendar, machine_documents};
use crate::domain::announcement::shown_announcements;
use crate::domain::audit::PublicDigest;
use crate::domain::forms::SubscriptionForm;
use crate::domain::history::{Cursor, HistoryFilter, Month, PAGE_SIZE};
use crate::domain::page_status::{Banner, Tone};
use crate::domain::uptime;
use crate::domain::{Component, ComponentId, Incident, Invalid, Maintenance, Page, Status};
use crate::format::time;
use crate::ui::brand::brand_stylesheet;
use crate::ui::pages::public::api::{self, ApiPage};
use crate::ui::pages::public::embed::{self, EmbedPage};
use crate::ui::pages::public::error::{self, ErrorPage};
use crate::ui::pages::public::history::{self, HistoryPage};
use crate::ui::pages::public::incident::{self, IncidentPage};
use crate::ui::pages::public::maintenance::{self, MaintenancePage};
use crate::ui::pages::public::status::{self, StatusPage};
use crate::ui::pages::public::subscribe::{self, ComponentChoices, SubscribePage};
use crate::ui::pages::public::{DAYS, DayIncident, UptimeBars};
use crate::ui::public_layout::{PageStyle, PublicContext, form_stylesheet, stylesheet};
use crate::ui::social_tags::SocialPicture;

/// Statuses with an error page rendered at publish time.
const ERROR_STATUSES: [u16; 12] = [400, 403, 404, 405, 408, 413, 421, 429, 500, 501, 502, 503];

pub(super) const CALENDAR_PATH: &str = "/maintenance.ics";
const AUDIT_DIGEST_PATH: &str = "/.well-known/candor-audit";

/// For a page that is hidden from search engines. Crawlers may read the pages, because only there they find `noindex`;
/// they stay away from the documents that can't say so.
const HIDDEN_ROBOTS: &str = "User-agent: *\nDisallow: /admin\nDisallow: /history?\nDisallow: /api/\n\
    Disallow: /history.\nDisallow: /feed.json\nDisallow: /uptime.csv\nDisallow: /maintenance.ics\n\
    Disallow: /badge.svg\nDisallow: /social.png\nDisallow: /brand/\n";

/// The CSP of public pages. Each inline stylesheet is allowed by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let own = [PageStyle::History, PageStyle::Uptime].into_iter().filter_map(PageStyle::stylesheet);
    policy_with_styles(std::iter::once(stylesheet()).chain(own))
});

/// The CSP of the forms of subscribers.
static FORM_POLICY: LazyLock<String> = LazyLock::new(|| policy_with_styles([form_stylesheet()]));

fn policy_with_styles(stylesheets: impl IntoIterator<Item = &'static str>) -> String {
    let hashes = stylesheets.into_iter().map(style_hash).collect::<Vec<_>>().join(" ");
    format!(
        "default-src 'none'; script-src 'self'; {STYLES} {hashes}; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
}

const STYLES: &str = "style-src";

fn style_hash(style: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(style)))
}

/// Allows the page's brand, too.
fn with_brand(policy: &str, page: &Page) -> String {
    match brand_stylesheet(&page.brand) {
        Some(style) => policy.replace(STYLES, &format!("{STYLES} {}", style_hash(&style))),
        None => policy.to_owned(),
    }
}

pub fn content_security_policy(page: &Page) -> String {
    with_brand(&POLICY, page)
}

pub fn form_security_policy(page: &Page) -> String {
    with_brand(&FORM_POLICY, page)
}

impl Snapshot {
    /// What a page at `path` shares with all public pages.
    pub fn public_context(&self, origin: &str, path: &str, now: DateTime<Utc>) -> PublicContext {
        SiteView::new(self, origin, now).shell(path)
    }
}

/// Renders every hot document of `snapshot`. Documents with unchanged text are taken from `before`, with the time of
/// their last change.
pub fn render_site(snapshot: &Snapshot, before: &Site, origin: &str, now: DateTime<Utc>) -> Site {
    let view = SiteView::new(snapshot, origin, now);
    let mut documents = SiteDocuments { before, now, all: HashMap::new() };
    documents.add_page("/".to_owned(), 200, status::render_status_page(view.status_page()));
    documents.add_page("/history".to_owned(), 200, history::render_history(view.newest_history()));
    for incident in snapshot.open.iter().chain(&snapshot.recent).chain(&snapshot.newest) {
        let page = incident::render_incident_page(view.incident_page(incident.clone()));
        documents.add_page(incident_path(incident), 200, page);
    }
    for maintenance in snapshot.planned.iter().take(MAX_HOT_MAINTENANCES) {
        let page = maintenance::render_maintenance_page(view.maintenance_page(maintenance.clone()));
        documents.add_page(maintenance_path(maintenance), 200, page);
    }
    for status in ERROR_STATUSES {
        let page = error::render_error_page(ErrorPage::new(view.shell("/"), status));
        documents.add_page(error_path(status), status, page);
    }
    let unavailable = error::render_error_page(ErrorPage::filter_unavailable(view.shell("/")));
    documents.add_page(FILTER_UNAVAILABLE.to_owned(), 503, unavailable);
    let list = api::render_api_page(ApiPage { shell: view.shell("/api"), sections: address::api_sections() });
    documents.add_page("/api".to_owned(), 200, list);
    let words = PictureWords::of_page(&snapshot.page, origin, &view.banner, view.is_empty);
    documents.add_picture(PICTURE_PATH.to_owned(), render_picture(&words));
    for logo in snapshot.page.brand.images().filter(|logo| !logo.is_inline()) {
        let make = || Document::new(200, logo.format.media_type(), logo.bytes.clone());
        documents.add_bytes(logo.path(), &logo.bytes, |_| true, make);
    }
    if snapshot.page.brand.noindex {
        let make = || Document::new(200, "text/plain; charset=utf-8", HIDDEN_ROBOTS.as_bytes().to_vec());
        documents.add_bytes("/robots.txt".to_owned(), HIDDEN_ROBOTS.as_bytes(), |_| true, make);
    }
    let reach = CrossOrigin::framed_by(&snapshot.page.embedders);
    for path in ["/embed", "/embed/frame"] {
        let html = embed::render_embed(view.embed_page(path));
        documents.add(
            path.to_owned(),
            &html,
            |before| before.reach == reach,
            || Document::framable_html(html.clone(), reach.clone()),
        );
    }
    let digest = (AUDIT_DIGEST_PATH.to_owned(), machine_documents::JSON, render_audit_digest(snapshot.audit.as_ref()));
    let machine = machine_documents::render_machine_documents(snapshot, origin, now).into_iter().chain([digest]);
    for (path, kind, text) in machine {
        documents.add(path, &text, |_| true, || Document::cross_origin(kind, text.clone()));
    }
    let events = snapshot.planned.iter().chain(&snapshot.cancelled).chain(&snapshot.finished);
    let text = calendar::render_calendar(&snapshot.page, origin, events);
    documents.add(CALENDAR_PATH.to_owned(), &text, |_| true, || calendar::calendar_document(text.clone()));
    let time_zone = snapshot.page.time_zone;
    let policy = content_security_policy(&snapshot.page);
    let site = Site::new(snapshot.revision, now, policy, time_zone, documents.all);
    site.with_ongoing(snapshot.is_ongoing()).with_database(snapshot.database.clone())
}

/// The documents of a Site that is being rendered.
struct SiteDocuments<'a> {
    before: &'a Site,
    now: DateTime<Utc>,
    all: HashMap<String, Arc<Document>>,
}

impl SiteDocuments<'_> {
    fn add_page(&mut self, path: String, status: u16, html: String) {
        self.add(path, &html, |before| before.status == status, || Document::html(status, html.clone()));
    }

    fn add_picture(&mut self, path: String, png: Bytes) {
        self.add_bytes(path, &png, |_| true, || Document::picture(png.clone()));
    }

    fn add(&mut self, path: String, text: &str, like: impl Fn(&Document) -> bool, make: impl FnOnce() -> Document) {
        self.add_bytes(path, text.as_bytes(), like, make);
    }

    /// Adds a document: the previous one if it has these bytes and is `like` the new one.
    fn add_bytes(
        &mut self,
        path: String,
        bytes: &[u8],
        like: impl Fn(&Document) -> bool,
        make: impl FnOnce() -> Document,
    ) {
        let before = self.before.document(&path);
        let previous = before.and_then(|before| {
            Some(PreviousVersion { is_same: before.has_bytes(bytes), changed_at: before.changed_at()? })
        });
        // A stale copy has an entity tag of its own.
        let fresh = before.filter(|_| self.before.staleness.is_none());
        let same = fresh.filter(|before| before.has_bytes(bytes) && like(before)).cloned();
        let document = same.unwrap_or_else(|| Arc::new(make().with_change_time(previous, self.now)));
        self.all.insert(path, document);
    }
}

/// The page that offers feeds only, for the export.
pub(super) fn render_feeds_page(snapshot: &Snapshot, origin: &str, now: DateTime<Utc>) -> String {
    subscribe::render_subscribe_page(SubscribePage {
        shell: snapshot.public_context(origin, "/subscribe", now),
        form: SubscriptionForm::default(),
        invalid: Invalid::new(),
        notice: None,
        components: ComponentChoices::default(),
        incident: None,
        stamp: None,
    })
}

/// The digest of the audit log as JSON, `null` before the first row. Compared with a copy kept elsewhere, it reveals a
/// rewritten log.
fn render_audit_digest(digest: Option<&PublicDigest>) -> String {
    serde_json::to_string(&digest).unwrap_or_default()
}

/// The Site before the first publish.
pub(super) fn empty_site(now: DateTime<Utc>, origin: &str) -> Site {
    let shell = PublicContext {
        page: placeholder_page(now),
        base_url: origin.to_owned(),
        path: "/".into(),
        tone: Tone::Operational,
        is_empty: true,
        picture: None,
        now,
    };
    let starting = ErrorPage {
        title: "Not ready yet".to_owned(),
        message: "Starting up. Please try again in a moment.".to_owned(),
        ..ErrorPage::new(shell.clone(), 503)
    };
    let page =
        |status| Arc::new(Document::html(status, error::render_error_page(ErrorPage::new(shell.clone(), status))));
    let mut documents: HashMap<_, _> =
        ERROR_STATUSES.into_iter().map(|status| (error_path(status), page(status))).collect();
    let starting = Arc::new(Document::html(503, error::render_error_page(starting)));
    documents.insert("/".to_owned(), starting.clone());
    documents.insert("/history".to_owned(), starting);
    Site::new(0, now, POLICY.clone(), Tz::UTC, documents)
}

/// An error page with a custom message, or the default one if `sentence` is empty.
pub(super) fn render_error(
    status: u16,
    sentence: String,
    snapshot: Option<&Snapshot>,
    origin: &str,
    now: DateTime<Utc>,
) -> String {
    let page = snapshot.map_or_else(|| placeholder_page(now), |snapshot| snapshot.page.clone());
    let shell = PublicContext {
        page,
        base_url: origin.to_owned(),
        path: "/".into(),
        tone: Tone::Operational,
        is_empty: false,
        picture: None,
        now,
    };
    let message = if sentence.is_empty() { None } else { Some(sentence) };
    let usual = ErrorPage::new(shell, status);
    error::render_error_page(ErrorPage { message: message.unwrap_or_else(|| usual.message.clone()), ..usual })
}

fn placeholder_page(now: DateTime<Utc>) -> Page {
    Page {
        id: String::new(),
        name: "Status".into(),
        url: String::new(),
        time_zone: Tz::UTC,
        logo_text: String::new(),
        embedders: Vec::new(),
        brand: crate::domain::PageBrand::default(),
        links: Vec::new(),
        updated_at: now,
        version: 0,
    }
}

pub(super) fn incident_path(incident: &Incident) -> String {
    format!("/incidents/{}", incident.id)
}

pub(super) fn maintenance_path(maintenance: &Maintenance) -> String {
    format!("/incidents/{}", maintenance.id)
}

/// The picture of an incident or a maintenance.
pub(super) fn picture_path(id: &impl std::fmt::Display) -> String {
    format!("/incidents/{id}.png")
}

/// Whether there is nothing to show a state of.
pub(super) fn is_empty_page(components: &[Component], open: &[Incident]) -> bool {
    components.is_empty() && open.is_empty()
}

pub(super) fn banner(snapshot: &Snapshot) -> Banner {
    banner_of(&snapshot.components, &snapshot.open, &snapshot.planned)
}

pub(super) fn banner_of(components: &[Component], open: &[Incident], planned: &[Maintenance]) -> Banner {
    let rows: Vec<(&Component, Status)> =
        components.iter().map(|it| (it, it.effective_status(open, planned))).collect();
    Banner::new(&rows, open)
}

struct SiteView<'a> {
    snapshot: &'a Snapshot,
    origin: &'a str,
    now: DateTime<Utc>,
    banner: Banner,
    is_empty: bool,
    /// The picture of the page.
    picture: SocialPicture,
}

impl<'a> SiteView<'a> {
    fn new(snapshot: &'a Snapshot, origin: &'a str, now: DateTime<Utc>) -> Self {
        let banner = banner(snapshot);
        let is_empty = is_empty_page(&snapshot.components, &snapshot.open);
        let picture = PictureWords::of_page(&snapshot.page, origin, &banner, is_empty).picture_at(PICTURE_PATH);
        Self { snapshot, origin, now, banner, is_empty, picture }
    }

    fn shell(&self, path: &str) -> PublicContext {
        PublicContext {
            page: self.snapshot.page.clone(),
            base_url: self.origin.to_owned(),
            path: path.to_owned(),
            tone: self.banner.tone,
            is_empty: self.is_empty,
            picture: Some(self.picture.clone()),
            now: self.now,
        }
    }

    fn status_page(&self) -> StatusPage {
        StatusPage {
            shell: self.shell("/"),
            banner: self.banner.clone(),
            announcements: shown_announcements(&self.snapshot.announcements, self.now),
            groups: self.snapshot.groups.clone(),
            components: self.snapshot.components.clone(),
            open: self.snapshot.open.clone(),
            past: self.snapshot.recent.clone(),
            planned: self.snapshot.planned.clone(),
            finished: self.snapshot.finished.clone(),
            bars: self.snapshot.components.iter().map(|component| self.bars(component)).collect(),
            baselines: self.snapshot.present_baselines(),
        }
    }

    fn embed_page(&self, path: &str) -> EmbedPage {
        EmbedPage {
            shell: self.shell(path),
            headline: self.banner.headline.clone(),
            open: self.snapshot.open.clone(),
            active: self.snapshot.planned.iter().filter(|it| it.phase.is_active()).cloned().collect(),
            is_frame: path != "/embed",
        }
    }

    fn bars(&self, component: &Component) -> UptimeBars {
        let zone = self.snapshot.page.time_zone;
        let own = component_intervals(component, &self.snapshot.status_intervals, &self.snapshot.corrections);
        UptimeBars {
            component: component.id.clone(),
            days: uptime::uptime_days(&own, component.history_start(zone), DAYS, zone, self.now),
            incidents: DayIncident::from_intervals(&own, &self.snapshot.titles),
        }
    }

    fn incident_page(&self, incident: Incident) -> IncidentPage {
        let postmortem = self.snapshot.postmortems.get(&incident.id).cloned();
        let words = PictureWords::of_incident(&self.snapshot.page, self.origin, &incident);
        let shell = self.shell(&incident_path(&incident)).with_picture(words.picture_at(&picture_path(&incident.id)));
        let neighbours = self.snapshot.neighbours.get(&incident.id).cloned().unwrap_or_default();
        IncidentPage { shell, incident, postmortem, neighbours }
    }

    fn maintenance_page(&self, maintenance: Maintenance) -> MaintenancePage {
        let words = PictureWords::of_maintenance(&self.snapshot.page, self.origin, &maintenance);
        let path = maintenance_path(&maintenance);
        let shell = self.shell(&path).with_picture(words.picture_at(&picture_path(&maintenance.id)));
        MaintenancePage { shell, maintenance }
    }

    /// The newest incidents, cut at a month boundary if there are more, and the maintenances of that period.
    fn newest_history(&self) -> HistoryPage {
        let zone = self.snapshot.page.time_zone;
        let (incidents, older) = cut_at_month(&self.snapshot.newest, zone);
        let since = maintenances_since(&incidents, &self.snapshot.newest, zone);
        let mut maintenances = self.snapshot.latest_maintenances.clone();
        maintenances.retain(|it| since.is_none_or(|since| it.starts_at() >= since));
        maintenances.sort_by_key(|it| std::cmp::Reverse(it.starts_at()));
        let has_more_maintenances = maintenances.len() > MAX_MAINTENANCES;
        maintenances.truncate(MAX_MAINTENANCES);
        HistoryPage {
            shell: self.shell("/history"),
            month: None,
            filter: HistoryFilter::default(),
            unsearched: None,
            components: component_choices(&self.snapshot.components),
            totals: self.snapshot.totals,
            incidents,
            maintenances,
            has_more_maintenances,
            newer: None,
            older,
        }
    }
}

/// At most one page of the newest incidents, and label and path of the link to older ones. Drops the oldest month if it
/// doesn't fit, so that months stay whole.
fn cut_at_month(newest: &[Incident], zone: Tz) -> (Vec<Incident>, Option<(String, String)>) {
    let Some(next) = newest.get(PAGE_SIZE) else { return (newest.to_vec(), None) };
    let month = |incident: &Incident| Month::from_time(incident.started_at, zone);
    let page = &newest[..PAGE_SIZE];
    let whole: Vec<Incident> = page.iter().filter(|incident| month(incident) != month(next)).cloned().collect();
    let label = format!("Older: {}", time::format_month(month(next).year, month(next).month));
    if !whole.is_empty() {
        return (whole, Some((label, month_path(month(next)))));
    }
    let last = page.last().map(|last| format!("{}?before={}", month_path(month(next)), Cursor::after_incident(last)));
    (page.to_vec(), last.map(|address| (label, address)))
}

/// The start of the period for which the newest history page shows maintenances; `None` if all incidents fit. The
/// period starts after the month of the next older incident, or at the last shown incident if the page ends within that
/// month.
fn maintenances_since(shown: &[Incident], newest: &[Incident], zone: Tz) -> Option<DateTime<Utc>> {
    let (next, last) = (newest.get(PAGE_SIZE)?, shown.last()?);
    let month = Month::from_time(next.started_at, zone);
    Some(if Month::from_time(last.started_at, zone) == month { last.started_at } else { month.bounds(zone).1 })
}

pub(super) fn month_path(month: Month) -> String {
    format!("/history/{month}")
}

pub(super) fn component_choices(components: &[Component]) -> Vec<(ComponentId, String)> {
    components.iter().map(|component| (component.id.clone(), component.name.clone())).collect()
}
