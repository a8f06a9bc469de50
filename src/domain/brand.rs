//! The owner's brand on the public page: logo, accent, ground, typeface and a few texts. Tokens only: there is no
//! stylesheet, markup or template of the owner's, and status colours stay as they are.

use serde::{Deserialize, Serialize};

use super::colour::{Colour, WHITE};

/// A logo of at most this many bytes is part of the page; a larger one is a request of its own.
pub const MAX_INLINE_LOGO: usize = 4096;
/// In characters.
pub const MAX_ABOUT: usize = 2_000;
/// In characters: an e-mail address, or a URL.
pub const MAX_SUPPORT: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageBrand {
    /// Shown on light grounds, and on dark ones if there is no other.
    pub logo: Option<Logo>,
    pub logo_dark: Option<Logo>,
    /// Square; shown in the browser's tab while all is well.
    pub favicon: Option<Logo>,
    /// As chosen; `None` for the default. [`PageBrand::palette`] has the colour in use.
    pub accent: Option<Colour>,
    /// `None` to derive it from `accent`.
    pub accent_dark: Option<Colour>,
    pub ground: Ground,
    pub typeface: Typeface,
    pub appearance: Appearance,
    /// Markdown; may be empty.
    pub about: String,
    /// An e-mail address or a URL; may be empty.
    pub support: String,
    pub powered_by: bool,
    /// Whether search engines are asked not to list the page.
    pub noindex: bool,
}

impl Default for PageBrand {
    fn default() -> Self {
        Self {
            logo: None,
            logo_dark: None,
            favicon: None,
            accent: None,
            accent_dark: None,
            ground: Ground::Warm,
            typeface: Typeface::System,
            appearance: Appearance::Automatic,
            about: String::new(),
            support: String::new(),
            powered_by: true,
            noindex: false,
        }
    }
}

/// A sanitised image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    pub format: LogoFormat,
    pub width: u32,
    pub height: u32,
    /// In hexadecimal; names the file.
    pub digest: String,
    /// Not in the audit log.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogoFormat {
    Svg,
    Png,
    Webp,
}

impl LogoFormat {
    pub fn key(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Svg, Self::Png, Self::Webp].into_iter().find(|format| format.key() == key)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

impl Logo {
    pub fn is_inline(&self) -> bool {
        self.bytes.len() <= MAX_INLINE_LOGO
    }

    /// Where a logo that is not inline is served.
    pub fn path(&self) -> String {
        format!("/brand/{}.{}", self.digest, self.format.key())
    }
}

macro_rules! choices {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $key:literal, $words:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                }
            }

            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$variant => $words,)+
                }
            }

            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.key() == key)
            }
        }
    };
}

choices! {
    /// A stack of fonts that the visitor's system has; nothing is downloaded.
    Typeface {
        System = "system", "System";
        Rounded = "rounded", "Rounded";
        Serif = "serif", "Serif";
    }
}

choices! {
    Appearance {
        Automatic = "automatic", "Automatic";
        Light = "light", "Light";
        Dark = "dark", "Dark";
    }
}

impl Typeface {
    /// The value of `font-family`.
    pub fn stack(self) -> &'static str {
        match self {
            Self::System => "system-ui,sans-serif",
            Self::Rounded => {
                "ui-rounded,\"SF Pro Rounded\",\"Arial Rounded MT Bold\",Nunito,Quicksand,system-ui,sans-serif"
            }
            Self::Serif => "ui-serif,Charter,\"Bitstream Charter\",Cambria,Georgia,serif",
        }
    }
}

/// The ground of the page in both schemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    Warm,
    White,
    Cool,
    Own { light: Colour, dark: Colour },
}

impl Ground {
    pub const PRESETS: [(Self, &'static str); 3] = [(Self::Warm, "Warm"), (Self::White, "White"), (Self::Cool, "Cool")];

    pub fn key(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::White => "white",
            Self::Cool => "cool",
            Self::Own { .. } => "own",
        }
    }

    /// The chosen colour for this scheme.
    pub fn colour(self, scheme: Scheme) -> Colour {
        let pair = |light, dark| match scheme {
            Scheme::Light => Colour::from_u32(light),
            Scheme::Dark => Colour::from_u32(dark),
        };
        match (self, scheme) {
            (Self::Warm, _) => pair(0xfb_fb_f9, 0x11_13_12),
            (Self::White, _) => pair(0xff_ff_ff, 0x0c_0c_0c),
            (Self::Cool, _) => pair(0xf7_f9_fc, 0x0f_12_18),
            (Self::Own { light, .. }, Scheme::Light) => light,
            (Self::Own { dark, .. }, Scheme::Dark) => dark,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

/// Contrast that text needs (WCAG 2.2 AA), and that the page's main text has.
pub const TEXT_CONTRAST: f64 = 4.5;
pub const INK_CONTRAST: f64 = 7.0;
/// Contrast of controls against what is around them.
pub const CONTROL_CONTRAST: f64 = 3.0;

/// Accents to choose from besides the default one: colour and name.
pub const ACCENT_PRESETS: [(Colour, &str); 5] = [
    (Colour::from_u32(0x0f_5f_6b), "Teal"),
    (Colour::from_u32(0x2b_5f_b3), "Blue"),
    (Colour::from_u32(0x6a_3f_c8), "Violet"),
    (Colour::from_u32(0xb3_26_1e), "Red"),
    (Colour::from_u32(0x1b_1f_1d), "Ink"),
];

/// The default accent by scheme.
const ACCENT: [u32; 2] = [0x21_54_3d, 0x4c_c3_8a];
const DARK_TEXT: Colour = Colour::from_u32(0x0d_14_10);
const INK: [u32; 2] = [0x1b_1f_1d, 0xe9_ec_e9];
const SOFT: [u32; 2] = [0x5c_65_61, 0x9a_a4_9f];
/// Text in the tone of each status, by scheme.
const TONES: [[u32; 5]; 2] = [
    [0x1f_7a_4d, 0x8a_61_00, 0xac_4a_07, 0xb3_26_1e, 0x2b_5f_b3],
    [0x4c_c3_8a, 0xe6_b4_50, 0xf5_98_55, 0xff_7b_72, 0x7f_b0_ff],
];
/// How much a status tints its banner.
const TINT: [f64; 2] = [0.09, 0.16];
/// A ground further from a readable one than this is not adjusted but refused.
const MAX_GROUND_SHIFT: f64 = 0.3;

impl Scheme {
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    fn of<T: Copy>(self, pair: [T; 2]) -> T {
        match self {
            Self::Light => pair[0],
            Self::Dark => pair[1],
        }
    }

    pub fn ink(self) -> Colour {
        Colour::from_u32(self.of(INK))
    }

    fn soft(self) -> Colour {
        Colour::from_u32(self.of(SOFT))
    }

    fn tones(self) -> [Colour; 5] {
        self.of(TONES).map(Colour::from_u32)
    }

    fn panel(self, ground: Colour) -> Colour {
        match self {
            Self::Light => WHITE,
            Self::Dark => ground.mix(WHITE, 0.05),
        }
    }

    fn sunk(self, ground: Colour) -> Colour {
        match self {
            Self::Light => ground.mix(self.ink(), 0.03),
            Self::Dark => ground.mix(WHITE, 0.025),
        }
    }

    fn line(self, ground: Colour) -> Colour {
        match self {
            Self::Light => ground.mix(self.ink(), 0.1),
            Self::Dark => ground.mix(WHITE, 0.12),
        }
    }

    /// Whether every text of the page can be read on `ground` and on what derives from it.
    fn is_readable_on(self, ground: Colour) -> bool {
        let (panel, sunk) = (self.panel(ground), self.sunk(ground));
        let tint = |tone: Colour| panel.mix(tone, self.of(TINT));
        [ground, panel, sunk].into_iter().all(|under| {
            self.ink().contrast(under) >= INK_CONTRAST
                && self.soft().contrast(under) >= TEXT_CONTRAST
                && self.tones().into_iter().all(|tone| tone.contrast(under) >= TEXT_CONTRAST)
        }) && self.tones().into_iter().all(|tone| tone.contrast(tint(tone)) >= TEXT_CONTRAST)
    }

    /// Whether a button in `accent` can be read and seen on `ground`.
    fn takes_accent(self, accent: Colour, ground: Colour) -> bool {
        let around = [ground, self.panel(ground)];
        text_on(accent).contrast(accent) >= TEXT_CONTRAST
            && around.into_iter().all(|around| accent.contrast(around) >= CONTROL_CONTRAST)
    }

    /// The colour of the same hue and the nearest lightness that `fits`.
    fn nearest(self, colour: Colour, fits: impl Fn(Colour) -> bool) -> Option<Colour> {
        if fits(colour) {
            return Some(colour);
        }
        // Darker first on light pages, lighter first on dark ones.
        let signs = self.of([[-1.0, 1.0], [1.0, -1.0]]);
        let steps = (1..=200).map(|step| f64::from(step) * 0.005);
        steps
            .flat_map(|step| signs.map(|sign| colour.with_lightness(colour.lightness() + sign * step)))
            .find(|it| fits(*it))
    }
}

/// White or nearly black, whichever is read better on `colour`.
pub fn text_on(colour: Colour) -> Colour {
    if WHITE.contrast(colour) >= DARK_TEXT.contrast(colour) { WHITE } else { DARK_TEXT }
}

/// The colours in use in one scheme, each with enough contrast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemeColours {
    pub scheme: Scheme,
    pub ground: Colour,
    pub panel: Colour,
    pub sunk: Colour,
    pub line: Colour,
    pub accent: Colour,
    pub on_accent: Colour,
    /// The chosen colours, which differ from those in use if their contrast is too low.
    pub chosen_ground: Colour,
    pub chosen_accent: Colour,
}

/// Why a brand can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadableGround {
    pub scheme: Scheme,
    /// The nearest ground on which everything can be read.
    pub nearest: Colour,
}

impl PageBrand {
    /// The colours in use.
    ///
    /// # Errors
    /// If the ground is so far from a readable one that adjusting it would not be what the owner meant.
    pub fn colours(&self, scheme: Scheme) -> Result<SchemeColours, UnreadableGround> {
        let chosen_ground = self.ground.colour(scheme);
        let default = Ground::Warm.colour(scheme);
        let ground = scheme.nearest(chosen_ground, |it| scheme.is_readable_on(it)).unwrap_or(default);
        if (ground.lightness() - chosen_ground.lightness()).abs() > MAX_GROUND_SHIFT {
            return Err(UnreadableGround { scheme, nearest: ground });
        }
        let default = Colour::from_u32(scheme.of(ACCENT));
        let chosen_accent = match scheme {
            Scheme::Light => self.accent,
            Scheme::Dark => self.accent_dark.or(self.accent),
        };
        let chosen_accent = chosen_accent.unwrap_or(default);
        let accent = scheme.nearest(chosen_accent, |it| scheme.takes_accent(it, ground)).unwrap_or(default);
        Ok(SchemeColours {
            scheme,
            ground,
            panel: scheme.panel(ground),
            sunk: scheme.sunk(ground),
            line: scheme.line(ground),
            accent,
            on_accent: text_on(accent),
            chosen_ground,
            chosen_accent,
        })
    }

    /// Whether visitors see the page in this scheme.
    pub fn shows(&self, scheme: Scheme) -> bool {
        match self.appearance {
            Appearance::Automatic => true,
            Appearance::Light => scheme == Scheme::Light,
            Appearance::Dark => scheme == Scheme::Dark,
        }
    }

    /// The logo of this scheme.
    pub fn logo_for(&self, scheme: Scheme) -> Option<&Logo> {
        match scheme {
            Scheme::Light => self.logo.as_ref().or(self.logo_dark.as_ref()),
            Scheme::Dark => self.logo_dark.as_ref().or(self.logo.as_ref()),
        }
    }

    /// The logos, without repetition.
    pub fn logos(&self) -> impl Iterator<Item = &Logo> {
        let dark = self.logo_dark.as_ref().filter(|dark| self.logo.as_ref() != Some(*dark));
        self.logo.iter().chain(dark)
    }

    /// The logos and the favicon, without repetition.
    pub fn images(&self) -> impl Iterator<Item = &Logo> {
        let favicon = self.favicon.as_ref().filter(|icon| self.logos().all(|logo| logo != *icon));
        self.logos().chain(favicon)
    }

    /// The rules that set the page's tokens, empty for the default brand.
    pub fn css(&self) -> String {
        let mut rules = String::new();
        let (Ok(light), Ok(dark)) = (self.colours(Scheme::Light), self.colours(Scheme::Dark)) else { return rules };
        let token = |name: &str, light: Colour, dark: Colour| {
            if light == dark { format!("--{name}:{light};") } else { format!("--{name}:light-dark({light},{dark});") }
        };
        if self.ground != Ground::Warm {
            rules += &token("ground", light.ground, dark.ground);
            rules += &token("panel", light.panel, dark.panel);
            rules += &token("sunk", light.sunk, dark.sunk);
            rules += &token("line", light.line, dark.line);
        }
        if self.accent.is_some() || self.accent_dark.is_some() || self.ground != Ground::Warm {
            rules += &token("accent", light.accent, dark.accent);
            rules += &token("on-accent", light.on_accent, dark.on_accent);
        }
        match self.appearance {
            Appearance::Automatic => {}
            Appearance::Light => rules += "color-scheme:light;",
            Appearance::Dark => rules += "color-scheme:dark;",
        }
        let mut css = String::new();
        if !rules.is_empty() {
            css += &format!(":root{{{}}}", rules.trim_end_matches(';'));
        }
        if self.typeface != Typeface::System {
            css += &format!("body,button,input,select,textarea{{font-family:{}}}", self.typeface.stack());
        }
        css
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).unwrap()
    }

    #[test]
    fn defaults_and_presets_need_no_adjustment() {
        for (ground, _) in Ground::PRESETS {
            for scheme in Scheme::ALL {
                let found = PageBrand { ground, ..PageBrand::default() }.colours(scheme).unwrap();
                assert_eq!(
                    (found.ground, found.accent),
                    (found.chosen_ground, found.chosen_accent),
                    "{ground:?} {scheme:?}"
                );
            }
        }
        assert_eq!(PageBrand::default().css(), "");
    }

    #[test]
    fn every_accent_is_readable_after_adjustment() {
        for red in (0..=255).step_by(51) {
            for green in (0..=255).step_by(51) {
                for blue in (0..=255).step_by(51) {
                    let accent = Colour::new(red, green, blue);
                    let brand = PageBrand { accent: Some(accent), ground: Ground::Cool, ..PageBrand::default() };
                    for scheme in Scheme::ALL {
                        let found = brand.colours(scheme).unwrap();
                        assert!(found.on_accent.contrast(found.accent) >= TEXT_CONTRAST, "{found:?}");
                        assert!(found.accent.contrast(found.ground) >= CONTROL_CONTRAST, "{found:?}");
                        assert!(found.accent.contrast(found.panel) >= CONTROL_CONTRAST, "{found:?}");
                        if scheme.takes_accent(accent, found.ground) {
                            assert_eq!(found.accent, accent);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn accent_moves_to_the_nearest_lightness_only_where_it_must() {
        let brand = PageBrand { accent: Some(colour("#0f5f6b")), ..PageBrand::default() };
        let (light, dark) = (brand.colours(Scheme::Light).unwrap(), brand.colours(Scheme::Dark).unwrap());
        assert_eq!((light.accent, light.on_accent), (colour("#0f5f6b"), WHITE));
        assert!(dark.accent != colour("#0f5f6b") && dark.accent.lightness() > light.accent.lightness());
        assert!(dark.accent.contrast(dark.ground) < CONTROL_CONTRAST + 1.0, "no further than needed: {}", dark.accent);
        let yellow = PageBrand { accent: Some(colour("#ffe600")), ..PageBrand::default() };
        let light = yellow.colours(Scheme::Light).unwrap();
        assert!(light.accent.lightness() < colour("#ffe600").lightness());
        assert_eq!(yellow.colours(Scheme::Dark).unwrap().accent, colour("#ffe600"));
    }

    #[test]
    fn ground_is_adjusted_a_little_and_refused_if_it_is_the_other_scheme() {
        let own = |light: &str, dark: &str| PageBrand {
            ground: Ground::Own { light: colour(light), dark: colour(dark) },
            ..PageBrand::default()
        };
        let brand = own("#dde6f2", "#2a2440");
        for scheme in Scheme::ALL {
            let found = brand.colours(scheme).unwrap();
            assert_ne!(found.ground, found.chosen_ground);
            assert!(scheme.is_readable_on(found.ground));
        }
        let swapped = own("#101010", "#f8f8f8");
        for scheme in Scheme::ALL {
            let refused = swapped.colours(scheme).unwrap_err();
            assert_eq!(refused.scheme, scheme);
            assert!(scheme.is_readable_on(refused.nearest));
        }
        assert_eq!(swapped.css(), "");
    }

    #[test]
    fn css_has_tokens_and_system_fonts_only() {
        let brand = PageBrand {
            accent: Some(colour("#6d4aff")),
            ground: Ground::Own { light: colour("#faf8ff"), dark: colour("#100f16") },
            typeface: Typeface::Serif,
            appearance: Appearance::Dark,
            ..PageBrand::default()
        };
        let css = brand.css();
        for part in [
            ":root{--ground:light-dark(#faf8ff,#100f16);",
            "--accent:#6d4aff;--on-accent:#ffffff;",
            "color-scheme:dark}",
            "serif",
        ] {
            assert!(css.contains(part), "{css}");
        }
        assert!(!css.contains("url") && !css.contains('<') && !css.contains("@"), "{css}");
    }
}
