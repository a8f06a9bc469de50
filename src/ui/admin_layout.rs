//! What is around every page of the admin, and around the plain pages before it (login, setup).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::domain::page_status::Indicator;
use crate::domain::{Manager, Role};

/// Addresses of the served files, and the nonce that the response's Content-Security-Policy names.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// Of this response alone.
    pub nonce: String,
    /// tokens.css and admin.css as one file.
    pub css_href: String,
    /// The script that answers to keys.
    pub keys_href: String,
    /// The browser module of the islands, and its WASM.
    pub js_href: String,
    pub wasm_href: String,
    /// The script of the ceremonies of passkeys.
    pub passkey_href: String,
}

/// What every page of the admin knows.
#[derive(Clone, Debug)]
pub struct AdminContext {
    /// What stands at the top.
    pub page_name: String,
    /// What the public page says at this moment.
    pub tone: Indicator,
    /// Who is logged in.
    pub manager: Manager,
    /// What the last action did, said once.
    pub notice: Option<String>,
    /// The page's zone: every time is shown in it.
    pub zone: Tz,
    /// The instant that ages are counted to.
    pub now: DateTime<Utc>,
    pub assets: Assets,
}

impl AdminContext {
    /// Whether the manager may publish incidents and set the status of components.
    pub fn can_publish(&self) -> bool {
        self.manager.role >= Role::Publisher
    }

    /// Whether the manager may do everything.
    pub fn is_owner(&self) -> bool {
        self.manager.role >= Role::Owner
    }
}

/// What the pages know that nobody needs to be logged in for.
#[derive(Clone, Debug)]
pub struct LoggedOutContext {
    /// What stands at the top.
    pub page_name: String,
    pub assets: Assets,
}

/// The part of the admin that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Desk,
    Incidents,
    Maintenances,
    Templates,
    Components,
    Managers,
    Audit,
    Settings,
    Account,
}

impl Section {
    fn path(self) -> &'static str {
        match self {
            Section::Desk => "/admin",
            Section::Incidents => "/admin/incidents",
            Section::Maintenances => "/admin/maintenances",
            Section::Templates => "/admin/templates",
            Section::Components => "/admin/components",
            Section::Managers => "/admin/managers",
            Section::Audit => "/admin/audit",
            Section::Settings => "/admin/settings",
            Section::Account => "/admin/account",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Section::Desk => "Dashboard",
            Section::Incidents => "Incidents",
            Section::Maintenances => "Maintenance",
            Section::Templates => "Templates",
            Section::Components => "Components",
            Section::Managers => "Managers",
            Section::Audit => "Audit log",
            Section::Settings => "Settings",
            Section::Account => "Account",
        }
    }

    /// The keys that lead there.
    fn keys(self) -> Option<&'static str> {
        match self {
            Section::Desk => Some("g d"),
            Section::Incidents => Some("g i"),
            Section::Maintenances => Some("g w"),
            Section::Templates => Some("g t"),
            Section::Components => Some("g c"),
            Section::Managers => Some("g m"),
            Section::Audit => Some("g a"),
            Section::Settings => Some("g s"),
            Section::Account => None,
        }
    }

    /// The sections in the navigation of a manager in `role`.
    fn visible_to(role: Role) -> Vec<Section> {
        let all = [
            Self::Desk,
            Self::Incidents,
            Self::Maintenances,
            Self::Templates,
            Self::Components,
            Self::Managers,
            Self::Audit,
            Self::Settings,
        ];
        all.into_iter().filter(|section| *section != Section::Managers || role >= Role::Owner).collect()
    }
}

/// A page of the admin: its `title` stands in the tab, `content` below the navigation.
#[component]
pub fn AdminLayout(
    shell: AdminContext,
    #[prop(into)] title: String,
    #[prop(optional_no_strip)] section: Option<Section>,
    content: AnyView,
    /// Whether the page holds an island and needs the browser module.
    #[prop(optional)]
    island: bool,
) -> impl IntoView {
    let scripts = island.then(|| island_script(&shell.assets));
    let title = format!("{title} · {} admin", shell.page_name);
    let notice = shell.notice.clone().map(|text| view! { <p class="notice" role="status" dir="auto">{text}</p> });
    let open =
        shell.can_publish().then(|| view! { <a href="/admin/incidents/new" data-keys="n">"Create incident"</a> });
    let keys = view! { <script defer src=shell.assets.keys_href.clone() nonce=shell.assets.nonce.clone()></script> };
    let scripts = Some(view! { {keys}{scripts} }.into_any());
    let body = view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <header class="top">{page_header(&shell, section)}</header>
        <main id="main" class="wide">{notice}{content}</main>
        <footer class="wide foot">
            <p>
                <a href="/">"View status page"</a>
                {open}
                <a href="/admin/shortcuts" data-keys="?">"Keyboard shortcuts"</a>
            </p>
            <span>{format!("Times are shown in {}", shell.zone.name())}</span>
        </footer>
    };
    render_document(title, &shell.assets, scripts, body.into_any())
}

/// A page without navigation, for those who are not logged in.
#[component]
pub fn LoggedOutLayout(porch: LoggedOutContext, #[prop(into)] title: String, content: AnyView) -> impl IntoView {
    let title = format!("{title} · {}", porch.page_name);
    let body = view! {
        <main id="main" class="porch">
            <p class="name"><a href="/" dir="auto">{porch.page_name.clone()}</a></p>
            {content}
        </main>
    };
    render_document(title, &porch.assets, None, body.into_any())
}

fn render_document(title: String, assets: &Assets, scripts: Option<AnyView>, body: AnyView) -> AnyView {
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="robots" content="noindex"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=assets.css_href.clone()/>
                {scripts}
            </head>
            <body>{body}</body>
        </html>
    }
    .into_any()
}

fn page_header(shell: &AdminContext, section: Option<Section>) -> AnyView {
    let link = |to: Section| {
        let current = (Some(to) == section).then_some("page");
        view! { <li><a href=to.path() aria-current=current data-keys=to.keys()>{to.words()}</a></li> }
    };
    view! {
        <div class="wide">
            <a class="name" href="/admin">
                <span class=format!("dot {}", shell.tone.key()) aria-hidden="true"></span>
                <span dir="auto">{shell.page_name.clone()}</span>
                <span class="unseen">{tone_words(shell.tone)}</span>
            </a>
            <nav aria-label="Admin">
                <ul>{Section::visible_to(shell.manager.role).into_iter().map(link).collect_view()}</ul>
            </nav>
            <div class="me">
                <a
                    href=Section::Account.path()
                    dir="auto"
                    aria-current=(section == Some(Section::Account)).then_some("page")
                >
                    {shell.manager.name.clone()}
                </a>
                <form method="post" action="/logout">
                    <button type="submit" class="plain">"Log out"</button>
                </form>
            </div>
        </div>
    }
    .into_any()
}

fn tone_words(tone: Indicator) -> &'static str {
    match tone {
        Indicator::None => ", all systems operational",
        Indicator::Maintenance => ", under maintenance",
        Indicator::Minor => ", degraded",
        Indicator::Major => ", partial outage",
        Indicator::Critical => ", major outage",
    }
}

/// Loads the module and wakes each island by its own function. Leptos's `HydrationScripts` would do the
/// same, but builds the addresses from a folder and a name, while these files are served under hashed names.
fn island_script(assets: &Assets) -> AnyView {
    let text = |value: &str| serde_json::Value::from(value).to_string().replace('<', "\\u003c");
    let script = format!(
        "import start,* as module from {};await start({{module_or_path:{}}});module.hydrate();\
         for(const island of document.querySelectorAll('leptos-island'))module[island.dataset.component]?.(island);",
        text(&assets.js_href),
        text(&assets.wasm_href),
    );
    view! { <script type="module" nonce=assets.nonce.clone()>{script}</script> }.into_any()
}
