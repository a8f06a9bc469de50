//! What is left to do after the first owner; on the dashboard until it is done or dismissed.

use leptos::prelude::*;

use crate::ui::admin_icon::AdminIcon;
use crate::ui::form::PostButton;

#[derive(Clone, Debug)]
pub struct SetupChecklist {
    pub items: Vec<ChecklistItem>,
}

#[derive(Clone, Debug)]
pub struct ChecklistItem {
    pub is_done: bool,
    pub words: &'static str,
    /// Where it is done, or why it can't be done here.
    pub step: ChecklistStep,
}

#[derive(Clone, Debug)]
pub enum ChecklistStep {
    Link(&'static str),
    /// An option of the server.
    Hint(&'static str),
}

pub fn checklist_box(checklist: &SetupChecklist) -> AnyView {
    let done = checklist.items.iter().filter(|item| item.is_done).count();
    let progress = format!("{done} of {} done", checklist.items.len());
    view! {
        <section class="box checklist" aria-labelledby="checklist">
            <h2 id="checklist">"Get started"</h2>
            <p class="soft">{progress}</p>
            <ul>{checklist.items.iter().map(checklist_row).collect_view()}</ul>
            <PostButton action="/admin/setup/checklist/dismissal" words="Dismiss"/>
        </section>
    }
    .into_any()
}

fn checklist_row(item: &ChecklistItem) -> AnyView {
    let words = item.words;
    if item.is_done {
        return view! { <li class="done">{AdminIcon::Tick.view()}<span><span class="unseen">"Done: "</span>{words}</span></li> }
            .into_any();
    }
    let body = match item.step {
        ChecklistStep::Link(path) => view! { <a href=path>{words}</a> }.into_any(),
        ChecklistStep::Hint(hint) => view! { <span>{words}<br/><span class="soft">{hint}</span></span> }.into_any(),
    };
    view! { <li><span class="ring" aria-hidden="true"></span>{body}</li> }.into_any()
}
