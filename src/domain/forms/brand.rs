use serde::{Deserialize, Serialize};

use super::page::parse_links;
use super::{Fields, parse_line, parse_lines};
use crate::domain::brand::{
    ACCENT_PRESETS, Appearance, Ground, Logo, MAX_ABOUT, MAX_SUPPORT, PageBrand, Scheme, Typeface,
};
use crate::domain::colour::Colour;
use crate::domain::page::{Link, MAX_PAGE_TEXT};
use crate::domain::subscriber::parse_email;
use crate::domain::{Invalid, Page};
use crate::format::markdown::without_comments;
use crate::format::url::is_safe_url;

/// The choice of an own ground or accent.
pub const OWN: &str = "own";
/// The choice of the default accent.
pub const DEFAULT: &str = "default";
/// The field with the choice of the accent: [`DEFAULT`], [`OWN`] or a colour.
pub const ACCENT_CHOICE: &str = "accent_choice";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrandForm {
    pub header_text: String,
    pub accent: String,
    pub accent_dark: String,
    pub ground: String,
    pub ground_light: String,
    pub ground_dark: String,
    pub typeface: String,
    pub appearance: String,
    /// One link per line: URL, space, label.
    pub links: String,
    pub about: String,
    pub support: String,
    pub powered_by: bool,
    pub noindex: bool,
    pub remove_logo: bool,
    pub remove_logo_dark: bool,
    pub remove_favicon: bool,
    pub version: i64,
}

/// A brand as a file: what the form holds, and the images in base64.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BrandFile {
    #[serde(flatten)]
    pub form: BrandForm,
    pub logo: String,
    pub logo_dark: String,
    pub favicon: String,
}

/// The brand and the texts of the header and the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandSettings {
    pub header_text: String,
    pub links: Vec<Link>,
    pub brand: PageBrand,
}

impl BrandForm {
    pub fn read(fields: &Fields) -> Self {
        let (accent, accent_dark) = match fields.text(ACCENT_CHOICE).as_str() {
            "" | OWN => (fields.text("accent"), fields.text("accent_dark")),
            DEFAULT => <(String, String)>::default(),
            preset => (preset.to_owned(), String::new()),
        };
        Self {
            header_text: fields.text("logo_text"),
            accent,
            accent_dark,
            ground: fields.text("ground"),
            ground_light: fields.text("ground_light"),
            ground_dark: fields.text("ground_dark"),
            typeface: fields.text("typeface"),
            appearance: fields.text("appearance"),
            links: fields.text("links"),
            about: fields.text("about"),
            support: fields.text("support"),
            powered_by: fields.has("powered_by"),
            noindex: fields.has("noindex"),
            remove_logo: fields.has("remove_logo"),
            remove_logo_dark: fields.has("remove_logo_dark"),
            remove_favicon: fields.has("remove_favicon"),
            version: fields.version(),
        }
    }

    pub fn from_page(page: &Page) -> Self {
        let brand = &page.brand;
        let shown = |colour: Option<Colour>| colour.map(|colour| colour.to_string()).unwrap_or_default();
        let (ground_light, ground_dark) = match brand.ground {
            Ground::Own { light, dark } => (light.to_string(), dark.to_string()),
            _ => <(String, String)>::default(),
        };
        let link = |link: &Link| format!("{} {}\n", link.url, link.label);
        Self {
            header_text: page.logo_text.clone(),
            accent: shown(brand.accent),
            accent_dark: shown(brand.accent_dark),
            ground: brand.ground.key().to_owned(),
            ground_light,
            ground_dark,
            typeface: brand.typeface.key().to_owned(),
            appearance: brand.appearance.key().to_owned(),
            links: page.links.iter().map(link).collect(),
            about: brand.about.clone(),
            support: brand.support.clone(),
            powered_by: brand.powered_by,
            noindex: brand.noindex,
            remove_logo: false,
            remove_logo_dark: false,
            remove_favicon: false,
            version: page.version,
        }
    }

    /// The choice of the accent.
    pub fn accent_choice(&self) -> String {
        let preset = ACCENT_PRESETS.iter().find(|(colour, _)| Colour::parse(&self.accent) == Some(*colour));
        match preset {
            _ if self.accent.trim().is_empty() && self.accent_dark.trim().is_empty() => DEFAULT.to_owned(),
            Some((colour, _)) if self.accent_dark.trim().is_empty() => colour.to_string(),
            _ => OWN.to_owned(),
        }
    }

    /// `images` are the uploaded logo, logo on dark pages and favicon; without one, the stored one of `before` stays.
    pub fn parse(&self, before: &PageBrand, images: [Option<Logo>; 3]) -> Result<BrandSettings, Invalid> {
        let mut invalid = Invalid::new();
        let header_text = invalid.take("logo_text", parse_line(&self.header_text, MAX_PAGE_TEXT));
        let links = invalid.take("links", parse_links(&self.links));
        let accent = invalid.take("accent", parse_colour(&self.accent));
        let accent_dark = invalid.take("accent_dark", parse_colour(&self.accent_dark));
        let ground = self.parse_ground(&mut invalid);
        let chosen = "Choose one from the list.";
        let typeface = invalid.take("typeface", Typeface::from_key(&self.typeface).ok_or(chosen.to_owned()));
        let appearance = invalid.take("appearance", Appearance::from_key(&self.appearance).ok_or(chosen.to_owned()));
        let about = invalid.take("about", parse_lines(&without_comments(&self.about), MAX_ABOUT));
        let support = invalid.take("support", parse_support(&self.support));
        let [logo, logo_dark, favicon] = images;
        let kept = |is_removed: bool, stored: &Option<Logo>| stored.clone().filter(|_| !is_removed);
        let (Some(header_text), Some(links), Some(accent), Some(accent_dark), Some(ground)) =
            (header_text, links, accent, accent_dark, ground)
        else {
            return Err(invalid);
        };
        let (Some(typeface), Some(appearance), Some(about), Some(support)) = (typeface, appearance, about, support)
        else {
            return Err(invalid);
        };
        let brand = PageBrand {
            logo: logo.or_else(|| kept(self.remove_logo, &before.logo)),
            logo_dark: logo_dark.or_else(|| kept(self.remove_logo_dark, &before.logo_dark)),
            favicon: favicon.or_else(|| kept(self.remove_favicon, &before.favicon)),
            accent,
            accent_dark,
            ground,
            typeface,
            appearance,
            about,
            support,
            powered_by: self.powered_by,
            noindex: self.noindex,
        };
        for scheme in Scheme::ALL {
            if let Err(wrong) = brand.colours(scheme) {
                let (field, words) = match scheme {
                    Scheme::Light => ("ground_light", "light"),
                    Scheme::Dark => ("ground_dark", "dark"),
                };
                invalid.add(
                    field,
                    format!(
                        "Text can't be read on this in the {words} appearance. The nearest that works is {}.",
                        wrong.nearest
                    ),
                );
            }
        }
        if invalid.is_empty() { Ok(BrandSettings { header_text, links, brand }) } else { Err(invalid) }
    }

    /// An own ground needs only the colours that the appearance shows.
    fn parse_ground(&self, invalid: &mut Invalid) -> Option<Ground> {
        if self.ground != OWN {
            let preset = Ground::PRESETS.into_iter().find(|(ground, _)| ground.key() == self.ground);
            let preset = preset.map(|(ground, _)| ground).ok_or_else(|| "Choose one from the list.".to_owned());
            return invalid.take("ground", preset);
        }
        let mut own = |field: &str, text: &str, scheme: Scheme| {
            let colour = invalid.take(field, parse_colour(text))?;
            Some(colour.unwrap_or_else(|| Ground::Warm.colour(scheme)))
        };
        let light = own("ground_light", &self.ground_light, Scheme::Light);
        let dark = own("ground_dark", &self.ground_dark, Scheme::Dark);
        Some(Ground::Own { light: light?, dark: dark? })
    }
}

fn parse_colour(text: &str) -> Result<Option<Colour>, String> {
    match text.trim() {
        "" => Ok(None),
        text => Colour::parse(text).map(Some).ok_or_else(|| "Write the colour like #0f5f6b.".to_owned()),
    }
}

/// An e-mail address, or a URL.
fn parse_support(text: &str) -> Result<String, String> {
    let text = parse_line(text, MAX_SUPPORT)?;
    if text.is_empty() || parse_email(&text).is_some() || is_safe_url(&text) {
        Ok(text)
    } else {
        Err("Enter an e-mail address, or a URL that begins with https://.".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> BrandForm {
        BrandForm {
            ground: "warm".into(),
            typeface: "system".into(),
            appearance: "automatic".into(),
            powered_by: true,
            ..BrandForm::default()
        }
    }

    fn parsed(form: &BrandForm) -> Result<BrandSettings, Invalid> {
        form.parse(&PageBrand::default(), [None, None, None])
    }

    #[test]
    fn empty_form_is_the_default_brand() {
        assert_eq!(parsed(&form()).unwrap().brand, PageBrand::default());
    }

    #[test]
    fn brand_takes_colours_and_addresses_only() {
        for bad in ["red", "#12", "url(x)", "#fff;}", "var(--ink)", "light-dark(#fff,#000)"] {
            let wrong = parsed(&BrandForm { accent: bad.into(), ..form() }).unwrap_err();
            assert!(wrong.get("accent").is_some(), "{bad}");
        }
        for bad in ["javascript:alert(1)", "not an address", "data:text/html,x", "a@b@c"] {
            let wrong = parsed(&BrandForm { support: bad.into(), ..form() }).unwrap_err();
            assert!(wrong.get("support").is_some(), "{bad}");
            let wrong = parsed(&BrandForm { links: format!("{bad} Label"), ..form() }).unwrap_err();
            assert!(wrong.get("links").is_some(), "{bad}");
        }
        for good in ["help@example.org", "https://example.org/help"] {
            assert!(parsed(&BrandForm { support: good.into(), ..form() }).is_ok(), "{good}");
        }
        for (field, wrong) in [
            ("ground", BrandForm { ground: "pink".into(), ..form() }),
            ("typeface", BrandForm { typeface: "Comic Sans".into(), ..form() }),
            ("appearance", BrandForm { appearance: String::new(), ..form() }),
            ("about", BrandForm { about: "x".repeat(MAX_ABOUT + 1), ..form() }),
        ] {
            assert!(parsed(&wrong).unwrap_err().get(field).is_some(), "{field}");
        }
    }

    #[test]
    fn chosen_accent_decides_whether_the_own_one_counts() {
        let read = |choice: &str| {
            let fields = [(ACCENT_CHOICE, choice), ("accent", "#123456"), ("accent_dark", "#abcdef")];
            BrandForm::read(&Fields(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()))
        };
        for (choice, accent, dark) in
            [("default", "", ""), ("own", "#123456", "#abcdef"), ("", "#123456", "#abcdef"), ("#0f5f6b", "#0f5f6b", "")]
        {
            let form = read(choice);
            assert_eq!((form.accent.as_str(), form.accent_dark.as_str()), (accent, dark), "{choice}");
            assert!(choice.is_empty() || form.accent_choice() == choice, "{choice}: {}", form.accent_choice());
        }
    }

    #[test]
    fn unreadable_ground_is_refused_with_the_nearest_good_one() {
        let form = BrandForm { ground: OWN.into(), ground_light: "#222222".into(), ..form() };
        let wrong = parsed(&form).unwrap_err();
        assert!(wrong.get("ground_light").unwrap().contains("The nearest that works is #"), "{wrong:?}");
        assert!(wrong.get("ground_dark").is_none());
    }

    #[test]
    fn logo_stays_until_it_is_replaced_or_removed() {
        let logo = |digest: &str| Logo {
            format: crate::domain::brand::LogoFormat::Svg,
            width: 1,
            height: 1,
            digest: digest.into(),
            bytes: Vec::new(),
        };
        let before = PageBrand { logo: Some(logo("old")), ..PageBrand::default() };
        let after = |form: &BrandForm, upload| form.parse(&before, [upload, None, None]).unwrap().brand.logo;
        assert_eq!(after(&form(), None), Some(logo("old")));
        assert_eq!(after(&form(), Some(logo("new"))), Some(logo("new")));
        assert_eq!(after(&BrandForm { remove_logo: true, ..form() }, None), None);
        let before = PageBrand { favicon: Some(logo("old")), ..PageBrand::default() };
        let after = |form: &BrandForm, upload| form.parse(&before, [None, None, upload]).unwrap().brand.favicon;
        assert_eq!(after(&form(), None), Some(logo("old")));
        assert_eq!(after(&form(), Some(logo("new"))), Some(logo("new")));
        assert_eq!(after(&BrandForm { remove_favicon: true, ..form() }, None), None);
    }
}
