//! Edit conflicts: the other person's changes, and the form to overwrite them.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::domain::forms::{
    AnnouncementForm, BrandForm, ComponentForm, GroupForm, IncidentDetailsForm, PageForm, PlanForm, PostmortemForm,
    SeriesForm, TemplateForm, UpdateEditForm,
};
use crate::domain::{Impact, Reminder, Status};
use crate::format::time::format_full;
use crate::ui::admin_layout::AdminContext;
use crate::ui::time::Time;

/// An edit of an outdated version. The form keeps the submitted values and carries the new version, so submitting it
/// again overwrites the other change.
#[derive(Clone, Debug)]
pub struct Conflict<F> {
    /// Who changed it, if known.
    pub by: Option<String>,
    pub at: Option<DateTime<Utc>>,
    /// The form filled with the stored values.
    pub theirs: F,
}

pub trait ComparableForm {
    /// Label and value of each field.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

impl ComparableForm for IncidentDetailsForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let impact = Impact::from_key(&self.impact).map_or("Automatic", Impact::words);
        vec![
            ("Title", self.title.clone()),
            ("Impact", impact.to_owned()),
            ("Started", self.started_at.replace('T', " ")),
            ("Ended", self.ended_at.replace('T', " ")),
            ("Detected by", self.detected_by.clone()),
            ("Internal note", self.internal_note.clone()),
            ("Visibility", visibility_words(self)),
            ("Reminders", Reminder::from_text(&self.reminder).map_or_else(|| self.reminder.clone(), Reminder::words)),
        ]
    }
}

impl ComparableForm for PlanForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let on = |on: bool| if on { "Yes" } else { "No" }.to_owned();
        vec![
            ("Title", self.title.clone()),
            ("Components", self.components.iter().cloned().collect::<Vec<_>>().join(", ")),
            ("Set components under maintenance", on(self.switches.marks)),
            ("Start automatically", on(self.switches.starts)),
            ("Complete automatically", on(self.switches.completes)),
            ("Post a reminder", on(self.switches.reminds)),
        ]
    }
}

impl ComparableForm for SeriesForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.first.plan.fields();
        let window = &self.first.window;
        fields.extend([
            ("Message", self.first.body.clone()),
            ("Start", window.scheduled_for.replace('T', " ")),
            ("End", window.scheduled_until.replace('T', " ")),
            ("Time zone", window.zone.clone()),
            ("Frequency", format!("{} {}", self.recurrence.repeats, self.recurrence.rule)),
            ("Skipped dates", self.recurrence.skipped.clone()),
        ]);
        fields
    }
}

fn visibility_words(form: &IncidentDetailsForm) -> String {
    match form.visibility.as_str() {
        "embargoed" => format!("Published at {} {}", form.publish_at.replace('T', " "), form.publish_zone),
        "internal" => "Internal".to_owned(),
        _ => "Public".to_owned(),
    }
}

impl ComparableForm for UpdateEditForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("Message", self.body.clone())]
    }
}

impl ComparableForm for PostmortemForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("Message", self.body.clone())]
    }
}

impl ComparableForm for ComponentForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let status = Status::from_key(&self.status).map_or("", Status::words);
        let hidden = if self.only_show_if_degraded { "Yes" } else { "No" };
        vec![
            ("Name", self.name.clone()),
            ("Description", self.description.clone()),
            ("Status", status.to_owned()),
            ("Position", self.position.clone()),
            ("Uptime start date", self.start_date.clone()),
            ("Only show when not operational", hidden.to_owned()),
        ]
    }
}

impl ComparableForm for AnnouncementForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Title", self.title.clone()),
            ("Text", self.body.clone()),
            ("Start", self.starts_at.replace('T', " ")),
            ("End", self.ends_at.replace('T', " ")),
            ("Time zone", self.zone.clone()),
        ]
    }
}

impl ComparableForm for BrandForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let on = |on: bool| if on { "Yes" } else { "No" }.to_owned();
        let ground = format!("{} {} {}", self.ground, self.ground_light, self.ground_dark);
        vec![
            ("Header text", self.header_text.clone()),
            ("Accent", format!("{} {}", self.accent, self.accent_dark).trim().to_owned()),
            ("Background", ground.trim().to_owned()),
            ("Typeface", self.typeface.clone()),
            ("Appearance", self.appearance.clone()),
            ("Footer links", self.links.clone()),
            ("About", self.about.clone()),
            ("Support", self.support.clone()),
            ("Show Powered by Candor", on(self.powered_by)),
            ("Hidden from search engines", on(self.noindex)),
        ]
    }
}

impl ComparableForm for TemplateForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let components = self.components.iter().map(|(id, status)| format!("{id}: {status}"));
        vec![
            ("Name", self.name.clone()),
            ("Title", self.title.clone()),
            ("Status", self.phase.clone()),
            ("Message", self.body.clone()),
            ("Components", components.collect::<Vec<_>>().join("\n")),
        ]
    }
}

impl ComparableForm for GroupForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Name", self.name.clone()),
            ("Description", self.description.clone()),
            ("Position", self.position.clone()),
        ]
    }
}

impl ComparableForm for PageForm {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Name", self.name.clone()),
            ("Website", self.url.clone()),
            ("Time zone", self.time_zone.clone()),
            ("Allowed embed origins", self.embedders.clone()),
        ]
    }
}

/// The fields of the stored version that differ from `yours`; `None` without a conflict.
pub fn conflict_details<F: ComparableForm>(
    conflict: Option<&Conflict<F>>,
    yours: &F,
    shell: &AdminContext,
) -> Option<AnyView> {
    let conflict = conflict?;
    let differing = conflict.theirs.fields().into_iter().zip(yours.fields()).filter(|(theirs, yours)| theirs != yours);
    let row = |((label, theirs), _): ((&'static str, String), _)| {
        let theirs = if theirs.trim().is_empty() { "(empty)".to_owned() } else { theirs };
        view! { <dt>{label}</dt><dd class="lines" dir="auto">{theirs}</dd> }
    };
    let rows = differing.map(row).collect::<Vec<_>>();
    let rows = if rows.is_empty() {
        view! { <p>"Same as yours."</p> }.into_any()
    } else {
        view! { <dl>{rows}</dl> }.into_any()
    };
    Some(conflict_notice(conflict.by.as_deref(), conflict.at, rows, shell))
}

pub fn conflict_notice(by: Option<&str>, at: Option<DateTime<Utc>>, theirs: AnyView, shell: &AdminContext) -> AnyView {
    let by = by.unwrap_or("someone else").to_owned();
    let at = at.map(|at| view! { ", "<Time at words=format_full(at, shell.zone)/> });
    view! {
        <div class="summary conflict" role="alert">
            <h2>"Someone changed this while you were writing"</h2>
            <p>"Your text is kept in the form below. Save again to overwrite with your version."</p>
            <p class="soft">"Current version, by "<bdi>{by}</bdi>{at}":"</p>
            {theirs}
        </div>
    }
    .into_any()
}
