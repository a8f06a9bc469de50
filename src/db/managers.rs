//! Managers are disabled, never deleted.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::forms::NewManager;
use crate::domain::{Manager, ManagerId, Role};

/// Limit of the choice of a break-glass owner.
const MAX_PASSWORD_OWNERS: i64 = 500;

const LAST_OWNER: &str = "This is the only active owner. Make someone else an owner first.";

#[apply(from_row!)]
struct Row {
    id: String,
    email: String,
    name: String,
    role: String,
    password_hash: Option<String>,
    disabled_at: Option<DateTime<Utc>>,
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
    has_identity: bool,
}

/// Managers after `cursor`, by name. The cursor's manager always exists, because managers are never deleted.
pub async fn list(tx: &mut Tx, cursor: Option<&ManagerId>, limit: i64) -> Result<Vec<Manager>> {
    let sql =
        "select id, email, name, role, password_hash, disabled_at, last_login_at, created_at, updated_at, version,
                 exists (select 1 from oidc_identities where manager_id = managers.id) as has_identity
               from managers
               where $1 = '' or (lower(name), id) > (select lower(name), id from managers where id = $1)
               order by lower(name), id limit $2";
    let rows = rows!(tx, Row, sql, cursor.map_or("", ManagerId::as_str), limit)?;
    rows.into_iter().map(Manager::try_from).collect()
}

/// The active owners with a password, by name.
pub async fn password_owners(tx: &mut Tx) -> Result<Vec<Manager>> {
    let sql =
        "select id, email, name, role, password_hash, disabled_at, last_login_at, created_at, updated_at, version,
                 exists (select 1 from oidc_identities where manager_id = managers.id) as has_identity
               from managers where role = 'owner' and disabled_at is null and password_hash is not null
               order by lower(name), id limit $1";
    rows!(tx, Row, sql, MAX_PASSWORD_OWNERS)?.into_iter().map(Manager::try_from).collect()
}

pub async fn find(tx: &mut Tx, id: &ManagerId) -> Result<Manager> {
    let sql =
        "select id, email, name, role, password_hash, disabled_at, last_login_at, created_at, updated_at, version,
                 exists (select 1 from oidc_identities where manager_id = managers.id) as has_identity
               from managers where id = $1";
    row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// The manager with the email address `email` (lower case), and the password hash. Addresses contain no control
/// characters, and PostgreSQL rejects NUL in a query.
pub async fn find_by_email(tx: &mut Tx, email: &str) -> Result<Option<(Manager, Option<String>)>> {
    if email.chars().any(char::is_control) {
        return Ok(None);
    }
    let sql =
        "select id, email, name, role, password_hash, disabled_at, last_login_at, created_at, updated_at, version,
                 exists (select 1 from oidc_identities where manager_id = managers.id) as has_identity
               from managers where email = $1";
    let row = row!(tx, Row, sql, email)?;
    row.map(|row| {
        let hash = row.password_hash.clone();
        Ok((row.try_into()?, hash))
    })
    .transpose()
}

/// Includes disabled managers.
pub async fn count(tx: &mut Tx) -> Result<i64> {
    Ok(row!(tx, (i64,), "select count(*) from managers")?.map_or(0, |(count,)| count))
}

/// The active owners, at most 50.
pub async fn list_active_owners(tx: &mut Tx) -> Result<Vec<Manager>> {
    let sql =
        "select id, email, name, role, password_hash, disabled_at, last_login_at, created_at, updated_at, version,
                 exists (select 1 from oidc_identities where manager_id = managers.id) as has_identity
               from managers where role = 'owner' and disabled_at is null order by id limit 50";
    rows!(tx, Row, sql)?.into_iter().map(Manager::try_from).collect()
}

/// Counts owners who can log in.
pub async fn active_owners(tx: &mut Tx) -> Result<i64> {
    let sql = "select count(*) from managers
               where role = 'owner' and disabled_at is null and (password_hash is not null
                 or exists (select 1 from oidc_identities where manager_id = managers.id))";
    Ok(row!(tx, (i64,), sql)?.map_or(0, |(count,)| count))
}

/// Creates a manager. `Conflict` if the email address is taken.
pub async fn create(
    tx: &mut WriteTx,
    new: NewManager,
    password_hash: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Manager> {
    let manager = Manager {
        id: ManagerId::from_random(random_bytes()),
        email: new.email,
        name: new.name,
        role: new.role,
        has_password: password_hash.is_some(),
        has_identity: false,
        disabled_at: None,
        last_login_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    run!(
        tx,
        "insert into managers (id, email, name, role, password_hash, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $6, 1)",
        manager.id.as_str(),
        manager.email.as_str(),
        manager.name.as_str(),
        manager.role.key(),
        password_hash,
        now
    )?;
    Ok(manager)
}

/// Fails with `Conflict` for the last active owner and the break-glass owner.
pub async fn set_role(tx: &mut WriteTx, manager: &mut Manager, role: Role, now: DateTime<Utc>) -> Result<()> {
    if role != Role::Owner {
        super::login_policy::ensure_password_owner(tx, &manager.id).await?;
    }
    let sql = "update managers set role = $1, updated_at = $2, version = version + 1 where id = $3";
    run!(tx, sql, role.key(), now, manager.id.as_str())?;
    let was_owner = is_active_owner(manager);
    manager.role = role;
    manager.version += 1;
    if was_owner { ensure_an_owner(tx).await } else { Ok(()) }
}

/// Disables the manager and deletes their sessions, links, tokens and known browsers. `Conflict` for the last active
/// owner and the break-glass owner.
pub async fn disable(tx: &mut WriteTx, manager: &mut Manager, now: DateTime<Utc>) -> Result<()> {
    super::login_policy::ensure_password_owner(tx, &manager.id).await?;
    let sql = "update managers set disabled_at = $1, updated_at = $1, version = version + 1 where id = $2";
    run!(tx, sql, now, manager.id.as_str())?;
    super::sessions::delete_for_manager(tx, &manager.id, None).await?;
    super::one_time_links::delete_for_manager(tx, &manager.id).await?;
    super::known_browsers::delete_for_manager(tx, &manager.id).await?;
    super::api_tokens::delete_for_manager(tx, &manager.id).await?;
    let was_owner = is_active_owner(manager);
    manager.disabled_at = Some(now);
    manager.version += 1;
    if was_owner { ensure_an_owner(tx).await } else { Ok(()) }
}

/// Deletes all sessions, links, tokens and known browsers of a manager without a role at the identity provider, and
/// returns whether there were any. Keeps the manager's password and passkeys, which the provider doesn't manage.
/// `Conflict` for the last active owner and the break-glass owner, who keep their access.
pub async fn revoke_access(tx: &mut WriteTx, manager: &Manager) -> Result<bool> {
    super::login_policy::ensure_password_owner(tx, &manager.id).await?;
    if is_active_owner(manager) && active_owners(tx).await? == 1 {
        return Err(Error::Conflict(LAST_OWNER));
    }
    let sessions = super::sessions::delete_for_manager(tx, &manager.id, None).await?;
    let tokens = super::api_tokens::delete_for_manager(tx, &manager.id).await?;
    let links = super::one_time_links::delete_for_manager(tx, &manager.id).await?;
    let devices = super::known_browsers::delete_for_manager(tx, &manager.id).await?;
    Ok(sessions + tokens + links + devices > 0)
}

pub async fn enable(tx: &mut WriteTx, manager: &mut Manager, now: DateTime<Utc>) -> Result<()> {
    let sql = "update managers set disabled_at = null, updated_at = $1, version = version + 1 where id = $2";
    run!(tx, sql, now, manager.id.as_str())?;
    manager.disabled_at = None;
    manager.version += 1;
    Ok(())
}

/// Sets the password hash and deletes the manager's other sessions (all but `keep`), links, known browsers and counted
/// login failures.
pub async fn set_password(
    tx: &mut WriteTx,
    manager: &mut Manager,
    hash: &str,
    keep: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "update managers set password_hash = $1, updated_at = $2, version = version + 1 where id = $3";
    run!(tx, sql, hash, now, manager.id.as_str())?;
    super::sessions::delete_for_manager(tx, &manager.id, keep).await?;
    super::one_time_links::delete_for_manager(tx, &manager.id).await?;
    super::known_browsers::delete_for_manager(tx, &manager.id).await?;
    super::login_failures::clear(tx, &manager.id).await?;
    manager.has_password = true;
    manager.version += 1;
    Ok(())
}

/// Replaces the hash with one of stronger parameters, unless the password changed since it was `compared`.
pub async fn record_password(tx: &mut WriteTx, id: &ManagerId, compared: &str, rehashed: Option<&str>) -> Result<()> {
    let Some(hash) = rehashed else { return Ok(()) };
    let sql = "update managers set password_hash = $1 where id = $2 and password_hash = $3";
    run!(tx, sql, hash, id.as_str(), compared)?;
    Ok(())
}

pub async fn record_login(tx: &mut WriteTx, id: &ManagerId, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update managers set last_login_at = $1 where id = $2", now, id.as_str())?;
    Ok(())
}

/// Changes the email address and deletes the manager's one-time links. `Conflict` if the address is taken.
pub async fn set_email(tx: &mut WriteTx, manager: &mut Manager, email: String, now: DateTime<Utc>) -> Result<()> {
    let sql = "update managers set email = $1, updated_at = $2, version = version + 1 where id = $3";
    run!(tx, sql, email.as_str(), now, manager.id.as_str())?;
    super::one_time_links::delete_for_manager(tx, &manager.id).await?;
    manager.email = email;
    manager.version += 1;
    Ok(())
}

/// An owner who can log in.
pub(super) fn is_active_owner(manager: &Manager) -> bool {
    manager.role == Role::Owner && manager.is_active() && !manager.is_invited()
}

/// Call after removing an active owner: `Conflict` if none is left. Don't call otherwise: before the first owner
/// accepts the invitation, other managers may still be changed.
pub(super) async fn ensure_an_owner(tx: &mut WriteTx) -> Result<()> {
    if active_owners(tx).await? == 0 {
        return Err(Error::Conflict(LAST_OWNER));
    }
    Ok(())
}

impl TryFrom<Row> for Manager {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: ManagerId::parse(&row.id).ok_or_else(|| Error::other("a manager's id"))?,
            email: row.email,
            name: row.name,
            role: Role::from_key(&row.role).ok_or_else(|| Error::other("a manager's role"))?,
            has_password: row.password_hash.is_some(),
            has_identity: row.has_identity,
            disabled_at: row.disabled_at,
            last_login_at: row.last_login_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
