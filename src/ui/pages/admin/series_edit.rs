use leptos::prelude::*;

use super::component_list::ComponentBoard;
use super::conflict::{Conflict, conflict_details};
use super::maintenance_new::{PLAN_FIELDS, plan_fields, recurrence_fields};
use crate::domain::forms::SeriesForm;
use crate::domain::{Invalid, Series};
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ErrorSummary, FormErrors, Hidden, Submit};

/// The form that edits a recurring maintenance and all its future occurrences.
#[derive(Clone, Debug)]
pub struct SeriesEdit {
    pub shell: AdminContext,
    pub series: Series,
    pub form: SeriesForm,
    pub invalid: Invalid,
    pub board: ComponentBoard,
    pub conflict: Option<Conflict<SeriesForm>>,
    /// Whether automatic steps notify subscribers.
    pub notifies_steps: bool,
}

#[component]
pub fn SeriesEditPage(page: SeriesEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &PLAN_FIELDS);
    let path = format!("/admin/series/{}", page.series.id);
    let ended = page.series.has_ended().then(|| view! { <p class="hint">"Stopped. Saving resumes it."</p> });
    let end = (!page.series.has_ended()).then(|| {
        view! {
            <section aria-labelledby="end">
                <h2 id="end">"Stop repeating"</h2>
                <p class="soft">"No further occurrences. One that is already scheduled stays; it can be cancelled."</p>
                <p><a class="button destructive" href=format!("{path}/end")>"Stop repeating …"</a></p>
            </section>
        }
    });
    let content = view! {
        <div class="column">
            <h1>"Edit series"</h1>
            <p class="soft" dir="auto">{page.series.title.clone()}</p>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            <p>"Changes apply to the next occurrence, if it has not started, and all later ones."</p>
            {ended}
            <form method="post" action=path.clone() novalidate>
                <Hidden name="version" value=page.form.first.plan.version.to_string()/>
                {plan_fields(&page.form, &page.board, page.notifies_steps, &problems)}
                {recurrence_fields(&page.form.recurrence, false, &problems)}
                <p class="actions">
                    <Submit words="Publish changes"/>
                    <a href="/admin/maintenances">"Cancel"</a>
                </p>
            </form>
            {end}
        </div>
    };
    let title = problems.titled("Edit series");
    view! { <AdminLayout shell title section=Some(Section::Maintenances) content=content.into_any()/> }
}
