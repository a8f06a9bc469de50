//! The picture that other programs show beside a link to the page: the state in words, shape and colour.

mod canvas;
mod text;

use std::sync::LazyLock;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use self::canvas::{Canvas, Colour, Shape};
use crate::domain::page_status::{Banner, Tone};
use crate::domain::{Incident, Maintenance, MaintenancePhase, Page};
use crate::format::hex;
use crate::ui::pages::public::maintenance::phase_words;
use crate::ui::social_tags::{PICTURE_HEIGHT, PICTURE_WIDTH, SocialPicture};

/// The picture of the page.
pub const PICTURE_PATH: &str = "/social.png";
/// To be incremented when the drawing changes, so that other programs request the picture again.
const DRAWING: u32 = 1;
/// The maximum number of drawn pictures kept, about 15 KB each.
const MAX_KEPT: u64 = 64;

const BEING_SET_UP: &str = "This status page is being set up";

/// Everything a picture shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PictureWords {
    state: PictureState,
    /// The name of the page.
    name: String,
    /// The host of the page.
    host: String,
    /// The state of an incident or a maintenance, above its title.
    phase: Option<String>,
    headline: String,
    /// Shown instead of a headline in another script.
    plain_headline: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PictureState {
    Neutral,
    Operational,
    Degraded,
    PartialOutage,
    MajorOutage,
    Maintenance,
}

impl From<Tone> for PictureState {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Operational => Self::Operational,
            Tone::Notice => Self::Neutral,
            Tone::Maintenance => Self::Maintenance,
            Tone::Degraded => Self::Degraded,
            Tone::PartialOutage => Self::PartialOutage,
            Tone::MajorOutage => Self::MajorOutage,
        }
    }
}

impl PictureState {
    /// The fill of the icon and the colour of words, as in `style/tokens.css`.
    fn colours(self) -> (Colour, Colour) {
        match self {
            Self::Neutral => ([0x86, 0x8e, 0x89], [0x5c, 0x65, 0x61]),
            Self::Operational => ([0x2a, 0x96, 0x60], [0x1f, 0x7a, 0x4d]),
            Self::Degraded => ([0xb0, 0x7d, 0x00], [0x8a, 0x61, 0x00]),
            Self::PartialOutage => ([0xd0, 0x5a, 0x0a], [0xac, 0x4a, 0x07]),
            Self::MajorOutage => ([0xc2, 0x2a, 0x22], [0xb3, 0x26, 0x1e]),
            Self::Maintenance => ([0x3f, 0x78, 0xd0], [0x2b, 0x5f, 0xb3]),
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Neutral => Shape::Ring,
            Self::Operational => Shape::Tick,
            Self::Degraded => Shape::Triangle,
            Self::PartialOutage => Shape::Diamond,
            Self::MajorOutage => Shape::Octagon,
            Self::Maintenance => Shape::Square,
        }
    }
}

impl PictureWords {
    /// `is_empty`: nothing is set up yet, so there is no state.
    pub fn of_page(page: &Page, origin: &str, banner: &Banner, is_empty: bool) -> Self {
        let (state, headline, plain) = if is_empty {
            (PictureState::Neutral, BEING_SET_UP, BEING_SET_UP)
        } else {
            (banner.tone.into(), banner.headline.as_str(), banner.tone.words())
        };
        Self {
            state,
            name: page.name.clone(),
            host: host_of(origin),
            phase: None,
            headline: headline.to_owned(),
            plain_headline: plain.to_owned(),
        }
    }

    pub fn of_incident(page: &Page, origin: &str, incident: &Incident) -> Self {
        let phase = incident.phase.words();
        let state = if incident.is_open() { Tone::from(incident.present_impact()) } else { Tone::Operational };
        Self::of_event(page, origin, state.into(), phase, &incident.title)
    }

    pub fn of_maintenance(page: &Page, origin: &str, maintenance: &Maintenance) -> Self {
        let state = match maintenance.phase {
            MaintenancePhase::Completed => PictureState::Operational,
            MaintenancePhase::Cancelled => PictureState::Neutral,
            _ => PictureState::Maintenance,
        };
        Self::of_event(page, origin, state, phase_words(maintenance.phase), &maintenance.title)
    }

    fn of_event(page: &Page, origin: &str, state: PictureState, phase: &str, title: &str) -> Self {
        Self {
            state,
            name: page.name.clone(),
            host: host_of(origin),
            phase: Some(phase.to_owned()),
            headline: title.to_owned(),
            plain_headline: "Incident report".to_owned(),
        }
    }

    /// The address and the alternative text of the picture served at `path`. The address changes with the words, because
    /// chat programs keep what they got from an address.
    pub fn picture_at(&self, path: &str) -> SocialPicture {
        let parts = [&self.name, &self.host, self.phase.as_ref().unwrap_or(&self.host), &self.headline];
        let mut digest = Sha256::new();
        digest.update(format!("{DRAWING} {:?}", self.state));
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let version = hex(&digest.finalize()[..4]);
        let phase = self.phase.as_ref().map(|phase| format!("{phase}: ")).unwrap_or_default();
        SocialPicture { path: format!("{path}?v={version}"), alt: format!("{phase}{}", self.headline) }
    }
}

fn host_of(origin: &str) -> String {
    let host = url::Url::parse(origin).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_default()
}

/// The pictures drawn last, so that a picture is drawn again only if its words change.
static DRAWN: LazyLock<moka::sync::Cache<PictureWords, Bytes>> = LazyLock::new(|| moka::sync::Cache::new(MAX_KEPT));

/// The picture as PNG.
pub fn render_picture(words: &PictureWords) -> Bytes {
    DRAWN.get_with_by_ref(words, || draw_picture(words).into_png().into())
}

const GROUND: Colour = [0xfb, 0xfb, 0xf9];
const INK: Colour = [0x1b, 0x1f, 0x1d];
const SOFT: Colour = [0x5c, 0x65, 0x61];
const MARGIN: f32 = 88.0;
const NAME_SIZE: f32 = 38.0;
const PHASE_SIZE: f32 = 42.0;
const HOST_SIZE: f32 = 28.0;
const ICON: f32 = 108.0;
/// The height of the line at the lower edge.
const EDGE: f32 = 14.0;

/// The sizes of the headline with the number of lines that fit.
const HEADLINES: [(f32, usize); 4] = [(88.0, 2), (74.0, 2), (62.0, 3), (52.0, 3)];

fn draw_picture(words: &PictureWords) -> Canvas {
    let (width, height) = (PICTURE_WIDTH as f32, PICTURE_HEIGHT as f32);
    let inner = width - 2.0 * MARGIN;
    let (fill, tone) = words.state.colours();
    let mut canvas = Canvas::new(PICTURE_WIDTH, PICTURE_HEIGHT, canvas::mix(GROUND, fill, 0.06));
    canvas.fill_rectangle((0.0, height - EDGE), (width, EDGE), fill);

    let name = Some(words.name.as_str()).filter(|name| text::is_covered(name));
    let (top, foot) = (name.unwrap_or(&words.host), name.map(|_| words.host.as_str()));
    let top = text::shorten(top, NAME_SIZE, inner);
    text::draw(&mut canvas, &top, NAME_SIZE, (MARGIN, 102.0), INK);
    if let Some(foot) = foot.filter(|foot| text::is_covered(foot)) {
        text::draw(&mut canvas, &text::shorten(foot, HOST_SIZE, inner), HOST_SIZE, (MARGIN, height - 66.0), SOFT);
    }

    let headline = if text::is_covered(&words.headline) { &words.headline } else { &words.plain_headline };
    let (size, lines) = text::fit_lines(headline, inner, &HEADLINES);
    let leading = size * 1.14;
    let gap = 40.0;
    // The icon and the headline together stand in the middle between the name and the foot.
    let block = ICON + gap + leading * lines.len() as f32;
    let start = 126.0 + ((height - 126.0 - 100.0 - block) / 2.0).max(0.0);
    canvas.draw_icon(words.state.shape(), (MARGIN, start), ICON, fill);
    if let Some(phase) = &words.phase {
        let baseline = start + ICON / 2.0 + PHASE_SIZE * 0.36;
        text::draw(&mut canvas, phase, PHASE_SIZE, (MARGIN + ICON + 28.0, baseline), tone);
    }
    for (index, line) in lines.iter().enumerate() {
        let baseline = start + ICON + gap + leading * index as f32 + size * 0.84;
        text::draw(&mut canvas, line, size, (MARGIN - size * 0.05, baseline), INK);
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(headline: &str) -> PictureWords {
        PictureWords {
            state: PictureState::PartialOutage,
            name: "Tidewater Maps".into(),
            host: "status.tidewater.example".into(),
            phase: None,
            headline: headline.into(),
            plain_headline: "Partial outage".into(),
        }
    }

    /// Width and height of a PNG.
    fn size(png: &[u8]) -> (u32, u32) {
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "a PNG");
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    }

    /// `CANDOR_PICTURES=folder` writes the pictures there.
    fn check(name: &str, words: &PictureWords) -> Bytes {
        let png = render_picture(words);
        assert_eq!(size(&png), (1200, 630), "{name}");
        assert!((3_000..60_000).contains(&png.len()), "{name}: {} bytes", png.len());
        if let Some(folder) = std::env::var_os("CANDOR_PICTURES") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), &png).unwrap();
        }
        png
    }

    #[test]
    fn every_state_has_its_own_picture() {
        use PictureState::{Degraded, Maintenance, MajorOutage, Neutral, Operational, PartialOutage};
        let states = [Neutral, Operational, Degraded, PartialOutage, MajorOutage, Maintenance];
        let mut seen = std::collections::HashSet::new();
        for state in states {
            let shown = PictureWords { state, ..words("Satellite imagery: partial outage") };
            assert!(seen.insert(check(&format!("{state:?}"), &shown)), "{state:?}");
        }
        check("Calm", &PictureWords { state: Operational, ..words("All systems operational") });
        let title = "Chart tiles failed to load in the Baltic";
        check("Resolved", &PictureWords { state: Operational, phase: Some("Resolved".into()), ..words(title) });
    }

    #[test]
    fn long_and_hostile_words_fit() {
        check("Long", &words(&"Satellite imagery and weather radar: partial outage ".repeat(8)));
        check("Word", &words(&"W".repeat(3_000)));
        check("Name", &PictureWords { name: "Tidewater ".repeat(40), host: "h".repeat(300), ..words("A") });
        check("Empty", &PictureWords { name: String::new(), host: String::new(), ..words("") });
        check("Spaces", &words(" \u{a0} \t\n "));
    }

    #[test]
    fn words_in_another_script_are_replaced_by_the_state() {
        let plain = check("Plain", &words("Partial outage"));
        assert_eq!(check("Script", &words("衛星画像: partial outage")), plain);
        assert_eq!(check("Emoji", &words("🛰 partial outage")), plain);
        assert_ne!(check("Latin", &words("Gdańsk – übertragen: partial outage")), plain);
        let nameless = PictureWords { name: "地図".into(), ..words("Partial outage") };
        assert_ne!(check("Host", &nameless), plain, "the host stands in its place");
    }

    #[test]
    fn address_changes_with_the_words() {
        let path = |words: &PictureWords| words.picture_at(PICTURE_PATH).path;
        let first = words("API: partial outage");
        assert_eq!(path(&first), path(&first.clone()));
        assert!(path(&first).starts_with("/social.png?v="), "{}", path(&first));
        for other in [
            words("Website: partial outage"),
            PictureWords { state: PictureState::Degraded, ..first.clone() },
            PictureWords { name: "Other".into(), ..first.clone() },
            PictureWords { phase: Some("Resolved".into()), ..first.clone() },
        ] {
            assert_ne!(path(&first), path(&other), "{other:?}");
        }
    }
}
