use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::pagination::older_link;
use crate::domain::oidc_roles::Identity;
use crate::domain::{Factors, Invalid};
use crate::format::time::format_age;
use crate::ui::admin_layout::{AdminContext, AdminLayout, Section};
use crate::ui::form::{ButtonStyle, Email, ErrorSummary, Field, FormErrors, Password, PostButton, Submit};
use crate::ui::time::Time;

/// The manager's own account.
#[derive(Clone, Debug)]
pub struct Account {
    pub shell: AdminContext,
    /// As submitted, otherwise the current address.
    pub email: String,
    /// A new address waiting for confirmation.
    pub pending_email: Option<String>,
    /// Whether a new address is confirmed by e-mail; false if this server sends no mail.
    pub confirms_email: bool,
    pub factors: Factors,
    /// Whether the manager has a password and may log in with it.
    pub password: bool,
    pub provider: Option<ProviderRow>,
    /// Last seen first.
    pub sessions: Vec<SessionRow>,
    /// The cursor of the next page of sessions, `None` on the last.
    pub older: Option<String>,
    /// Errors of `email`, `current` or `password`.
    pub invalid: Invalid,
}

#[derive(Clone, Debug)]
pub struct ProviderRow {
    pub name: String,
    /// The provider account linked to the manager.
    pub connected: Option<Identity>,
}

#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The short stored id, used in the URL that revokes the session.
    pub id: String,
    pub user_agent: String,
    pub address: String,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// Whether this request belongs to the session.
    pub current: bool,
}

#[component]
pub fn AccountPage(page: Account) -> impl IntoView {
    let shell = page.shell.clone();
    let problems = FormErrors::new(&page.invalid, &["email", "current", "password"]);
    let manager = &shell.manager;
    let content = view! {
        <div class="column">
            <h1>"Your account"</h1>
            <p class="soft"><bdi>{manager.name.clone()}</bdi>" · "<bdi>{manager.email.clone()}</bdi>" · "{manager.role.words()}</p>
            <ErrorSummary problems=problems.clone()/>
            <section aria-labelledby="factors">
                <h2 id="factors">"Two-factor authentication"</h2>
                <p class="soft">{factor_words(page.factors)}</p>
                <p class="actions"><a class="button" href="/admin/account/factors">"Manage two-factor authentication"</a></p>
            </section>
            <section aria-labelledby="address">
                <h2 id="address">"Change your e-mail address"</h2>
                {page.pending_email.map(pending_email)}
                {email_form(&problems, page.email, page.confirms_email)}
            </section>
            <p>"For API clients that act on your behalf: "<a href="/admin/tokens">"API tokens"</a>"."</p>
            {page.provider.as_ref().map(provider)}
            {page.password.then(|| password_section(&problems, &manager.email))}
            <section aria-labelledby="sessions">
                <h2 id="sessions">"Active sessions"</h2>
                {sessions(&page.sessions, &shell)}
                {older_link("/admin/account", Vec::new(), page.older)}
            </section>
        </div>
    };
    let title = problems.titled("Your account");
    view! { <AdminLayout shell title section=Some(Section::Account) content=content.into_any()/> }
}

/// The manager's second factors.
pub fn factor_words(factors: Factors) -> String {
    let passkeys = match factors.passkeys {
        0 => None,
        1 => Some("a passkey".to_owned()),
        count => Some(format!("{count} passkeys")),
    };
    match (factors.totp, passkeys) {
        (false, None) => "Off.".to_owned(),
        (true, None) => "Authenticator app.".to_owned(),
        (true, Some(passkeys)) => format!("Authenticator app and {passkeys}."),
        (false, Some(passkeys)) => format!("{passkeys}."),
    }
}

fn pending_email(email: String) -> AnyView {
    view! {
        <p>"Waiting for confirmation of "<strong dir="auto">{email.clone()}</strong>": open the link in the e-mail we sent there."</p>
        <PostButton action="/admin/account/email/cancellation" words="Cancel the change" about=email/>
    }
    .into_any()
}

fn email_form(problems: &FormErrors, email: String, confirms: bool) -> AnyView {
    let hint = if confirms {
        "Used to log in. A new address takes effect after you confirm the link sent to it."
    } else {
        "Used to log in. E-mail is not configured, so a new address takes effect at once."
    };
    let field = Field::new("email", "Email").hint(hint).with_error(problems);
    view! {
        <form method="post" action="/admin/account/email" novalidate>
            <Email field value=email autocomplete="email"/>
            <p class="actions"><Submit words="Change e-mail address"/></p>
        </form>
    }
    .into_any()
}

fn provider(provider: &ProviderRow) -> AnyView {
    let (text, action, words) = if provider.connected.is_some() {
        (
            "You can log in there. Your role is updated from it at each login.",
            "/admin/account/identity/removal",
            "Disconnect",
        )
    } else {
        (
            "Connect it to log in there. Your role is then updated from it at each login.",
            "/admin/account/identity",
            "Connect",
        )
    };
    let weight = if provider.connected.is_some() { ButtonStyle::Destructive } else { ButtonStyle::Quiet };
    view! {
        <section aria-labelledby="provider">
            <h2 id="provider" dir="auto">{provider.name.clone()}</h2>
            <p class="soft">{text}</p>
            {provider.connected.as_ref().map(connected_login)}
            <PostButton action words about=provider.name.clone() weight/>
        </section>
    }
    .into_any()
}

/// Identifies the linked account, so that a foreign one is noticed.
fn connected_login(identity: &Identity) -> AnyView {
    let address = if identity.email.is_empty() { "not known".to_owned() } else { identity.email.clone() };
    view! {
        <p>
            "Connected account: " <strong dir="auto">{address}</strong> ": " <code dir="auto">{identity.subject.clone()}</code>
            " at " <code dir="auto">{identity.issuer.clone()}</code> "."
        </p>
    }
    .into_any()
}

fn password_section(problems: &FormErrors, email: &str) -> AnyView {
    view! {
        <section aria-labelledby="change">
            <h2 id="change">"Change your password"</h2>
            {password_form(problems, email)}
        </section>
    }
    .into_any()
}

/// The hidden e-mail address tells password managers whose password it is.
fn password_form(problems: &FormErrors, email: &str) -> AnyView {
    let current = Field::new("current", "Current password").with_error(problems);
    view! {
        <form method="post" action="/admin/account/password" novalidate>
            <input type="text" name="username" value=email.to_owned() autocomplete="username" hidden/>
            <Password field=current autocomplete="current-password"/>
            <Password field=new_password("New password", problems) autocomplete="new-password"/>
            <p class="hint">"Changing it logs out your other sessions."</p>
            <p class="actions"><Submit words="Change the password"/></p>
        </form>
    }
    .into_any()
}

pub fn new_password(label: &'static str, problems: &FormErrors) -> Field {
    Field::new("password", label)
        .hint("15 characters or more. A passphrase or a password manager is recommended.")
        .with_error(problems)
}

fn sessions(sessions: &[SessionRow], shell: &AdminContext) -> AnyView {
    let row = |row: &SessionRow| {
        let action = if row.current {
            view! { <strong class="this">"Current session"</strong> }.into_any()
        } else {
            let action = format!("/admin/account/sessions/{}/revocation", row.id);
            view! { <PostButton action words="Log out" about=browser_name(&row.user_agent)/> }.into_any()
        };
        view! {
            <li>
                <div class="what">
                    <span title=row.user_agent.clone()>{browser_name(&row.user_agent)}</span>
                    <p class="soft">
                        <bdi>{row.address.clone()}</bdi>" · seen "
                        <Time at=row.last_seen_at words=format_age(row.last_seen_at, shell.now)/>" · since "
                        <Time at=row.created_at words=format_age(row.created_at, shell.now)/>
                    </p>
                </div>
                {action}
            </li>
        }
    };
    let others = sessions.iter().any(|session| !session.current).then(|| {
        view! { <PostButton action="/admin/account/sessions/revocation" words="Log out other sessions"/> }
    });
    view! {
        <div class="board group"><ul>{sessions.iter().map(row).collect_view()}</ul></div>
        {others}
    }
    .into_any()
}

/// Browser and operating system if known, otherwise the user agent itself.
pub fn browser_name(user_agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    // Chrome's user agent also names Safari, and Edge's names both, hence the order.
    let browser = first(&[("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ if user_agent.trim().is_empty() => "Unknown device".to_owned(),
        _ => user_agent.chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_name_has_browser_and_system() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0";
        assert_eq!(browser_name(edge), "Edge on Windows");
        assert_eq!(browser_name("curl/8"), "curl/8");
        assert_eq!(browser_name(""), "Unknown device");
    }
}
