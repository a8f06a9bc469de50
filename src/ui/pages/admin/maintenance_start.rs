use leptos::prelude::*;

use super::conflict::Conflict;
use super::maintenance::newer_version_notice;
use super::notify;
use crate::domain::Maintenance;
use crate::domain::forms::StartForm;
use crate::format::duration::format_duration;
use crate::format::time::{format_full, format_window};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Hidden, PreviewPageButton};

/// The question before a maintenance starts ahead of its schedule.
#[derive(Clone, Debug)]
pub struct MaintenanceStart {
    pub shell: AdminContext,
    pub maintenance: Maintenance,
    pub form: StartForm,
    pub conflict: Option<Conflict<()>>,
}

#[component]
pub fn MaintenanceStartPage(page: MaintenanceStart) -> impl IntoView {
    let shell = page.shell.clone();
    let it = &page.maintenance;
    let back = format!("/admin/maintenances/{}", it.id);
    let window = format_window(it.scheduled_for, it.scheduled_until, shell.now, shell.zone);
    let ahead = format_duration(it.scheduled_for - shell.now).map(|ahead| format!(", in {ahead}"));
    let end = if it.switches.completes {
        format!("It completes automatically at {}.", format_full(it.scheduled_until, shell.zone))
    } else {
        "It does not complete automatically: complete it by hand.".to_owned()
    };
    let content = view! {
        <div class="column">
            <h1>"Start this maintenance now?"</h1>
            {newer_version_notice(page.conflict.as_ref(), it, &shell)}
            <p class="quoted" dir="auto"><strong>{it.title.clone()}</strong></p>
            <p>{format!("It is scheduled for {window}")}{ahead}"."</p>
            {component_effect(it)}
            <p>{end}</p>
            <p>"Visitors see the start at once on the status page, in the feeds and in the API."</p>
            <p class="soft">"You can undo the start until someone changes the maintenance."</p>
            <form method="post" action=format!("{back}/beginning")>
                <Hidden name="version" value=page.form.version.to_string()/>
                {notify::notify_switch(&shell, "notify")}
                <p class="actions">
                    {notify::publish_button("Start now", &shell, ButtonStyle::Primary, None)}
                    <PreviewPageButton/>
                    <a href=back.clone()>"Cancel"</a>
                </p>
            </form>
        </div>
    };
    let title = "Start this maintenance now?";
    view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any()/> }
}

fn component_effect(it: &Maintenance) -> AnyView {
    let name = |name: &str| view! { <li dir="auto">{name.to_owned()}</li> };
    let names = it.components.iter().map(|component| name(&component.name)).collect_view();
    match (it.components.is_empty(), it.switches.marks) {
        (true, _) => view! { <p>"It affects no components."</p> }.into_any(),
        (false, false) => view! { <p>"The status of its components does not change:"</p><ul>{names}</ul> }.into_any(),
        (false, true) => view! { <p>"These components change to “Under maintenance”:"</p><ul>{names}</ul> }.into_any(),
    }
}
