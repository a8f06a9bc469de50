//! `candor manager …`

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use url::Url;

use super::output;
use crate::actions;
use crate::clock::Clock;
use crate::config::{DEFAULT_LISTEN, SiteConfig};
use crate::credentials::{password, secret_token};
use crate::db::{Db, Tx, WriteTx, login_policy, managers, one_time_links, page_settings, second_factors};
use crate::domain::audit::Actor;
use crate::domain::forms::ManagerForm;
use crate::domain::manager::{LinkPurpose, parse_email};
use crate::domain::{LoginPolicy, Manager, PasswordPolicy};
use crate::net::listen_address::ListenAddress;

const RESET_LIFETIME: TimeDelta = TimeDelta::minutes(30);
const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(3);

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Add a manager and print a one-time link to set a password
    Add {
        /// E-mail address used to log in
        #[arg(long)]
        email: String,
        /// Display name
        #[arg(long)]
        name: String,
        /// Role
        #[arg(long, value_parser = ["owner", "publisher", "viewer"])]
        role: String,
        #[command(flatten)]
        way: LoginMethod,
    },
    /// List managers
    List,
    /// Deactivate a manager and end their sessions
    Disable {
        /// E-mail address
        email: String,
    },
    /// Reactivate a manager
    Enable {
        /// E-mail address
        email: String,
    },
    /// Reset a manager's two-factor authentication, if the device and recovery codes are lost
    RemoveFactors {
        /// E-mail address
        email: String,
    },
    /// Enable password login for everyone again
    Passwords {
        /// Enable it; disabling is only possible in the settings
        #[arg(value_parser = ["on"])]
        switch: String,
    },
    /// Print a one-time link, valid for 30 minutes, to set a new password
    ResetPassword {
        /// E-mail address
        email: String,
        #[command(flatten)]
        way: LoginMethod,
    },
}

/// How a manager comes by a password.
#[derive(Clone, Debug, clap::Args)]
pub struct LoginMethod {
    /// Read the password from standard input instead of printing a link
    #[arg(long)]
    password_stdin: bool,

    /// Public URL of the page, used in the link
    #[arg(long, env = "CANDOR_BASE_URL")]
    base_url: Option<Url>,

    /// Listen address, used in the link without --base-url [default: that of the server's last start]
    #[arg(long, env = "CANDOR_LISTEN", hide = true)]
    listen: Option<ListenAddress>,
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    match command {
        Command::Add { email, name, role, way } => {
            add_manager(db, ManagerForm { email, name, role }, &way, clock).await
        }
        Command::List => list(db).await,
        Command::Disable { email } => disable(db, &email, clock).await,
        Command::Enable { email } => enable(db, &email, clock).await,
        Command::RemoveFactors { email } => remove_factors(db, &email, clock).await,
        Command::Passwords { .. } => allow_passwords(db, clock).await,
        Command::ResetPassword { email, way } => reset_password(db, &email, &way, clock).await,
    }
}

async fn add_manager(db: &Db, form: ManagerForm, way: &LoginMethod, clock: &Clock) -> anyhow::Result<()> {
    let new = form.parse()?;
    let origin = way.origin(db).await?;
    let hash = way.password(db, [&new.name, &new.email]).await?;
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    if managers::find_by_email(&mut tx, &new.email).await?.is_some() {
        bail!("a manager with the e-mail address {} already exists", new.email);
    }
    let added = actions::managers::add(&mut tx, new, hash.as_deref(), now).await;
    let (manager, entry) = added.map_err(output::describe_error)?;
    let link = match hash {
        Some(_) => None,
        None => Some(create_link(&mut tx, &manager, LinkPurpose::Invite, INVITATION_LIFETIME, clock).await?),
    };
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Added {} <{}> as {}.", manager.name, manager.email, manager.role.key());
    if let Some(token) = link {
        say!("One-time password link (valid 3 days):\n{origin}/setup/{token}");
    }
    Ok(())
}

/// Managers read per query.
const BATCH_SIZE: i64 = 500;

async fn list(db: &Db) -> anyhow::Result<()> {
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let zone = page_settings::load(&mut tx).await?.time_zone;
    let mut managers = managers::list(&mut tx, None, BATCH_SIZE).await?;
    let mut read = managers.len();
    while read > 0 {
        let more = managers::list(&mut tx, managers.last().map(|last| &last.id), BATCH_SIZE).await?;
        read = more.len();
        managers.extend(more);
    }
    let row = |manager: &Manager| {
        let login = manager.last_login_at.map_or_else(|| "never".to_owned(), |at| output::format_time(at, zone));
        [manager.email.clone(), manager.name.clone(), manager.role.key().into(), state_words(manager).into(), login]
    };
    let head = ["EMAIL", "NAME", "ROLE", "STATUS", "LAST LOGIN"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(managers.iter().map(row)).collect();
    say!("{}", output::format_table(&rows));
    Ok(())
}

fn state_words(manager: &Manager) -> &'static str {
    match (manager.is_active(), manager.is_invited()) {
        (false, _) => "disabled",
        (true, true) => "invited",
        (true, false) => "active",
    }
}

async fn disable(db: &Db, email: &str, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let mut manager = find_manager(&mut tx, email).await?;
    if !manager.is_active() {
        bail!("{} is already disabled", manager.email);
    }
    let entry = actions::managers::disable(&mut tx, &mut manager, now).await.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Disabled {}; all their sessions were ended.", manager.email);
    Ok(())
}

async fn enable(db: &Db, email: &str, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let mut manager = find_manager(&mut tx, email).await?;
    if manager.is_active() {
        bail!("{} is not disabled", manager.email);
    }
    let entry = actions::managers::enable(&mut tx, &mut manager, now).await.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Enabled {}.", manager.email);
    Ok(())
}

async fn remove_factors(db: &Db, email: &str, clock: &Clock) -> anyhow::Result<()> {
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let manager = find_manager(&mut tx, email).await?;
    if !second_factors::load(&mut tx, &manager.id).await?.any() {
        bail!("{} has no second factor", manager.email);
    }
    let (_, entry) =
        actions::managers::remove_factors(&mut tx, &manager, None).await.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), clock.now(), entry).await.map_err(output::describe_error)?;
    say!("{} can log in with the password only; all their sessions were ended.", manager.email);
    Ok(())
}

async fn allow_passwords(db: &Db, clock: &Clock) -> anyhow::Result<()> {
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let before = login_policy::load(&mut tx).await.map_err(output::describe_error)?;
    if before.passwords == PasswordPolicy::Everyone {
        bail!("password login is already enabled");
    }
    let chosen = LoginPolicy { passwords: PasswordPolicy::Everyone, ..before.clone() };
    let entry = actions::settings::edit_login_policy(&mut tx, &before, &chosen, clock.now()).await;
    let entry = entry.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), clock.now(), entry).await.map_err(output::describe_error)?;
    say!("Password login is enabled for everyone.");
    Ok(())
}

async fn reset_password(db: &Db, email: &str, way: &LoginMethod, clock: &Clock) -> anyhow::Result<()> {
    let origin = way.origin(db).await?;
    let named = find_manager(&mut db.read().await.map_err(output::describe_error)?, email).await?;
    if !named.is_active() {
        bail!("{email} is disabled: enable them first", email = named.email);
    }
    let hash = way.password(db, [&named.name, &named.email]).await?;
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let mut manager = managers::find(&mut tx, &named.id).await.map_err(output::describe_error)?;
    let (said, entry) = match hash {
        Some(hash) => {
            let reset = actions::managers::reset_password(&mut tx, &mut manager, &hash, now).await;
            let said = format!("{} has a new password; all their sessions were ended.", manager.email);
            (said, reset.map_err(output::describe_error)?)
        }
        None => {
            let token = create_link(&mut tx, &manager, LinkPurpose::Reset, RESET_LIFETIME, clock).await?;
            let said = format!("One-time password link (valid 30 minutes):\n{origin}/setup/{token}");
            (said, actions::managers::record_reset(&manager))
        }
    };
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("{said}");
    Ok(())
}

/// Creates a link and returns its token, of which only a hash is stored.
async fn create_link(
    tx: &mut WriteTx,
    manager: &Manager,
    purpose: LinkPurpose,
    valid: TimeDelta,
    clock: &Clock,
) -> anyhow::Result<String> {
    let (token, now) = (secret_token::fresh_token(), clock.now());
    let link = one_time_links::Link { purpose, manager_id: Some(manager.id.clone()), expires_at: now + valid };
    one_time_links::create(tx, &secret_token::hash_token(&token), &link, now).await.map_err(output::describe_error)?;
    one_time_links::cancel_email(tx, &manager.id).await.map_err(output::describe_error)?;
    Ok(token)
}

async fn find_manager(tx: &mut Tx, email: &str) -> anyhow::Result<Manager> {
    let email = parse_email(email).map_err(anyhow::Error::msg)?;
    let found = managers::find_by_email(tx, &email).await.map_err(output::describe_error)?;
    found.map(|(manager, _)| manager).with_context(|| format!("no manager with the e-mail address {email}"))
}

impl LoginMethod {
    /// The URL that a link starts with: as given, otherwise where the server was last reached.
    async fn origin(&self, db: &Db) -> anyhow::Result<String> {
        let mut tx = db.read().await.map_err(output::describe_error)?;
        let stored = page_settings::server_origin(&mut tx).await.map_err(output::describe_error)?;
        match (&self.base_url, self.listen.as_ref().and_then(ListenAddress::tcp), stored) {
            (None, None, Some(origin)) => Ok(origin),
            // The server spoke TLS, which the address does not say.
            (None, Some(_), Some(origin)) if origin.starts_with("https://") => Ok(origin),
            (base_url, listen, _) => {
                let listen = match listen {
                    Some(listen) => listen,
                    None => DEFAULT_LISTEN.parse().context("the default listen address")?,
                };
                SiteConfig { base_url: base_url.clone(), data_dir: "data".into() }.origin(listen)
            }
        }
    }

    /// Reads the password from standard input if requested, and returns its hash. `whose` are words the password must
    /// not contain.
    async fn password(&self, db: &Db, whose: [&str; 2]) -> anyhow::Result<Option<String>> {
        if !self.password_stdin {
            return Ok(None);
        }
        let page = page_settings::load(&mut db.read().await.map_err(output::describe_error)?)
            .await
            .map_err(output::describe_error)?;
        let password = tokio::task::spawn_blocking(read_password).await??;
        password::check_password(&password, &[whose[0], whose[1], &page.name])
            .map_err(|reason| anyhow::anyhow!("the password can't be used: {reason}"))?;
        Ok(Some(password::hash_password(password).await?))
    }
}

/// The first line of standard input; on a terminal a prompt without echo.
fn read_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").context("reading the password");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("reading the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
