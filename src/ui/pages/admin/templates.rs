use leptos::prelude::*;

use crate::domain::Template;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};

#[derive(Clone, Debug)]
pub struct TemplateList {
    pub shell: AdminContext,
    /// Sorted by name.
    pub templates: Vec<Template>,
}

#[component]
pub fn TemplatesPage(page: TemplateList) -> impl IntoView {
    let shell = page.shell.clone();
    let new = shell.can_publish().then(|| {
        view! { <a class="button primary" href="/admin/templates/new">"Add a template"</a> }
    });
    let list = if page.templates.is_empty() {
        view! { <p class="soft">"No templates yet. Templates pre-fill incidents and maintenances, so that you publish faster."</p> }
            .into_any()
    } else {
        let rows = page.templates.iter().map(|template| template_row(template, &shell)).collect_view();
        view! { <ul class="plain-list">{rows}</ul> }.into_any()
    };
    let content = view! {
        <div class="headline">
            <h1>"Templates"</h1>
            {new}
        </div>
        {list}
    };
    view! { <AdminLayout shell title="Templates" section=Some(Section::Templates) content=content.into_any()/> }
}

fn template_row(template: &Template, shell: &AdminContext) -> AnyView {
    let path = format!("/admin/templates/{}", template.id);
    let composed = if template.phase.is_maintenance() { "maintenances" } else { "incidents" };
    let name = || view! { <span class="unseen" dir="auto">{format!(": {}", template.name)}</span> };
    let links = shell.can_publish().then(|| {
        view! {
            <p class="links">
                <a href=format!("/admin/{composed}/new?template={}", template.id)>"Use template"{name()}</a>
                <a href=format!("{path}/edit")>"Edit"{name()}</a>
                <a class="danger" href=format!("{path}/deletion")>"Delete"{name()}</a>
            </p>
        }
    });
    let title = (!template.title.is_empty()).then(|| view! { " · "<bdi>{template.title.clone()}</bdi> });
    view! {
        <li>
            <h2 dir="auto">{template.name.clone()}</h2>
            <p class="soft">{template.phase.words()}{title}</p>
            {links}
        </li>
    }
    .into_any()
}

/// Links that fill the composer at `path` from a template.
pub fn template_links(templates: &[Template], path: &str) -> Option<AnyView> {
    let link = |template: &Template| {
        let href = format!("{path}?template={}", template.id);
        view! { <li><a href=href dir="auto">{template.name.clone()}</a></li> }
    };
    (!templates.is_empty()).then(|| {
        view! {
            <p class="label">"Templates"</p>
            <ul class="offered">{templates.iter().map(link).collect_view()}</ul>
        }
        .into_any()
    })
}
