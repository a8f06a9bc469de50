use leptos::prelude::*;

use super::component_list::{BoardRow, BoardSection, ComponentBoard, status_words};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};

#[derive(Clone, Debug)]
pub struct ComponentList {
    pub shell: AdminContext,
    pub board: ComponentBoard,
}

#[component]
pub fn ComponentsPage(page: ComponentList) -> impl IntoView {
    let shell = page.shell.clone();
    let (owner, publishes) = (shell.is_owner(), shell.can_publish());
    let new = owner.then(|| {
        view! {
            <p class="links">
                <a class="button primary" href="/admin/components/new">"Add a component"</a>
                <a class="button" href="/admin/groups/new">"Add a group"</a>
            </p>
        }
    });
    let empty = page.board.sections.is_empty();
    let sections = page.board.sections.iter().map(|section| group_section(section, owner, publishes)).collect_view();
    let list = if empty {
        view! { <p class="soft">"No components yet. Components are the parts of your service shown on the page, for example API, Website, Login."</p> }
            .into_any()
    } else {
        view! { <div class="board">{sections}</div> }.into_any()
    };
    let content = view! {
        <div class="headline">
            <h1>"Components"</h1>
            {new}
        </div>
        {list}
    };
    view! { <AdminLayout shell title="Components" section=Some(Section::Components) content=content.into_any()/> }
}

fn group_section(section: &BoardSection, owner: bool, publishes: bool) -> AnyView {
    let heading = section.group.as_ref().map(|group| {
        let edit = owner.then(|| edit_link(format!("/admin/groups/{}/edit", group.id), &group.name));
        view! {
            <div class="headline">
                <h2><span class="place">{group.position}</span><span dir="auto">{group.name.clone()}</span></h2>
                {edit}
            </div>
        }
    });
    let empty = section.rows.is_empty().then(|| view! { <p class="soft">"No components in this group."</p> });
    let rows = section.rows.iter().map(|component| component_row(component, owner, publishes)).collect_view();
    view! { <div class="group">{heading}{empty}<ul>{rows}</ul></div> }.into_any()
}

fn component_row(row: &BoardRow, owner: bool, publishes: bool) -> AnyView {
    let component = &row.component;
    let hidden = component.only_show_if_degraded.then_some("Hidden ");
    let about = (hidden.is_some() || !component.description.is_empty()).then(|| {
        view! { <p class="soft" dir="auto">{hidden}{component.description.clone()}</p> }
    });
    let edit = owner.then(|| edit_link(format!("/admin/components/{}/edit", component.id), &component.name));
    let uptime = publishes.then(|| {
        let path = format!("/admin/components/{}/corrections", component.id);
        view! { <a href=path>"Uptime"<span class="unseen" dir="auto">{format!(" of {}", component.name)}</span></a> }
    });
    view! {
        <li>
            <div class="what">
                <span class="place">{component.position}</span>
                <span dir="auto">{component.name.clone()}</span>
                {about}
            </div>
            {status_words(row.effective)}
            {uptime}
            {edit}
        </li>
    }
    .into_any()
}

fn edit_link(path: String, name: &str) -> AnyView {
    view! { <a href=path>"Edit"<span class="unseen" dir="auto">{format!(" {name}")}</span></a> }.into_any()
}
