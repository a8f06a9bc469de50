use leptos::prelude::*;

use super::component_list::{status_choices, status_words};
use crate::domain::forms::CorrectionForm;
use crate::domain::{Component, Invalid, UptimeCorrection};
use crate::format::time::format_span;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{
    ButtonStyle, DateTimeLocal, ErrorSummary, Field, FormErrors, PostButton, PreviewPageButton, Select, Submit,
    TextInput, ZoneInput, zone_list,
};
use crate::ui::time::Time;

#[derive(Clone, Debug)]
pub struct CorrectionList {
    pub shell: AdminContext,
    pub component: Component,
    /// Newest first.
    pub corrections: Vec<UptimeCorrection>,
    pub form: CorrectionForm,
    pub invalid: Invalid,
}

#[component]
pub fn CorrectionsPage(page: CorrectionList) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["started_at", "ended_at", "zone", "status", "reason"]);
    let list = if page.corrections.is_empty() {
        view! { <p class="soft">"No corrections."</p> }.into_any()
    } else {
        let rows = page.corrections.iter().map(|correction| correction_row(correction, &page)).collect_view();
        view! { <ul class="plain-list">{rows}</ul> }.into_any()
    };
    let content = view! {
        <div class="column">
            <h1>"Uptime corrections"</h1>
            <p class="soft">
                <bdi>{page.component.name.clone()}</bdi>
                ". Corrections override incidents in the uptime calculation. The reason is shown publicly."
            </p>
            {list}
            <section aria-labelledby="new">
                <h2 id="new">"Add a correction"</h2>
                <ErrorSummary problems=problems.clone()/>
                {correction_form(&page, &problems)}
            </section>
        </div>
    };
    let title = problems.titled("Uptime corrections");
    view! { <AdminLayout shell title section=Some(Section::Components) content=content.into_any()/> }
}

fn correction_form(page: &CorrectionList, problems: &FormErrors) -> AnyView {
    let form = &page.form;
    let from = Field::new("started_at", "From").with_error(problems);
    let to = Field::new("ended_at", "To").with_error(problems);
    let zone = Field::new("zone", "Time zone").with_error(problems);
    let zone_value = if form.zone.is_empty() { page.shell.zone.name() } else { &form.zone };
    let status = Field::new("status", "Actual status").with_error(problems);
    let reason = Field::new("reason", "Reason").hint("One line, shown publicly.").with_error(problems);
    view! {
        <form method="post" action=format!("/admin/components/{}/corrections", page.component.id) novalidate>
            <div class="pair">
                <DateTimeLocal field=from value=form.started_at.clone()/>
                <DateTimeLocal field=to value=form.ended_at.clone()/>
            </div>
            <div class="pair">
                <ZoneInput field=zone value=zone_value/>
                {zone_list()}
                <Select field=status choices=status_choices() value=form.status.clone()/>
            </div>
            <TextInput field=reason value=form.reason.clone()/>
            <p class="actions">
                <Submit words="Publish correction"/>
                <PreviewPageButton/>
                <a href="/admin/components">"Cancel"</a>
            </p>
        </form>
    }
    .into_any()
}

fn correction_row(correction: &UptimeCorrection, page: &CorrectionList) -> AnyView {
    let words = format_span(correction.from, Some(correction.to), page.shell.zone);
    let delete = format!("/admin/components/{}/corrections/{}/deletion", page.component.id, correction.id);
    view! {
        <li class="draft">
            <div>
                <Time at=correction.from words=words.clone()/>": "{status_words(correction.status)}
                <p class="soft" dir="auto">{correction.reason.clone()}</p>
            </div>
            <PostButton action=delete words="Remove" weight=ButtonStyle::Destructive about=words/>
        </li>
    }
    .into_any()
}
