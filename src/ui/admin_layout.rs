//! The layout of the admin pages and of the pages before login.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::domain::page_status::Tone;
use crate::domain::subscriber::NotifySwitch;
use crate::domain::{Manager, Role};
use crate::ui::admin_icon::{AdminIcon, tone_class};

/// URLs of the static files, and the nonce in the response's Content-Security-Policy.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// Unique per response.
    pub nonce: String,
    /// tokens.css and admin.css in one file.
    pub css_href: String,
    /// The script for keyboard shortcuts.
    pub keys_href: String,
    /// The JavaScript module of the islands and its WASM.
    pub js_href: String,
    pub wasm_href: String,
    /// The script for WebAuthn registration and login.
    pub passkey_href: String,
}

/// Data shared by all admin pages.
#[derive(Clone, Debug)]
pub struct AdminContext {
    pub page_name: String,
    /// The current status of the public page.
    pub tone: Tone,
    /// The number of active incidents, also of those that are not public.
    pub open_incidents: i64,
    /// The logged-in manager.
    pub manager: Manager,
    /// The result of the last action, shown once.
    pub notice: Option<String>,
    /// The page's time zone, used for all times.
    pub zone: Tz,
    /// The reference time for ages.
    pub now: DateTime<Utc>,
    pub assets: Assets,
    /// The notify switch of the page's form.
    pub notify: NotifySwitch,
}

impl AdminContext {
    pub fn can_publish(&self) -> bool {
        self.manager.role >= Role::Publisher
    }

    pub fn is_owner(&self) -> bool {
        self.manager.role >= Role::Owner
    }
}

/// Data for pages that need no login.
#[derive(Clone, Debug)]
pub struct LoggedOutContext {
    pub page_name: String,
    pub assets: Assets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Dashboard,
    Incidents,
    Maintenances,
    Templates,
    Components,
    Subscribers,
    Managers,
    Audit,
    Settings,
    Account,
}

impl Section {
    fn path(self) -> &'static str {
        match self {
            Section::Dashboard => "/admin",
            Section::Incidents => "/admin/incidents",
            Section::Maintenances => "/admin/maintenances",
            Section::Templates => "/admin/templates",
            Section::Components => "/admin/components",
            Section::Subscribers => "/admin/subscribers",
            Section::Managers => "/admin/managers",
            Section::Audit => "/admin/audit",
            Section::Settings => "/admin/settings",
            Section::Account => "/admin/account",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Section::Dashboard => "Dashboard",
            Section::Incidents => "Incidents",
            Section::Maintenances => "Maintenance",
            Section::Templates => "Templates",
            Section::Components => "Components",
            Section::Subscribers => "Subscribers",
            Section::Managers => "Managers",
            Section::Audit => "Audit log",
            Section::Settings => "Settings",
            Section::Account => "Account",
        }
    }

    /// The keyboard shortcut.
    fn keys(self) -> Option<&'static str> {
        match self {
            Section::Dashboard => Some("g d"),
            Section::Incidents => Some("g i"),
            Section::Maintenances => Some("g w"),
            Section::Templates => Some("g t"),
            Section::Components => Some("g c"),
            Section::Subscribers => Some("g u"),
            Section::Managers => Some("g m"),
            Section::Audit => Some("g a"),
            Section::Settings => Some("g s"),
            Section::Account => None,
        }
    }

    fn icon(self) -> AdminIcon {
        match self {
            Section::Dashboard => AdminIcon::Dashboard,
            Section::Incidents => AdminIcon::Incidents,
            Section::Maintenances => AdminIcon::Maintenance,
            Section::Templates => AdminIcon::Templates,
            Section::Components => AdminIcon::Components,
            Section::Subscribers => AdminIcon::Subscribers,
            Section::Managers | Section::Account => AdminIcon::Managers,
            Section::Audit => AdminIcon::Audit,
            Section::Settings => AdminIcon::Settings,
        }
    }

    fn visible_to(role: Role) -> Vec<Section> {
        let all = [
            Self::Dashboard,
            Self::Incidents,
            Self::Maintenances,
            Self::Components,
            Self::Templates,
            Self::Subscribers,
            Self::Managers,
            Self::Audit,
            Self::Settings,
        ];
        all.into_iter().filter(|section| *section != Section::Managers || role >= Role::Owner).collect()
    }
}

/// An admin page: `content` below the navigation.
#[component]
pub fn AdminLayout(
    shell: AdminContext,
    #[prop(into)] title: String,
    #[prop(optional_no_strip)] section: Option<Section>,
    content: AnyView,
    /// Whether the page contains an island and loads the module.
    #[prop(optional)]
    island: bool,
    /// The path that shows newer progress, which the browser loads after a while if it runs no scripts.
    #[prop(optional_no_strip)]
    reload: Option<String>,
) -> impl IntoView {
    let scripts = island.then(|| island_script(&shell.assets));
    let refresh = reload.map(|path| {
        view! { <noscript><meta http-equiv="refresh" content=format!("3;url={path}")/></noscript> }
    });
    let title = format!("{title} · {} admin", shell.page_name);
    let notice = shell.notice.clone().map(|text| view! { <p class="notice" role="status" dir="auto">{text}</p> });
    let open = shell.can_publish().then(|| view! { <a href="/admin/incidents/new" data-keys="n">"New incident"</a> });
    let keys = view! { <script defer src=shell.assets.keys_href.clone() nonce=shell.assets.nonce.clone()></script> };
    let scripts = Some(view! { {keys}{scripts}{refresh} }.into_any());
    let body = view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <header class="top">{page_header(&shell, section)}</header>
        <div class="canvas">
            <main id="main" class="wide">{notice}{content}</main>
            <footer class="wide foot">
                <p>
                    <a href="/">"View status page"</a>
                    {open}
                    <a href="/admin/shortcuts" data-keys="?">"Keyboard shortcuts"</a>
                </p>
                <span>{format!("Times are shown in {}", shell.zone.name())}</span>
            </footer>
        </div>
    };
    render_document(title, &shell.assets, scripts, body.into_any())
}

/// A page without navigation, for visitors who are not logged in.
#[component]
pub fn LoggedOutLayout(shell: LoggedOutContext, #[prop(into)] title: String, content: AnyView) -> impl IntoView {
    let title = format!("{title} · {}", shell.page_name);
    let body = view! {
        <main id="main" class="logged-out">
            <p class="name"><a href="/" dir="auto">{shell.page_name.clone()}</a></p>
            {content}
        </main>
    };
    render_document(title, &shell.assets, None, body.into_any())
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

/// The sidebar; on phones a bar whose menu is a popover, so that the links are in the document once.
fn page_header(shell: &AdminContext, section: Option<Section>) -> AnyView {
    let link = |to: Section| {
        let current = (Some(to) == section).then_some("page");
        let count = (to == Section::Incidents && shell.open_incidents > 0).then(|| {
            view! {
                <span class=format!("count {}", tone_class(shell.tone))>
                    {shell.open_incidents}<span class="unseen">" active"</span>
                </span>
            }
        });
        let class = (to == Section::Managers || to == Section::Audit).then_some("second");
        view! {
            <li class=class>
                <a href=to.path() aria-current=current data-keys=to.keys()>
                    {to.icon().view()}<span>{to.words()}</span>{count}
                </a>
            </li>
        }
    };
    let initials = name_initials(&shell.manager.name);
    view! {
        <a class="name" href="/admin">
            <span class=format!("dot {}", shell.tone.key()) aria-hidden="true"></span>
            <span dir="auto">{shell.page_name.clone()}</span>
            <span class="unseen">{tone_words(shell.tone)}</span>
        </a>
        <button type="button" class="menu-button" popovertarget="menu">
            {AdminIcon::Menu.view()}<span class="unseen">"Menu"</span>
        </button>
        <div class="menu" id="menu" popover="auto">
            <nav aria-label="Admin">
                <ul>{Section::visible_to(shell.manager.role).into_iter().map(link).collect_view()}</ul>
            </nav>
            <div class="me">
                <a href=Section::Account.path() aria-current=(section == Some(Section::Account)).then_some("page")>
                    <span class="initials" aria-hidden="true">{initials}</span>
                    <span class="own" dir="auto">{shell.manager.name.clone()}</span>
                </a>
                <form method="post" action="/logout">
                    <button type="submit" class="plain">"Log out"</button>
                </form>
            </div>
        </div>
    }
    .into_any()
}

/// The first letters of the first and the last word.
pub fn name_initials(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let first = words.first().and_then(|word| word.chars().next());
    let last = words.get(1..).and_then(|rest| rest.last()).and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

fn tone_words(tone: Tone) -> &'static str {
    match tone {
        Tone::Operational => ", all systems operational",
        Tone::Notice => ", open notice",
        Tone::Maintenance => ", under maintenance",
        Tone::Degraded => ", degraded",
        Tone::PartialOutage => ", partial outage",
        Tone::MajorOutage => ", major outage",
    }
}

/// Loads the module and hydrates each island. Leptos's `HydrationScripts` derives URLs from a folder and a name, but
/// these files have hashed names.
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
