use std::collections::BTreeSet;

use leptos::prelude::*;

use super::component_list::{BoardSection, ComponentBoard};
use super::composer::{self, message_tools};
use super::composer_extras::ComposerExtras;
use super::notify;
use crate::domain::draft::SCHEDULE_FIELD;
use crate::domain::forms::{PlanForm, RecurrenceForm, SeriesForm, WindowForm};
use crate::domain::maintenance::Automation;
use crate::domain::{Invalid, MaintenancePhase};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    ButtonStyle, CheckBox, Choice, DateTimeLocal, ErrorSummary, Field, FormErrors, Group, Hidden, Select, TextArea,
    TextInput, ZoneInput, zone_list,
};

/// The form that schedules a maintenance, single or recurring.
#[derive(Clone, Debug)]
pub struct MaintenanceNew {
    pub shell: AdminContext,
    /// As submitted; the message is shown as a preview.
    pub form: SeriesForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub extras: ComposerExtras,
}

/// The fields of [`plan_fields`] and [`recurrence_fields`] in their order.
pub const PLAN_FIELDS: [&str; 9] =
    ["title", "body", "scheduled_for", "scheduled_until", "zone", "components", "repeats", "rule", "skipped"];

#[component]
pub fn MaintenanceNewPage(page: MaintenanceNew) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &PLAN_FIELDS);
    let recurrence = &page.form.recurrence;
    let again = recurrence.is_wanted() || page.invalid.get("skipped").is_some();
    let phases = [MaintenancePhase::Scheduled];
    let tools =
        message_tools(page.extras.template_links("/admin/maintenances/new"), &composer::maintenance_sentences(&phases));
    let form = &page.form;
    let fields = view! {
        <Hidden name="new_id" value=form.id.clone()/>
        {page.extras.hidden_fields()}
        {title_field(&form.first.plan.title, &problems)}
        {composer::message_field_with(&form.first.body, &problems, false, Some(tools))}
        {schedule_fields(form, &page.board, true, &problems)}
        <details class="fold" open=again>
            <summary>"Repeat"</summary>
            {recurrence_fields(recurrence, true, &problems)}
        </details>
    };
    let switch = Some(notify::notify_switch(&shell, "notify"));
    let primary =
        notify::publish_button("Schedule maintenance", &shell, ButtonStyle::Primary, Some(composer::PUBLISH_KEYS));
    let others = view! { <a href="/admin/maintenances">"Cancel"</a>{composer::save_draft_button()} }.into_any();
    let content = view! {
        {composer::composer_crumbs(("/admin/maintenances", "Maintenance"), "New maintenance", None)}
        <div class="title-line"><h1>"Schedule maintenance"</h1></div>
        <ErrorSummary problems=problems.clone()/>
        {page.extras.notices(&shell)}
        {composer::composer_form(
            "/admin/maintenances",
            fields.into_any(),
            composer::live_preview("/admin/maintenances", &form.first.body, MaintenancePhase::Scheduled.words()),
            composer::composer_bar(switch, others, primary),
        )}
    };
    let title = problems.titled("Schedule maintenance");
    view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any() island=true/> }
}

pub fn plan_fields(form: &SeriesForm, board: &ComponentBoard, notifies_steps: bool, problems: &FormErrors) -> AnyView {
    view! {
        {title_field(&form.first.plan.title, problems)}
        {composer::message_field(&form.first.body, problems)}
        {schedule_fields(form, board, notifies_steps, problems)}
    }
    .into_any()
}

/// The window, the components and the automation.
fn schedule_fields(form: &SeriesForm, board: &ComponentBoard, notifies_steps: bool, problems: &FormErrors) -> AnyView {
    view! {
        {window_fields(&form.first.window, problems)}
        {component_fields(&form.first.plan, board, problems)}
        {automation_fields(form.first.plan.switches, notifies_steps)}
    }
    .into_any()
}

pub fn title_field(value: &str, problems: &FormErrors) -> AnyView {
    let field = Field::new("title", "Title").hint("For example “Database upgrade”.").with_error(problems);
    view! { <TextInput field value=value.to_owned() autofocus=problems.is_empty()/> }.into_any()
}

pub fn window_fields(form: &WindowForm, problems: &FormErrors) -> AnyView {
    let from = Field::new("scheduled_for", "Start").with_error(problems);
    let until = Field::new("scheduled_until", "End").with_error(problems);
    let zone = Field::new("zone", "Time zone").with_error(problems);
    view! {
        <div class="pair">
            <DateTimeLocal field=from value=form.scheduled_for.clone()/>
            <DateTimeLocal field=until value=form.scheduled_until.clone()/>
        </div>
        <ZoneInput field=zone value=form.zone.clone()/>
        {zone_list()}
    }
    .into_any()
}

/// A check box for each component, also for deleted ones that are selected.
pub fn component_fields(form: &PlanForm, board: &ComponentBoard, problems: &FormErrors) -> AnyView {
    let field = Field::new("components", "Affected components").with_error(problems);
    let sections = board.sections.iter().map(|section| section_boxes(section, form)).collect_view();
    let known: BTreeSet<&str> = board.rows().map(|row| row.component.id.as_str()).collect();
    let gone = form.components.iter().filter(|id| !known.contains(id.as_str()));
    let gone = gone.map(|id| component_box(id, &format!("{id} (deleted)"), true)).collect_view();
    let none = board.is_empty().then(|| view! { <p class="soft">"No components yet."</p> });
    let content = view! { {none}{sections}{gone} }.into_any();
    view! { <Group field content id="components"/> }.into_any()
}

fn section_boxes(section: &BoardSection, form: &PlanForm) -> AnyView {
    let heading =
        section.group.as_ref().map(|group| view! { <p class="group-name" dir="auto">{group.name.clone()}</p> });
    let boxes = section.rows.iter().map(|row| {
        let id = row.component.id.as_str();
        component_box(id, &row.component.name, form.components.contains(id))
    });
    (!section.rows.is_empty()).then(|| view! { {heading}{boxes.collect_view()} }).into_any()
}

fn component_box(id: &str, name: &str, checked: bool) -> AnyView {
    let field = Field::new("component", name).id(format!("component-{id}"));
    view! { <CheckBox field checked value=id.to_owned()/> }.into_any()
}

pub fn automation_fields(switches: Automation, notifies_steps: bool) -> AnyView {
    let box_of = |name: &str, label: &str, checked| {
        let field = Field::new(name, label);
        view! { <CheckBox field checked/> }
    };
    let content = view! {
        {box_of("marks", "Set components to “Under maintenance” during the window", switches.marks)}
        {box_of("starts", "Start automatically", switches.starts)}
        {box_of("completes", "Complete automatically", switches.completes)}
        {box_of("reminds", "Post a reminder update 60 minutes before", switches.reminds)}
        <Hidden name=SCHEDULE_FIELD value="1"/>
        {box_of("notify_steps", "Notify subscribers when it starts and completes automatically", notifies_steps)}
    }
    .into_any();
    view! { <Group field=Field::new("switches", "Automation") content id="switches"/> }.into_any()
}

/// The recurrence rule; `once` adds the choice "Does not repeat".
pub fn recurrence_fields(form: &RecurrenceForm, once: bool, problems: &FormErrors) -> AnyView {
    let mut choices: Vec<Choice> =
        RecurrenceForm::RULE_CHOICES.iter().map(|(rule, words)| Choice::new(*rule, *words)).collect();
    if once {
        choices.insert(0, Choice::new("", "Does not repeat"));
    }
    choices.push(Choice::new(RecurrenceForm::CUSTOM_RULE, "Custom (RRULE)"));
    let repeats = Field::new("repeats", "Frequency").hint("Keeps the local time across daylight saving changes.");
    let rule =
        Field::new("rule", "Custom rule (RRULE)").hint("An RRULE, like FREQ=MONTHLY;BYDAY=1SU for the first Sunday.");
    let skipped = Field::new("skipped", "Skip these dates").hint("One per line, as YYYY-MM-DD.");
    view! {
        <Select field=repeats.with_error(problems) choices value=form.repeats.clone()/>
        <TextInput field=rule.with_error(problems) value=form.rule.clone()/>
        <TextArea field=skipped.with_error(problems) value=form.skipped.clone() rows=2/>
    }
    .into_any()
}
