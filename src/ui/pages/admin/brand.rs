use leptos::prelude::*;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::conflict::{Conflict, conflict_details};
use super::settings::settings_tabs;
use super::setup::{SetupStep, setup_links, setup_steps};
use crate::domain::brand::{ACCENT_PRESETS, Appearance, Ground, Logo, PageBrand, Scheme, SchemeColours, Typeface};
use crate::domain::colour::Colour;
use crate::domain::forms::{ACCENT_CHOICE, BrandForm, DEFAULT, OWN};
use crate::domain::{Invalid, brand};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::brand::logo_data_url;
use crate::ui::form::{
    CheckBox, Choice, ErrorSummary, Field, FileInput, FormErrors, Group, Hidden, Segments, Submit, TextArea, TextInput,
};

/// The brand of the public page, with a preview beside the form.
#[derive(Clone, Debug)]
pub struct BrandEdit {
    pub shell: AdminContext,
    /// Whether this is a step of the guided setup.
    pub is_setup: bool,
    pub form: BrandForm,
    /// The logos for light and dark pages, and the favicon.
    pub slots: [LogoSlot; 3],
    /// The brand whose contrast is shown: the submitted one if it is valid.
    pub shown: PageBrand,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<BrandForm>>,
}

#[derive(Clone, Debug, Default)]
pub struct LogoSlot {
    /// Uploaded and not saved yet.
    pub upload: Option<Logo>,
    pub stored: Option<Logo>,
}

const LOGO_HINT: &str =
    "SVG, PNG or WebP up to 512 KB. Shown 30 pixels high and up to 180 wide. Up to 4 KB it is part of the page.";
const FAVICON_HINT: &str = "Square SVG, PNG or WebP up to 128 KB. Shown in the browser's tab while all is well; any \
                            other status keeps its own icon. Up to 4 KB it is part of the page.";
const PREVIEW: &str = "/admin/brand/preview";
const FRAME: &str = "brand-preview";
const FIELD_ORDER: [&str; 15] = [
    "logo",
    "logo_dark",
    "favicon",
    ACCENT_CHOICE,
    "accent",
    "accent_dark",
    "ground",
    "ground_light",
    "ground_dark",
    "typeface",
    "appearance",
    "logo_text",
    "about",
    "links",
    "support",
];

const TEXT_FIELDS: [&str; 4] = ["logo_text", "about", "links", "support"];

#[component]
pub fn BrandEditPage(page: BrandEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &FIELD_ORDER);
    let (heading, action) = match page.is_setup {
        true => ("Make the page yours", SetupStep::Brand.path()),
        false => ("Brand", "/admin/brand"),
    };
    let words = if page.is_setup { "Continue" } else { "Save brand" };
    let content = view! {
        {page.is_setup.then(|| setup_steps(SetupStep::Brand))}
        <h1>{heading}</h1>
        {(!page.is_setup).then(|| settings_tabs("/admin/brand", &shell))}
        <ErrorSummary problems=problems.clone()/>
        {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
        <form class="brand-page" method="post" action=action enctype="multipart/form-data" novalidate>
            <Hidden name="version" value=page.form.version.to_string()/>
            <div class="brand-fields">
                {look_fields(&page, &problems)}
                {more_fields(&page, &problems)}
                <p class="actions">
                    <Submit words/>
                    {preview_button()}
                    {page.is_setup.then(|| setup_links(SetupStep::Brand))}
                </p>
            </div>
            {preview_frame()}
        </form>
    };
    let title = problems.titled(heading);
    let section = (!page.is_setup).then_some(Section::Settings);
    view! { <AdminLayout shell title section content=content.into_any()/> }
}

/// Logo, colours, typeface and appearance.
fn look_fields(page: &BrandEdit, problems: &FormErrors) -> AnyView {
    let form = &page.form;
    let [light, dark, favicon] = &page.slots;
    let grounds = Ground::PRESETS.into_iter().map(|(ground, words)| Choice::new(ground.key(), words));
    let grounds = grounds.chain([Choice::new(OWN, "Own…")]).collect();
    let typefaces = Typeface::ALL.iter().map(|it| Choice::new(it.key(), it.words())).collect();
    let appearances = Appearance::ALL.iter().map(|it| Choice::new(it.key(), it.words())).collect();
    let colour = |name: &'static str, label: &'static str| Field::new(name, label).with_error(problems);
    view! {
        {logo_field(("logo", "Logo", LOGO_HINT), light, problems)}
        {logo_field(("logo_dark", "Logo on dark pages (optional)", LOGO_HINT), dark, problems)}
        {logo_field(("favicon", "Favicon (optional)", FAVICON_HINT), favicon, problems)}
        {accent_field(form, problems)}
        <div class="own">
            <TextInput field=colour("accent", "Accent") value=form.accent.clone() class="short"/>
            <TextInput
                field=colour("accent_dark", "On dark pages (optional)")
                value=form.accent_dark.clone()
                class="short"
            />
        </div>
        {contrast_list(&page.shown)}
        <Segments field=Field::new("ground", "Background").with_error(problems) choices=grounds value=form.ground.clone()/>
        <div class="own">
            <TextInput field=colour("ground_light", "On light pages") value=form.ground_light.clone() class="short"/>
            <TextInput field=colour("ground_dark", "On dark pages") value=form.ground_dark.clone() class="short"/>
        </div>
        <Segments field=Field::new("typeface", "Typeface").with_error(problems) choices=typefaces value=form.typeface.clone()/>
        <Segments
            field=Field::new("appearance", "Appearance").hint("Automatic follows the visitor's device.").with_error(problems)
            choices=appearances
            value=form.appearance.clone()
        />
    }
    .into_any()
}

/// `texts` are the field's name, label and hint.
fn logo_field(texts: (&'static str, &'static str, &'static str), slot: &LogoSlot, problems: &FormErrors) -> AnyView {
    let (name, label, hint) = texts;
    let (kept, remove, current, remove_words) = match name {
        "logo" => ("kept_logo", "remove_logo", "Current logo", "Remove this logo"),
        "logo_dark" => ("kept_logo_dark", "remove_logo_dark", "Current logo", "Remove this logo"),
        _ => ("kept_favicon", "remove_favicon", "Current favicon", "Remove this favicon"),
    };
    let shown = slot.upload.as_ref().or(slot.stored.as_ref());
    let current = shown.map(|logo| {
        view! {
            <p class="logo-now">
                <img class=format!("on-{name}") src=logo_data_url(logo) alt=current/>
                <span class="soft">{logo_cost(logo)}</span>
            </p>
        }
    });
    let kept = slot.upload.as_ref().map(|logo| {
        view! { <Hidden name=kept value=BASE64_STANDARD.encode(&logo.bytes)/> }
    });
    let remove = (slot.upload.is_none() && slot.stored.is_some()).then(|| {
        view! { <CheckBox field=Field::new(remove, remove_words) checked=false/> }
    });
    let field = Field::new(name, label).hint(hint).with_error(problems);
    view! { <div class="logo-field">{current}{kept}<FileInput field accept=".svg,.png,.webp,image/svg+xml,image/png,image/webp"/>{remove}</div> }
        .into_any()
}

/// What a logo costs visitors.
fn logo_cost(logo: &Logo) -> String {
    let size = logo.bytes.len();
    let size =
        if size < 1024 { format!("{size} bytes") } else { format!("{}.{} KB", size / 1024, size % 1024 * 10 / 1024) };
    if logo.is_inline() {
        format!("{size} in every page, no extra request")
    } else {
        format!("{size} as a request of its own, cached by browsers")
    }
}

fn accent_field(form: &BrandForm, problems: &FormErrors) -> AnyView {
    let chosen = form.accent_choice();
    let presets = ACCENT_PRESETS.iter().map(|(colour, words)| (colour.to_string(), *words));
    let all = std::iter::once((DEFAULT.to_owned(), "Green")).chain(presets).chain([(OWN.to_owned(), "Own…")]);
    let swatch = |(value, words): (String, &'static str)| {
        let checked = value == chosen;
        let id = if checked { ACCENT_CHOICE.to_owned() } else { format!("accent-{}", value.trim_start_matches('#')) };
        let colour = if value == OWN { String::new() } else { format!("swatch {}", words.to_lowercase()) };
        view! {
            <label class="accent" for=id.clone()>
                <input type="radio" id=id.clone() name=ACCENT_CHOICE value=value checked=checked/>
                <span class=colour></span>
                {words}
            </label>
        }
    };
    let content = view! { <div class="accents">{all.map(swatch).collect_view()}</div> }.into_any();
    let field = Field::new(ACCENT_CHOICE, "Accent")
        .hint("Marks buttons, the current tab and selections. Colours of statuses never change.")
        .with_error(problems);
    view! { <Group field content/> }.into_any()
}

/// The measured contrast, and the colours used instead of those that can't be read.
fn contrast_list(shown: &PageBrand) -> AnyView {
    let schemes = Scheme::ALL.into_iter().filter(|scheme| shown.shows(*scheme));
    let rows = schemes.filter_map(|scheme| shown.colours(scheme).ok()).flat_map(|colours| contrast_rows(&colours));
    let row = |(words, ratio): (String, f64)| view! { <li><span>{words}</span><b>{format!("{ratio:.1}:1")}</b></li> };
    view! {
        <div class="contrast" id="contrast">
            <p>"Contrast, as saved"</p>
            <ul>{rows.map(row).collect_view()}</ul>
        </div>
    }
    .into_any()
}

fn contrast_rows(colours: &SchemeColours) -> Vec<(String, f64)> {
    let page = match colours.scheme {
        Scheme::Light => "light page",
        Scheme::Dark => "dark page",
    };
    let mut rows = vec![
        (
            format!("Accent on the {page}{}", adjustment(colours.chosen_accent, colours.accent)),
            colours.accent.contrast(colours.ground),
        ),
        (format!("Button text on the {page}"), colours.on_accent.contrast(colours.accent)),
    ];
    if colours.ground != colours.chosen_ground {
        let words = format!("Text on the {page}{}", adjustment(colours.chosen_ground, colours.ground));
        rows.push((words, colours.scheme.ink().contrast(colours.ground)));
    }
    rows
}

/// Names the colour used instead of the chosen one.
fn adjustment(chosen: Colour, used: Colour) -> String {
    if chosen == used {
        return String::new();
    }
    let change = if used.lightness() > chosen.lightness() { "lightened" } else { "darkened" };
    format!(", {change} from {chosen} to {used}")
}

/// The texts: folded during the setup, unless one of them has an error.
fn more_fields(page: &BrandEdit, problems: &FormErrors) -> AnyView {
    let fields = text_fields(&page.form, problems);
    if !page.is_setup {
        return fields;
    }
    let open = TEXT_FIELDS.iter().any(|name| page.invalid.get(name).is_some());
    view! { <details class="fold" open=open><summary>"Texts, links and search engines"</summary>{fields}</details> }
        .into_any()
}

/// Texts of the header and the footer, and what search engines may do.
fn text_fields(form: &BrandForm, problems: &FormErrors) -> AnyView {
    let header = Field::new("logo_text", "Header text (optional)").hint("Defaults to the page name.");
    let about = Field::new("about", "About (optional)")
        .hint(format!("Markdown, shown at the foot of the status page. At most {} characters.", brand::MAX_ABOUT));
    let links = Field::new("links", "Footer links (optional)")
        .hint("One per line, at most 8: URL, a space, label. https://example.org/help Help");
    let support = Field::new("support", "Support (optional)")
        .hint("An e-mail address or a URL, linked at the foot of every page.");
    let powered = Field::new("powered_by", "Show “Powered by Candor”");
    let noindex = Field::new("noindex", "Hide the page from search engines")
        .hint("Adds noindex to every page and asks crawlers in robots.txt to stay away.");
    view! {
        <TextInput field=header.with_error(problems) value=form.header_text.clone()/>
        <TextArea field=about.with_error(problems) value=form.about.clone() rows=4/>
        <TextArea field=links.with_error(problems) value=form.links.clone() rows=3/>
        <TextInput field=support.with_error(problems) value=form.support.clone()/>
        <CheckBox field=powered checked=form.powered_by/>
        <CheckBox field=noindex checked=form.noindex/>
    }
    .into_any()
}

/// Sends the form to the frame.
fn preview_button() -> AnyView {
    view! {
        <button type="submit" class="button" formaction=PREVIEW formtarget=FRAME>"Preview"</button>
    }
    .into_any()
}

fn preview_frame() -> AnyView {
    let schemes =
        vec![Choice::new("automatic", "Automatic"), Choice::new("light", "Light"), Choice::new("dark", "Dark")];
    view! {
        <div class="brand-preview">
            <Segments field=Field::new("scheme", "Preview") choices=schemes value="automatic"/>
            <iframe name=FRAME title="Preview of the status page" sandbox="" src=PREVIEW></iframe>
        </div>
    }
    .into_any()
}

/// What the frame shows if the form has errors.
pub fn brand_preview_error(wrong: &Invalid) -> String {
    let line = |(_, text): (&str, &str)| view! { <li>{text.to_owned()}</li> };
    let lines = wrong.iter().map(line).collect_view();
    crate::ui::render_page(|| {
        view! {
            <html lang="en">
                <head><meta charset="utf-8"/><meta name="color-scheme" content="light dark"/><title>"No preview"</title></head>
                <body><h1>"No preview"</h1><ul>{lines}</ul></body>
            </html>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::brand::{CONTROL_CONTRAST, LogoFormat, TEXT_CONTRAST};

    #[test]
    fn cost_of_a_logo_says_whether_it_is_a_request() {
        let logo = |size: usize| Logo {
            format: LogoFormat::Svg,
            width: 1,
            height: 1,
            digest: "d".into(),
            bytes: vec![b'x'; size],
        };
        assert_eq!(logo_cost(&logo(700)), "700 bytes in every page, no extra request");
        assert_eq!(logo_cost(&logo(1434)), "1.4 KB in every page, no extra request");
        assert_eq!(logo_cost(&logo(9420)), "9.1 KB as a request of its own, cached by browsers");
    }

    #[test]
    fn contrast_names_the_colour_used_instead() {
        let brand = PageBrand { accent: Colour::parse("#ffee00"), ..PageBrand::default() };
        let rows = contrast_rows(&brand.colours(Scheme::Light).unwrap());
        assert!(rows[0].0.contains("darkened from #ffee00 to #"), "{rows:?}");
        assert!(rows[0].1 >= CONTROL_CONTRAST && rows[1].1 >= TEXT_CONTRAST, "{rows:?}");
        let rows = contrast_rows(&brand.colours(Scheme::Dark).unwrap());
        assert_eq!(rows[0].0, "Accent on the dark page");
    }
}
