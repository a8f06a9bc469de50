//! The brand, the announcements and the guided setup.

use chrono::TimeDelta;

use super::Gallery;
use crate::domain::brand::{Logo, LogoFormat};
use crate::domain::colour::Colour;
use crate::domain::forms::{AnnouncementForm, BrandForm, ComponentNamesForm, PageForm, PageImportForm};
use crate::domain::page_import::{ImportProgress, ImportState, ImportSummary, KindSummary, Notes};
use crate::domain::{Announcement, AnnouncementId, ImportSource, Invalid, PageBrand, PageImport, PageImportId};
use crate::ui::pages::admin::{
    AnnouncementDeletion, AnnouncementEdit, AnnouncementList, BrandEdit, LogoSlot, PageImportNew, PageImportView,
    SetupComponents, SetupManagers, SetupPageStep,
};

const SVG: &str =
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'><path fill='#6a3fc8' d='M2 20 12 3l10 17z'/></svg>";

pub(super) fn brand_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let mut pages = vec![
        ("brand", brand(world, false, Invalid::new())),
        ("brand-wrong", brand(world, false, Invalid::field("logo", "The SVG has a script."))),
        ("setup-brand", brand(world, true, Invalid::new())),
    ];
    pages.extend(setup_pages(world));
    pages.extend(announcement_pages(world));
    pages.extend(import_pages(world));
    pages
}

fn import_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let now = world.shell.now;
    let kind = |name: &str, created, unchanged, refused| KindSummary {
        name: name.into(),
        created,
        changed: 0,
        unchanged,
        skipped: 0,
        refused,
    };
    let notes = |count| Notes { first: vec![world.text.clone()], count };
    let summary = ImportSummary {
        kinds: vec![kind("page", 0, 1, 0), kind("components", 12, 0, 0), kind("incidents", 214, 3, 1)],
        components: vec!["Website".into(), world.text.clone()],
        incidents: vec![(now, world.text.clone()), (now - TimeDelta::days(9), "Tiles load slowly".into())],
        maintenances: Vec::new(),
        unfetched: notes(1),
        refusals: notes(1),
        warnings: notes(60),
        skips: Notes::default(),
    };
    let import = |state, total, summary| PageImport {
        id: PageImportId::parse("import").expect("an id"),
        source: ImportSource::Statuspage,
        address: "https://status.harbor.example/".into(),
        state,
        progress: ImportProgress { step: world.text.clone(), documents: 1_040, done: 118, total },
        summary,
        started_by: world.text.clone(),
        started_at: now,
        seen_at: now,
    };
    let view = |state, total, summary, is_setup| {
        PageImportView { shell: world.shell.clone(), import: import(state, total, summary), is_setup }.html()
    };
    let form = PageImportForm { source: "upptime".into(), address: world.text.clone() };
    let recent = vec![import(ImportState::Done, 0, None)];
    let invalid = Invalid::field("address", "This is no web address.");
    vec![
        ("import", PageImportNew { shell: world.shell.clone(), form, invalid, recent }.html()),
        ("import-fetching", view(ImportState::Fetching, 214, None, false)),
        ("import-comparing", view(ImportState::Comparing, 0, None, false)),
        ("import-ready", view(ImportState::Ready, 214, Some(summary.clone()), true)),
        ("import-nothing", view(ImportState::Ready, 214, Some(ImportSummary::default()), false)),
        ("import-writing", view(ImportState::Importing, 0, Some(summary.clone()), false)),
        ("import-done", view(ImportState::Done, 214, Some(summary), false)),
        ("import-failed", view(ImportState::Failed, 0, None, false)),
        ("import-interrupted", view(ImportState::Interrupted, 0, None, true)),
        ("import-discarded", view(ImportState::Discarded, 0, None, false)),
    ]
}

fn brand(world: &Gallery, is_setup: bool, invalid: Invalid) -> String {
    let bytes = SVG.as_bytes().to_vec();
    let logo = Logo { format: LogoFormat::Svg, width: 24, height: 24, digest: "d".into(), bytes };
    let form = BrandForm {
        header_text: world.text.clone(),
        accent: "#ffee00".into(),
        ground: "own".into(),
        typeface: "serif".into(),
        appearance: "automatic".into(),
        about: world.text.clone(),
        links: world.text.clone(),
        version: 7,
        ..BrandForm::default()
    };
    let shown = PageBrand { accent: Colour::parse(&form.accent), ..PageBrand::default() };
    let slots = [
        LogoSlot { upload: Some(logo.clone()), stored: None },
        LogoSlot { upload: None, stored: Some(logo) },
        LogoSlot::default(),
    ];
    BrandEdit { shell: world.shell.clone(), is_setup, form, slots, shown, invalid, conflict: None }.html()
}

fn setup_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let form = PageForm { name: world.text.clone(), time_zone: "Europe/Lisbon".into(), ..PageForm::default() };
    let names = ComponentNamesForm { names: world.text.clone() };
    vec![
        ("setup-page", SetupPageStep { shell: shell(), form, invalid: Invalid::new() }.html()),
        (
            "setup-components",
            SetupComponents { shell: shell(), form: names, known: 2, invalid: Invalid::field("names", "Twice.") }
                .html(),
        ),
        ("setup-managers", SetupManagers { shell: shell() }.html()),
    ]
}

fn announcement_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let now = world.shell.now;
    let announcement = Announcement {
        id: AnnouncementId::parse("closed").expect("an id"),
        title: world.text.clone(),
        body: world.text.clone(),
        starts_at: now,
        ends_at: Some(now + TimeDelta::days(1)),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let form = AnnouncementForm::from_announcement(&announcement, world.shell.zone);
    let (stored, invalid) = (Some(announcement.clone()), Invalid::field("ends_at", "The end must be after the start."));
    vec![
        (
            "announcements",
            AnnouncementList { shell: shell(), announcements: vec![announcement.clone()], older: Some("1_a".into()) }
                .html(),
        ),
        ("announcements-empty", AnnouncementList { shell: shell(), announcements: vec![], older: None }.html()),
        ("announcement-edit", AnnouncementEdit { shell: shell(), stored, form, invalid, conflict: None }.html()),
        ("announcement-delete", AnnouncementDeletion { shell: shell(), announcement }.html()),
    ]
}
