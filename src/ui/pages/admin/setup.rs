//! The guided setup: four steps, each of which can be skipped.

use leptos::prelude::*;

use super::managers::invitation_form;
use super::page_import_form::import_form;
use crate::domain::forms::{ComponentNamesForm, ManagerForm, PageForm, PageImportForm};
use crate::domain::{Invalid, Role};
use crate::ui::admin_layout::{AdminContext, AdminLayout};
use crate::ui::form::{
    ButtonStyle, ErrorSummary, Field, FormErrors, Hidden, PostButton, Submit, TextArea, TextInput, ZoneInput, zone_list,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupStep {
    Page,
    Brand,
    Components,
    Managers,
}

impl SetupStep {
    pub const ALL: [Self; 4] = [Self::Page, Self::Brand, Self::Components, Self::Managers];

    pub fn path(self) -> &'static str {
        match self {
            Self::Page => "/admin/setup/page",
            Self::Brand => "/admin/setup/brand",
            Self::Components => "/admin/setup/components",
            Self::Managers => "/admin/setup/managers",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Page => "Page",
            Self::Brand => "Brand",
            Self::Components => "Components",
            Self::Managers => "Managers",
        }
    }

    /// `None` after the last one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().skip_while(|step| *step != self).nth(1)
    }

    fn previous(self) -> Option<Self> {
        Self::ALL.into_iter().take_while(|step| *step != self).last()
    }
}

/// The step with its name among the others, and the way out.
pub(super) fn setup_steps(current: SetupStep) -> AnyView {
    let number = SetupStep::ALL.iter().position(|step| *step == current).unwrap_or_default() + 1;
    let step = |step: SetupStep| {
        let current = (step == current).then_some("step");
        view! { <li><a href=step.path() aria-current=current>{step.words()}</a></li> }
    };
    view! {
        <nav class="setup-steps" aria-label="Setup">
            <ol>{SetupStep::ALL.map(step).collect_view()}</ol>
            <a href="/admin">"Finish later"</a>
        </nav>
        <p class="soft">{format!("Step {number} of {}", SetupStep::ALL.len())}</p>
    }
    .into_any()
}

/// The links beside the primary button.
pub(super) fn setup_links(current: SetupStep) -> AnyView {
    let skip = current.next().map(|next| view! { <a href=next.path()>"Skip"</a> });
    let back = current.previous().map(|back| view! { <a href=back.path()>"Back"</a> });
    view! { {skip}{back} }.into_any()
}

/// The step with the page's name, its address and its zone.
#[derive(Clone, Debug)]
pub struct SetupPageStep {
    pub shell: AdminContext,
    pub form: PageForm,
    pub invalid: Invalid,
}

#[component]
pub fn SetupPageStepPage(page: SetupPageStep) -> impl IntoView {
    let problems = FormErrors::new(&page.invalid, &["name", "url", "time_zone"]);
    let form = &page.form;
    // The name of a page that was not set up.
    let shown_name = if form.name == "Status" { String::new() } else { form.name.clone() };
    let name = Field::new("name", "Page name").hint("Your company or product.").with_error(&problems);
    let url = Field::new("url", "Your website (optional)").hint("Linked in the footer.").with_error(&problems);
    let zone =
        Field::new("time_zone", "Time zone").hint("Used for all times and day boundaries.").with_error(&problems);
    let content = view! {
        {setup_steps(SetupStep::Page)}
        <div class="column">
            <h1>"Name the page"</h1>
            <ErrorSummary problems=problems.clone()/>
            <form method="post" action=SetupStep::Page.path() novalidate>
                <Hidden name="version" value=form.version.to_string()/>
                <TextInput field=name value=shown_name autofocus=problems.is_empty()/>
                <TextInput field=url value=form.url.clone() kind="url"/>
                <ZoneInput field=zone value=form.time_zone.clone()/>
                {zone_list()}
                <p class="actions"><Submit words="Continue"/>{setup_links(SetupStep::Page)}</p>
            </form>
        </div>
    };
    let title = problems.titled("Setup: page");
    view! { <AdminLayout shell=page.shell.clone() title content=content.into_any()/> }
}

/// The step that adds components.
#[derive(Clone, Debug)]
pub struct SetupComponents {
    pub shell: AdminContext,
    pub form: ComponentNamesForm,
    /// How many there are.
    pub known: usize,
    pub invalid: Invalid,
}

#[component]
pub fn SetupComponentsPage(page: SetupComponents) -> impl IntoView {
    let problems = FormErrors::new(&page.invalid, &["names"]);
    let names = Field::new("names", "Components, one a line")
        .hint("What your customers know: Website, API, Sign-in. You can group and reorder them later.")
        .with_error(&problems);
    let known = (page.known > 0).then(|| {
        let words = if page.known == 1 {
            "1 component is on the page already.".to_owned()
        } else {
            format!("{} components are on the page already.", page.known)
        };
        view! { <p class="soft">{words}</p> }
    });
    let content = view! {
        {setup_steps(SetupStep::Components)}
        <div class="column">
            <h1>"Add components"</h1>
            {known}
            <ErrorSummary problems=problems.clone()/>
            <form method="post" action=SetupStep::Components.path() novalidate>
                <TextArea field=names value=page.form.names.clone() rows=8/>
                <p class="actions"><Submit words="Continue"/>{setup_links(SetupStep::Components)}</p>
            </form>
            <section class="apart" aria-labelledby="import">
                <h2 id="import">"Or import them"</h2>
                <p class="soft">"Moving from Statuspage or another service? Its address is enough to copy components and history. You see what would change first."</p>
                {import_form(&PageImportForm::default(), &FormErrors::default(), ButtonStyle::Quiet)}
            </section>
        </div>
    };
    let title = problems.titled("Setup: components");
    view! { <AdminLayout shell=page.shell.clone() title content=content.into_any()/> }
}

/// The last step, which invites managers.
#[derive(Clone, Debug)]
pub struct SetupManagers {
    pub shell: AdminContext,
}

#[component]
pub fn SetupManagersPage(page: SetupManagers) -> impl IntoView {
    let form = ManagerForm { role: Role::Publisher.key().to_owned(), ..ManagerForm::default() };
    let content = view! {
        {setup_steps(SetupStep::Managers)}
        <div class="column">
            <h1>"Invite managers"</h1>
            <p class="soft">"Publishers post incidents and maintenance. You get a link to pass on; more people can be invited later."</p>
            {invitation_form(&form, &FormErrors::default())}
            <section class="apart" aria-labelledby="finish">
                <h2 id="finish">"That's it"</h2>
                <p class="soft">"The dashboard lists what is left to do."</p>
                <PostButton action="/admin/setup/finish" words="Finish setup"/>
                <p><a href=SetupStep::Components.path()>"Back"</a></p>
            </section>
        </div>
    };
    view! { <AdminLayout shell=page.shell.clone() title="Setup: managers" content=content.into_any()/> }
}
