//! Every admin page with sample data, for tests and visual checks: `CANDOR_LOOK_DIR=/some/folder cargo test --lib look`
//! writes the pages to that folder.

mod brand;
mod factors;
mod incidents;
mod maintenances;
mod people;
mod prepared;
mod subscribers;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::*;
use crate::domain::api_token::{ApiToken, Scope};
use crate::domain::audit::{Actor, Digest, Record};
use crate::domain::forms::*;
use crate::domain::manager::LinkPurpose;
use crate::domain::page_status::Tone;
use crate::domain::search::{AuditSearch, IncidentSearch};
use crate::domain::subscriber::NotifySwitch;
use crate::domain::*;
use crate::ui::admin_layout::{AdminContext, Assets, LoggedOutContext, Section};

fn now() -> DateTime<Utc> {
    "2026-11-23T14:32:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

fn manager(id: &str, name: &str, role: Role) -> Manager {
    Manager {
        id: ManagerId::parse(id).unwrap(),
        email: format!("{id}@harbor.example"),
        name: name.into(),
        role,
        has_password: true,
        has_identity: false,
        disabled_at: None,
        last_login_at: Some(ago(90)),
        created_at: ago(90_000),
        updated_at: ago(90_000),
        version: 1,
    }
}

fn assets() -> Assets {
    Assets {
        nonce: "n0nce".into(),
        css_href: "admin.css".into(),
        keys_href: "/assets/admin.js".into(),
        js_href: "/assets/pkg/candor.js".into(),
        wasm_href: "/assets/pkg/candor_bg.wasm".into(),
        passkey_href: "/assets/passkey.js".into(),
    }
}

fn component(id: &str, name: &str, group: Option<&str>, position: i64, status: Status) -> Component {
    Component {
        id: ComponentId::parse(id).unwrap(),
        group_id: group.and_then(GroupId::parse),
        name: name.into(),
        description: String::new(),
        status,
        position,
        start_date: None,
        only_show_if_degraded: false,
        created_at: ago(90_000),
        updated_at: ago(90_000),
        version: 3,
    }
}

fn group(id: &str, name: &str, position: i64) -> Group {
    Group {
        id: GroupId::parse(id).unwrap(),
        name: name.into(),
        description: String::new(),
        position,
        created_at: ago(90_000),
        updated_at: ago(90_000),
        version: 2,
    }
}

fn update(id: &str, phase: Phase, at: DateTime<Utc>, body: &str, components: &[(&str, &str, Status)]) -> Update {
    let affected = |(id, name, status): &(&str, &str, Status)| AffectedComponent {
        id: ComponentId::parse(id).unwrap(),
        name: (*name).into(),
        status: *status,
    };
    Update {
        id: UpdateId::parse(id).unwrap(),
        phase,
        body: body.into(),
        posted_at: at,
        created_at: at,
        edited_at: None,
        version: 1,
        components: components.iter().map(affected).collect(),
    }
}

fn incident(id: &str, title: &str, started_at: DateTime<Utc>, updates: Vec<Update>) -> Incident {
    let mut incident = Incident {
        id: IncidentId::parse(id).unwrap(),
        title: title.into(),
        computed_impact: Impact::None,
        impact_override: None,
        phase: Phase::Investigating,
        started_at,
        ended_at: None,
        detected_by: None,
        internal_note: None,
        visibility: Visibility::Public,
        reminder: Reminder::Usual,
        next_update_at: None,
        postmortem_published_at: None,
        created_at: started_at,
        updated_at: started_at,
        version: 4,
        updates,
    };
    incident.recompute();
    incident
}

/// The sample data, with `text` for all user input.
struct Gallery {
    shell: AdminContext,
    text: String,
    groups: Vec<Group>,
    components: Vec<Component>,
    open: Incident,
    over: Incident,
}

impl Gallery {
    fn new(role: Role, text: &str) -> Self {
        let groups = vec![group("flow", text, 1), group("console", "Console", 2), group("empty", "Labs", 4)];
        let mut components = vec![
            component("inbound", "Inbound delivery", Some("flow"), 1, Status::Operational),
            component("outbound", text, Some("flow"), 2, Status::Operational),
            component("spam", "Spam and virus filter", Some("flow"), 3, Status::Operational),
            component("signin", "Sign-in", Some("console"), 1, Status::Operational),
            component("queue", "Queue dashboard", Some("console"), 2, Status::Operational),
            component("archive", "Archive search", None, 3, Status::UnderMaintenance),
        ];
        components[1].description = text.into();
        let hit =
            [("outbound", text, Status::PartialOutage), ("queue", "Queue dashboard", Status::DegradedPerformance)];
        let mut second = update(
            "u2",
            Phase::Identified,
            ago(14),
            "A resolver returns **stale** records. Queued mail is delivered late, none is lost.",
            &hit,
        );
        second.edited_at = Some(ago(12));
        let mut open =
            incident("late", text, ago(87), vec![update("u1", Phase::Investigating, ago(86), text, &hit[..1]), second]);
        open.detected_by = Some(text.into());
        open.internal_note = Some(format!("{text}\nAsk the provider for a report."));
        let over = incident(
            "over",
            "Sign-in fails for tenants on the second cluster",
            ago(3000),
            vec![
                update(
                    "o1",
                    Phase::Investigating,
                    ago(2990),
                    "Some can't sign in.",
                    &[("signin", "Sign-in", Status::MajorOutage)],
                ),
                update("o2", Phase::Resolved, ago(2950), "It works again.", &[]),
            ],
        );
        let shell = AdminContext {
            page_name: text.into(),
            tone: Tone::PartialOutage,
            open_incidents: 2,
            manager: manager("ines", if text == TITLE { "Ines M." } else { text }, role),
            notice: None,
            zone: Tz::UTC,
            now: now(),
            assets: assets(),
            notify: NotifySwitch::default(),
        };
        let shell = if text == TITLE { AdminContext { page_name: "Harbor Mail".into(), ..shell } } else { shell };
        Self { shell, text: text.into(), groups, components, open, over }
    }

    fn board(&self) -> ComponentBoard {
        ComponentBoard::new(&self.groups, &self.components, std::slice::from_ref(&self.open), &[])
    }

    /// An upcoming occurrence of a recurring maintenance.
    fn planned(&self) -> Maintenance {
        let mut it = crate::domain::maintenance::tests::maintenance(0, 1, &["archive"]);
        it.title.clone_from(&self.text);
        (it.scheduled_for, it.scheduled_until) = (now() + TimeDelta::days(2), now() + TimeDelta::hours(50));
        it.components[0].name.clone_from(&self.text);
        it.updates[0].body.clone_from(&self.text);
        let start = it.scheduled_for.naive_utc();
        let series_id = SeriesId::parse("weekly").unwrap();
        it.occurrence = Some(crate::domain::maintenance::Occurrence { series_id, start });
        it
    }

    fn under_way(&self) -> Maintenance {
        let mut it = self.planned();
        it.begin(UpdateId::parse("begun").unwrap(), ago(30)).unwrap();
        it.scheduled_for = ago(30);
        it
    }

    fn series(&self) -> Series {
        let form = self.series_form();
        form.parse().unwrap().begin(SeriesId::parse("weekly").unwrap(), &self.components, ago(90)).unwrap()
    }

    fn series_form(&self) -> SeriesForm {
        let window =
            WindowForm::from_times(now() + TimeDelta::days(2), now() + TimeDelta::hours(50), Tz::Europe__Lisbon);
        let switches = self.planned().switches;
        let plan = PlanForm { title: "Index".into(), components: ["archive".into()].into(), switches, version: 1 };
        SeriesForm {
            id: String::new(),
            first: MaintenanceForm { plan, window, body: self.text.clone() },
            recurrence: RecurrenceForm {
                repeats: "custom".into(),
                rule: "FREQ=MONTHLY;BYDAY=1SU".into(),
                ..Default::default()
            },
        }
    }

    fn shell(&self) -> LoggedOutContext {
        LoggedOutContext { page_name: self.shell.page_name.clone(), assets: assets() }
    }

    fn view(&self, incident: &Incident, form: UpdateForm) -> IncidentView {
        IncidentView {
            shell: self.shell.clone(),
            incident: incident.clone(),
            form,
            invalid: Invalid::new(),
            board: self.board(),
            conflict: None,
            extras: self.extras(),
            suggested_phase: None,
        }
    }

    fn extras(&self) -> ComposerExtras {
        ComposerExtras {
            templates: vec![self.template()],
            draft: Some(self.draft()),
            conflict: None,
            readers: vec![self.reader()],
        }
    }

    fn template(&self) -> Template {
        Template {
            notify: false,
            id: TemplateId::parse("slow").unwrap(),
            name: self.text.clone(),
            title: "{{component}} is slow".into(),
            body: self.text.clone(),
            phase: Phase::Identified.into(),
            components: vec![(self.components[1].id.clone(), Status::PartialOutage)],
            created_at: ago(9000),
            updated_at: ago(9000),
            version: 1,
        }
    }

    fn reader(&self) -> draft::DraftReader {
        draft::DraftReader { draft: self.draft().id, name: self.text.clone(), opened_at: ago(30) }
    }

    fn draft(&self) -> SavedDraft {
        let field = |name: &str| (name.to_owned(), self.text.clone());
        SavedDraft {
            id: DraftId::parse("begun").unwrap(),
            incident: None,
            fields: Fields(vec![field("title"), field("body")]),
            edited_by: self.text.clone(),
            created_at: ago(20),
            edited_at: ago(2),
            version: 2,
        }
    }

    fn conflict<F>(&self, theirs: F) -> Option<Conflict<F>> {
        Some(Conflict { by: Some(self.text.clone()), at: Some(ago(2)), theirs })
    }
}

const TITLE: &str = "Delayed delivery to external recipients";

pub fn page(name: &str) -> String {
    every_page(Role::Owner, TITLE).into_iter().find(|(page, _)| *page == name).map(|(_, html)| html).unwrap()
}

/// Every page in each state for a manager with `role`, with `text` for all user input.
pub fn every_page(role: Role, text: &str) -> Vec<(&'static str, String)> {
    let world = Gallery::new(role, text);
    [
        incidents::pages(&world),
        incidents::update_pages(&world),
        maintenances::pages(&world),
        prepared::pages(&world),
        component_pages(&world),
        brand::brand_pages(&world),
        people::pages(&world),
        subscribers::pages(&world),
        plain_pages(&world),
    ]
    .concat()
    .into_iter()
    .chain(factors::pages(&world))
    .chain(factors::plain_pages(&world))
    .collect()
}

fn component_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let component = world.components[1].clone();
    let group = world.groups[0].clone();
    let edit = |id, form, invalid| {
        let (groups, conflict) = (world.groups.clone(), None);
        ComponentEdit { shell: shell(), id, form, invalid, groups, conflict, same_name: true }.html()
    };
    let new = ComponentForm { position: "0".into(), ..ComponentForm::default() };
    let invalid = new.parse().unwrap_err();
    let group_edit = GroupEdit {
        shell: shell(),
        id: Some(group.id.clone()),
        form: GroupForm::from_group(&group),
        invalid: Invalid::new(),
        conflict: None,
        same_name: true,
    };
    vec![
        ("components", ComponentList { shell: shell(), board: world.board() }.html()),
        ("component-edit", edit(Some(component.id.clone()), ComponentForm::from_component(&component), Invalid::new())),
        ("component-new-wrong", edit(None, new, invalid)),
        ("component-delete", ComponentDeletion { shell: shell(), component }.html()),
        ("group-edit", group_edit.html()),
        ("group-delete", GroupDeletion { shell: shell(), group, components: 3 }.html()),
        (
            "settings",
            Settings {
                shell: shell(),
                form: page_form(world),
                policy: PolicyForm { second_factor_required: true, version: 2, ..PolicyForm::default() },
                password_owners: vec![manager("ines", &world.text, Role::Owner)],
                invalid: Invalid::new(),
                conflict: None,
                has_mail: true,
                test_result: Some(world.text.clone()),
            }
            .html(),
        ),
    ]
}

fn page_form(world: &Gallery) -> PageForm {
    PageForm {
        name: world.text.clone(),
        url: "https://harbor.example".into(),
        time_zone: "Europe/Lisbon".into(),
        embedders: "https://www.harbor.example\n".into(),
        version: 7,
    }
}

fn plain_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let setup = |purpose, invalid| {
        AcceptLink {
            shell: world.shell(),
            purpose,
            token: "t0ken".into(),
            name: world.text.clone(),
            email: "ines@harbor.example".into(),
            invalid,
        }
        .html()
    };
    let failed = Some("Email or password is not right.".to_owned());
    let failure = |status, around, typed, login: Option<ExpiredLogin>| {
        let (detail, action) = (Some(world.text.clone()), Some("/admin/incidents".to_owned()));
        AdminError { around, status, detail, typed, action, login }.html()
    };
    let inside = |status| failure(status, ErrorLayout::Admin(Box::new(world.shell.clone())), None, None);
    let typed = |is_whole| TypedForm {
        shown: vec![("title".into(), world.text.clone()), ("body".into(), format!("{}\n", world.text))],
        hidden: vec![("phase".into(), world.text.clone())],
        secrets: vec!["password".into(), "code".into()],
        is_whole,
    };
    let expired = ExpiredLogin::NewTab("/admin".into());
    let kept =
        ExpiredLogin::Here(Box::new(factors::login(world, String::new(), "/admin/pending-forms/x".into(), None)));
    let forgotten = |way| ForgotPassword { shell: world.shell(), way }.html();
    vec![
        ("forgotten", forgotten(ResetMethod::ByMail { email: String::new(), invalid: Invalid::new() })),
        (
            "forgotten-wrong",
            forgotten(ResetMethod::ByMail {
                email: world.text.clone(),
                invalid: Invalid::field("email", "Enter a valid e-mail address, like name@example.org."),
            }),
        ),
        ("forgotten-sent", forgotten(ResetMethod::MailSent)),
        ("forgotten-ask", forgotten(ResetMethod::AskAnOwner)),
        ("login", factors::login(world, String::new(), "/admin".into(), None).html()),
        ("login-failed", factors::login(world, world.text.clone(), world.text.clone(), failed).html()),
        ("setup", setup(LinkPurpose::Setup, Invalid::field("password", "15 characters or more; this has 9."))),
        ("setup-invite", setup(LinkPurpose::Invite, Invalid::new())),
        ("setup-email", setup(LinkPurpose::Email, Invalid::new())),
        (
            "going-elsewhere",
            OidcRedirect {
                shell: world.shell(),
                name: world.text.clone(),
                address: "https://id.harbor.example/authorize?client_id=candor".into(),
            }
            .html(),
        ),
        ("session-ended", failure(401, ErrorLayout::Plain(world.shell()), Some(typed(true)), Some(expired))),
        ("session-ended-kept", failure(401, ErrorLayout::Plain(world.shell()), Some(typed(true)), Some(kept))),
        ("setup-gone", LinkExpired { shell: world.shell() }.html()),
        ("failure-403", inside(403)),
        ("failure-500", inside(500)),
        ("failure-503-typed", failure(503, ErrorLayout::Plain(world.shell()), Some(typed(true)), None)),
        (
            "failure-413-typed",
            failure(413, ErrorLayout::Admin(Box::new(world.shell.clone())), Some(typed(false)), None),
        ),
    ]
}

#[test]
fn look() {
    let Ok(folder) = std::env::var("CANDOR_LOOK_DIR") else { return };
    let write = |name: String, html: String| std::fs::write(format!("{folder}/{name}.html"), html).unwrap();
    for (name, html) in every_page(Role::Owner, TITLE) {
        write(name.into(), html);
    }
    let long = format!("{} {} مرحبا", "A very long title that goes on and on ".repeat(5), "x".repeat(120));
    for (name, html) in every_page(Role::Owner, &long) {
        write(format!("long-{name}"), html);
    }
    for (name, html) in every_page(Role::Viewer, TITLE) {
        write(format!("viewer-{name}"), html);
    }
    let style = concat!(env!("CARGO_MANIFEST_DIR"), "/style");
    let css = ["tokens.css", "parts.css", "admin.css"]
        .map(|file| std::fs::read_to_string(format!("{style}/{file}")).unwrap())
        .concat();
    std::fs::write(format!("{folder}/admin.css"), css).unwrap();
}
