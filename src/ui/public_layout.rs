//! The layout of every public page: head, inline stylesheet, header, footer.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::brand::{about, brand_stylesheet, logo, support_link};
use super::favicon::page_icon;
use super::icon::{Icon, symbols_placeholder};
use super::live_script;
use super::social_tags::{SocialPicture, SocialTags, social_tags};
use crate::domain::Page;
use crate::domain::page_status::Tone;
use crate::format::time;
use crate::format::url::is_safe_url;

/// Data shared by all public pages.
#[derive(Clone, Debug)]
pub struct PublicContext {
    pub page: Page,
    /// The public URL, like `https://status.example.org`.
    pub base_url: String,
    /// The path of this page, like `/history`; with `base_url` the canonical URL.
    pub path: String,
    /// The tone of the current page status.
    pub tone: Tone,
    /// Whether nothing is set up yet: then the tone says nothing.
    pub is_empty: bool,
    /// The picture beside links to this page; `None` if there is none, as for errors.
    pub picture: Option<SocialPicture>,
    /// The time of rendering.
    pub now: DateTime<Utc>,
}

impl PublicContext {
    pub fn zone(&self) -> Tz {
        self.page.time_zone
    }

    #[must_use]
    pub fn with_picture(self, picture: SocialPicture) -> Self {
        Self { picture: Some(picture), ..self }
    }

    /// The URL of this page.
    pub fn canonical(&self) -> String {
        format!("{}{}", self.base_url.trim_end_matches('/'), self.path)
    }
}

#[derive(Clone, Debug)]
pub struct PageHead {
    /// Without the page's name, which is appended.
    pub title: String,
    /// One plain sentence for search engines and link previews.
    pub description: String,
    pub kind: PageKind,
    pub style: PageStyle,
}

/// The rules of a kind of page, in a `<style>` of their own after the common one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageStyle {
    /// The common rules only.
    #[default]
    Base,
    /// The history, incidents and maintenances.
    History,
    Uptime,
}

impl PageStyle {
    /// The exact content of the second `<style>`; the CSP allows its hash.
    pub fn stylesheet(self) -> Option<&'static str> {
        match self {
            Self::Base => None,
            Self::History => Some(&HISTORY_STYLESHEET),
            Self::Uptime => Some(&UPTIME_STYLESHEET),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// Indexed by search engines; the header shows the page status.
    Regular,
    /// One of an unlimited number of views; not indexed.
    Filtered,
    /// Not indexed, and shown without page status, which may be unknown at that time.
    Error,
    /// The forms of subscribers: rendered for each request, not indexed.
    Form,
}

static STYLESHEET: LazyLock<String> = LazyLock::new(|| {
    minify_css(concat!(
        include_str!("../../style/tokens.css"),
        include_str!("../../style/parts.css"),
        include_str!("../../style/public.css")
    ))
});

static HISTORY_STYLESHEET: LazyLock<String> = LazyLock::new(|| minify_css(include_str!("../../style/history.css")));

static UPTIME_STYLESHEET: LazyLock<String> = LazyLock::new(|| minify_css(include_str!("../../style/uptime.css")));

static FORM_STYLESHEET: LazyLock<String> =
    LazyLock::new(|| format!("{}{}", stylesheet(), minify_css(include_str!("../../style/subscribe.css"))));

/// The exact content of `<style>` on every public page; the CSP allows its hash.
pub fn stylesheet() -> &'static str {
    &STYLESHEET
}

/// The exact content of `<style>` on the forms of subscribers.
pub fn form_stylesheet() -> &'static str {
    &FORM_STYLESHEET
}

/// Removes comments, line breaks and insignificant spaces. Correct only for these files: no quoted string may
/// contain a comment or one of the pairs below.
fn minify_css(css: &str) -> String {
    let mut bare = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let line = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    let pairs = [
        (": ", ":"),
        ("; ", ";"),
        (", ", ","),
        (" {", "{"),
        ("{ ", "{"),
        ("} ", "}"),
        (";}", "}"),
        (" > ", ">"),
        (" 0.", " ."),
        (":0.", ":."),
    ];
    pairs.into_iter().fold(line, |css, (long, short)| css.replace(long, short))
}

#[component]
pub fn PublicLayout(shell: PublicContext, head: PageHead, children: Children) -> AnyView {
    let title = format!("{} · {}", head.title, shell.page.name);
    let is_static = matches!(head.kind, PageKind::Error | PageKind::Form);
    let canonical = (!is_static).then(|| view! { <link rel="canonical" href=shell.canonical() /> });
    let robots = (head.kind != PageKind::Regular || shell.page.brand.noindex)
        .then(|| view! { <meta name="robots" content="noindex" /> });
    let tags = (!is_static).then(|| {
        social_tags(SocialTags {
            site_name: shell.page.name.clone(),
            title: head.title.clone(),
            description: head.description.clone(),
            url: shell.canonical(),
            base_url: shell.base_url.clone(),
            picture: shell.picture.clone(),
        })
    });
    let tone = (head.kind != PageKind::Error && !shell.is_empty).then_some(shell.tone);
    let icon = page_icon(&shell.page.brand, tone);
    // An error page has no live data to follow.
    let script = match head.kind {
        PageKind::Error => None,
        PageKind::Form => Some(live_script::subscribe_script_url()),
        PageKind::Regular | PageKind::Filtered => Some(live_script::live_script_url()),
    };
    let script = script.map(|url| view! { <script src=url defer></script> });
    let own_style = head.style.stylesheet().map(|style| view! { <style>{style}</style> });
    let brand_style = brand_stylesheet(&shell.page.brand).map(|style| view! { <style>{style}</style> });
    let style = if head.kind == PageKind::Form { form_stylesheet() } else { stylesheet() };
    let tone = if head.kind == PageKind::Error { "unknown" } else { shell.tone.key() };
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <title>{title}</title>
                <meta name="description" content=head.description />
                {robots}
                {canonical}
                {tags}
                <link rel="icon" href=icon />
                {feed_links(&shell.page.title())}
                <style>{style}</style>
                {own_style}
                {brand_style}
                {script}
            </head>
            <body class=format!("tone-{tone}")>
                <a class="skip" href="#main">"Skip to content"</a>
                " "
                {symbols_placeholder()}
                {page_header(&shell, head.kind)}
                <main id="main">{children()}</main>
                {page_footer(&shell)}
                <p id="live" class="unseen" role="status"></p>
            </body>
        </html>
    }
    .into_any()
}

fn feed_links(name: &str) -> AnyView {
    let feed = |words: &str| format!("{name} – {words} feed");
    view! {
        <link rel="alternate" type="application/atom+xml" href="/history.atom" title=feed("Atom") />
        <link rel="alternate" type="application/rss+xml" href="/history.rss" title=feed("RSS") />
        <link rel="alternate" type="application/feed+json" href="/feed.json" title=feed("JSON") />
    }
    .into_any()
}

fn page_header(shell: &PublicContext, kind: PageKind) -> AnyView {
    let current = |path: &str| {
        let is_below = path != "/" && shell.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        match kind {
            // An error page is shown at any path.
            PageKind::Error => None,
            _ if shell.path == path => Some("page"),
            _ => is_below.then_some("true"),
        }
    };
    let subscribe = (kind != PageKind::Form).then(|| {
        view! { " "<a class="btn primary" href="/subscribe">{Icon::Bell.view()}"Subscribe"</a> }
    });
    let name = logo(&shell.page);
    // On the status page itself, the name leads nowhere.
    let name = if current("/").is_some() {
        view! { <span class="logo" dir="auto">{name}</span> }.into_any()
    } else {
        view! { <a class="logo" href="/" dir="auto">{name}</a> }.into_any()
    };
    // The spaces separate the words when the page is shown without styles.
    view! {
        <header class="top">
            <div class="in">
                {name}
                " "
                <nav aria-label="Pages">
                    <a href="/" aria-current=current("/")>"Status"</a>
                    " "
                    <a href="/history" aria-current=current("/history")>"History"</a>
                    " "
                    <a href="/uptime" aria-current=current("/uptime")>"Uptime"</a>
                </nav>
                {subscribe}
            </div>
        </header>
    }
    .into_any()
}

fn page_footer(shell: &PublicContext) -> AnyView {
    let home = (!shell.page.url.is_empty()).then(|| (shell.page.name.clone(), shell.page.url.clone()));
    let others = shell.page.links.iter().map(|link| (link.label.clone(), link.url.clone()));
    let links = home.into_iter().chain(others).filter(|(_, url)| is_safe_url(url));
    let links: Vec<_> =
        links.map(|(label, url)| view! { <li><a href=url rel="noopener" dir="auto">{label}</a></li> }).collect();
    view! {
        <footer>
            <div class="in">
                {(shell.path == "/").then(|| about(&shell.page.brand)).flatten()}
                <p class="zone" data-zone=shell.zone().name()>{format!("All times in {}", zone_words(shell.now, shell.zone()))}</p>
                <ul>
                    {links}
                    <li><a href="/history.rss">"RSS"</a></li>
                    <li><a href="/maintenance.ics">"Calendar"</a></li>
                    <li><a href="/api">"API"</a></li>
                    {support_link(&shell.page.brand).map(|(words, url)| view! { <li><a href=url rel="noopener">{words}</a></li> })}
                    {shell.page.brand.powered_by.then(|| view! { <li>"Powered by Candor"</li> })}
                </ul>
            </div>
        </footer>
    }
    .into_any()
}

/// `Lisbon (WET)`, or just `UTC` if both names are equal.
pub fn zone_words(now: DateTime<Utc>, zone: Tz) -> String {
    let short = time::zone_name(now, zone);
    let name = zone.name();
    let place = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
    if short == place { short } else { format!("{place} ({short})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stylesheet_is_minified() {
        let css = stylesheet();
        assert!(css.len() <= 16 * 1024, "{} bytes", css.len());
        assert!(!css.contains("/*") && !css.contains('\n') && !css.contains("</"), "{css}");
        assert!(css.starts_with(":root{") && css.matches('{').count() == css.matches('}').count());
    }

    #[test]
    fn minified_stylesheet_keeps_its_rules() {
        assert_eq!(minify_css("/* why\n */\na, e > f {\n  b: 0.5em d;\n\n}\n/* end"), "a,e>f{b:.5em d}");
    }

    /// The light and the dark colour after `before`, as sRGB.
    fn colours(before: &str) -> [[f64; 3]; 2] {
        let (_, rest) = stylesheet().split_once(before).unwrap();
        let (_, rest) = rest.split_once("light-dark(").unwrap();
        let (pair, _) = rest.split_once(')').unwrap();
        let channels = |hex: &str| {
            let hex = hex.trim().trim_start_matches('#');
            let wide: String =
                if hex.len() == 3 { hex.chars().flat_map(|digit| [digit, digit]).collect() } else { hex.into() };
            [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap()) / 255.0)
        };
        let (light, dark) = pair.split_once(',').unwrap();
        [channels(light), channels(dark)]
    }

    /// WCAG 2.2, contrast ratio.
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        let luminance = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn words_and_fills_have_contrast_on_every_ground() {
        for tone in ["operational", "degraded", "partial", "major", "maintenance"] {
            for (ground, least) in [("--panel:", 4.5), ("--ground:", 4.5), ("--sunk:", 4.5)] {
                for (text, under) in colours(&format!("--{tone}:")).into_iter().zip(colours(ground)) {
                    let ratio = contrast(text, under);
                    assert!(ratio >= least, "{tone} on {ground} {ratio:.2}");
                }
            }
            for (fill, under) in colours(&format!("--{tone}-fill:")).into_iter().zip(colours("--panel:")) {
                assert!(contrast(fill, under) >= 3.0, "{tone}: {:.2}", contrast(fill, under));
            }
        }
        for text in ["--ink:", "--soft:"] {
            for ground in ["--panel:", "--ground:", "--sunk:"] {
                for (text, under) in colours(text).into_iter().zip(colours(ground)) {
                    assert!(contrast(text, under) >= 4.5);
                }
            }
        }
    }

    #[test]
    fn forced_colours_keep_bad_days_apart() {
        let (_, forced) = stylesheet().split_once("@media (forced-colors:active){.tint{").unwrap();
        let colour = |states: &str| {
            let (_, rest) = forced.split_once(&format!("{states}{{")).unwrap();
            rest.split_once("stroke:").unwrap().1.split(['}', ';']).next().unwrap()
        };
        assert_eq!(colour(".bars path"), "CanvasText");
        assert_eq!(colour(".bars .none"), "GrayText");
        assert_eq!(colour(".bars :is(.degraded_performance,.partial_outage,.major_outage)"), "Highlight");
        assert_eq!(colour(".bars .hollow"), "Canvas");
        assert!(!stylesheet().contains("forced-color-adjust"), "a status keeps the system's colours");
    }

    #[test]
    fn a_zone_is_named_once() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(zone_words(now, Tz::UTC), "UTC");
        assert_eq!(zone_words(now, Tz::Europe__Athens), "Athens (EET)");
        assert_eq!(zone_words(now, Tz::America__New_York), "New York (EST)");
    }
}
