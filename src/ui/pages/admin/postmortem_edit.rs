use leptos::prelude::*;

use super::composer;
use super::conflict::{Conflict, conflict_details};
use super::notify;
use crate::domain::forms::PostmortemForm;
use crate::domain::update::MAX_BODY;
use crate::domain::{Incident, Invalid, Postmortem};
use crate::format::markdown;
use crate::format::time::format_full;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, ErrorSummary, FormErrors, Hidden, PreviewPageButton, PreviewTextButton, Submit};
use crate::ui::time::Time;

/// The form of a postmortem.
#[derive(Clone, Debug)]
pub struct PostmortemEdit {
    pub shell: AdminContext,
    pub incident: Incident,
    /// The stored version, if there is one.
    pub postmortem: Option<Postmortem>,
    /// As submitted; the text is shown as a preview.
    pub form: PostmortemForm,
    pub invalid: Invalid,
    pub conflict: Option<Conflict<PostmortemForm>>,
}

#[component]
pub fn PostmortemEditPage(page: PostmortemEdit) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["body"]);
    let incident = format!("/admin/incidents/{}", page.incident.id);
    let action = format!("{incident}/postmortem");
    let preview = (!page.form.body.trim().is_empty()).then(|| text_preview(&page.form.body));
    // Later versions of a published postmortem notify no subscribers.
    let is_new = page.postmortem.as_ref().is_none_or(|postmortem| postmortem.published.is_none());
    let notifies = is_new && page.incident.visibility.is_public();
    let switch = notifies.then(|| notify::notify_switch(&shell, "notify"));
    let reach = notifies.then(|| notify::reach_span(&shell));
    let content = view! {
        <div class="column">
            <h1>"Postmortem"</h1>
            <p class="soft"><a href=incident.clone() dir="auto">{page.incident.title.clone()}</a>" · "{publication_state(&page)}</p>
            <ErrorSummary problems=problems.clone()/>
            {conflict_details(page.conflict.as_ref(), &page.form, &shell)}
            <form method="post" action=action.clone() novalidate>
                <Hidden name="version" value=page.form.version.to_string()/>
                {composer::message_field(&page.form.body, &problems)}
                {preview}
                {switch}
                <p class="actions">
                    <button type="submit" class=ButtonStyle::Primary.class() name="publish" value="1">"Publish postmortem"{reach}</button>
                    <Submit words="Save as draft" weight=ButtonStyle::Quiet/>
                    <PreviewPageButton/>
                    <PreviewTextButton action=action.clone()/>
                    <a href=incident.clone()>"Cancel"</a>
                </p>
            </form>
            {withdrawal_form(&page, &action)}
        </div>
    };
    let title = problems.titled("Postmortem");
    view! { <AdminLayout shell title section=Some(Section::Incidents) content=content.into_any()/> }
}

/// Whether and when it was published.
fn publication_state(page: &PostmortemEdit) -> AnyView {
    let published = page.postmortem.as_ref().and_then(|postmortem| Some((postmortem, postmortem.published.as_ref()?)));
    let Some((postmortem, published)) = published else {
        return "Not published.".into_any();
    };
    let at = view! { <Time at=published.at words=format_full(published.at, page.shell.zone)/> };
    let more = postmortem.has_unpublished_changes().then_some(" There are unpublished changes.");
    view! { "Published "{at}"."{more} }.into_any()
}

fn text_preview(body: &str) -> AnyView {
    view! {
        <section id="preview" aria-labelledby="preview-title">
            <h2 id="preview-title" class="label">"Preview as visitors see it"</h2>
            <div class="preview"><div class="prose" dir="auto" inner_html=markdown::render_truncated(body, MAX_BODY)></div></div>
        </section>
    }
    .into_any()
}

fn withdrawal_form(page: &PostmortemEdit, action: &str) -> Option<AnyView> {
    let postmortem = page.postmortem.as_ref().filter(|postmortem| postmortem.published.is_some())?;
    Some(
        view! {
            <section class="apart" aria-labelledby="withdrawal">
                <h2 id="withdrawal">"Unpublish the postmortem"</h2>
                <p class="soft">"Hides it from the page; the text is kept as a draft."</p>
                <form method="post" action=format!("{action}/withdrawal")>
                    <Hidden name="version" value=postmortem.version.to_string()/>
                    <Submit words="Unpublish the postmortem" weight=ButtonStyle::Destructive/>
                </form>
            </section>
        }
        .into_any(),
    )
}
