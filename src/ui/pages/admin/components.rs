use leptos::prelude::*;

use super::component_list::{BoardRow, BoardSection, ComponentBoard, status_words};
use crate::domain::{Component, Group};
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
    let steps = owner.then(|| Steps::new(&page.board));
    let steps = steps.as_ref();
    let sections = page.board.sections.iter().map(|section| group_section(section, steps, publishes)).collect_view();
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

/// The items at the ends of their lists, which move in one direction only.
struct Steps {
    first: Vec<String>,
    last: Vec<String>,
}

impl Steps {
    fn new(board: &ComponentBoard) -> Self {
        let anchor = |row: &BoardRow| component_anchor(&row.component);
        let mut top: Vec<String> = Vec::new();
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for section in &board.sections {
            let Some(group) = &section.group else {
                top.extend(section.rows.iter().map(anchor));
                continue;
            };
            top.push(group_anchor(group));
            first.extend(section.rows.first().map(anchor));
            last.extend(section.rows.last().map(anchor));
        }
        first.extend(top.first().cloned());
        last.extend(top.last().cloned());
        Self { first, last }
    }

    /// The buttons that move the item with this `anchor`; they post to `action`.
    fn buttons(&self, anchor: &str, action: String, name: &str) -> AnyView {
        let button = |value: &'static str, arrow: &'static str, ends: &[String]| {
            let words = format!("Move {value}: {name}");
            let disabled = ends.iter().any(|end| end == anchor);
            view! {
                <button type="submit" class="plain" name="direction" value=value disabled=disabled>
                    <span aria-hidden="true">{arrow}</span>
                    <span class="unseen" dir="auto">{words}</span>
                </button>
            }
        };
        let (up, down) = (button("up", "↑", &self.first), button("down", "↓", &self.last));
        view! { <form class="steps" method="post" action=action>{up}{down}</form> }.into_any()
    }
}

fn component_anchor(component: &Component) -> String {
    format!("component-{}", component.id)
}

fn group_anchor(group: &Group) -> String {
    format!("group-{}", group.id)
}

/// `steps` is set for owners, who may edit.
fn group_section(section: &BoardSection, steps: Option<&Steps>, publishes: bool) -> AnyView {
    let heading = section.group.as_ref().map(|group| {
        let controls = steps.map(|steps| {
            let action = format!("/admin/groups/{}/position", group.id);
            let edit = edit_link(format!("/admin/groups/{}/edit", group.id), &group.name);
            view! { {steps.buttons(&group_anchor(group), action, &group.name)}{edit} }
        });
        view! {
            <div class="headline" id=group_anchor(group)>
                <h2><span class="place">{group.position}</span><span dir="auto">{group.name.clone()}</span></h2>
                {controls}
            </div>
        }
    });
    let empty = section.rows.is_empty().then(|| view! { <p class="soft">"No components in this group."</p> });
    let rows = section.rows.iter().map(|component| component_row(component, steps, publishes)).collect_view();
    view! { <div class="group">{heading}{empty}<ul>{rows}</ul></div> }.into_any()
}

fn component_row(row: &BoardRow, steps: Option<&Steps>, publishes: bool) -> AnyView {
    let component = &row.component;
    let hidden = component.only_show_if_degraded.then_some("Hidden ");
    let about = (hidden.is_some() || !component.description.is_empty()).then(|| {
        view! { <p class="soft" dir="auto">{hidden}{component.description.clone()}</p> }
    });
    let controls = steps.map(|steps| {
        let action = format!("/admin/components/{}/position", component.id);
        let edit = edit_link(format!("/admin/components/{}/edit", component.id), &component.name);
        view! { {steps.buttons(&component_anchor(component), action, &component.name)}{edit} }
    });
    let uptime = publishes.then(|| {
        let path = format!("/admin/components/{}/corrections", component.id);
        view! { <a href=path>"Uptime"<span class="unseen" dir="auto">{format!(" of {}", component.name)}</span></a> }
    });
    view! {
        <li id=component_anchor(component)>
            <div class="what">
                <span class="place">{component.position}</span>
                <span dir="auto">{component.name.clone()}</span>
                {about}
            </div>
            {status_words(row.effective)}
            {uptime}
            {controls}
        </li>
    }
    .into_any()
}

fn edit_link(path: String, name: &str) -> AnyView {
    view! { <a href=path>"Edit"<span class="unseen" dir="auto">{format!(" {name}")}</span></a> }.into_any()
}
