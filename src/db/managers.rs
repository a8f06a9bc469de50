//! Managers.

use chrono::{DateTime, Utc};

use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::forms::NewManager;
use crate::domain::{Manager, ManagerId, Role};

/// The most owners among whom one is chosen.
const MAX_PASSWORD_OWNERS: i64 = 500;

/// Why the last owner stays one.
const LAST_OWNER: &str = "This is the only active owner. Make someone else an owner first.";

#[derive(sqlx::FromRow)]
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

/// At most `limit` managers, by name, behind the one called `cursor` where one is given. Nobody is ever deleted, so
/// that one is still there.
///
/// # Errors
/// Where the database can't be read.
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

/// The owners who can log in with a password, by name.
///
/// # Errors
/// Where the database can't be read.
pub async fn password_owners(tx: &mut Tx) -> Result<Vec<Manager>> {
    let sql =
        "select id, email, name, role, password_hash, disabled_at, last_login_at, created_at, updated_at, version,
                 exists (select 1 from oidc_identities where manager_id = managers.id) as has_identity
               from managers where role = 'owner' and disabled_at is null and password_hash is not null
               order by lower(name), id limit $1";
    rows!(tx, Row, sql, MAX_PASSWORD_OWNERS)?.into_iter().map(Manager::try_from).collect()
}

/// One manager.
///
/// # Errors
/// `NotFound` where there is none.
pub async fn find(tx: &mut Tx, id: &ManagerId) -> Result<Manager> {
    let sql =
        "select id, email, name, role, password_hash, disabled_at, last_login_at, created_at, updated_at, version,
                 exists (select 1 from oidc_identities where manager_id = managers.id) as has_identity
               from managers where id = $1";
    row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// The manager with the address `email` (lower case) and the hash of the password, if one is set. Nobody's address
/// holds a control character, and PostgreSQL would not even take the question.
///
/// # Errors
/// Where the database can't be read.
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

/// How many managers there are, disabled ones too.
///
/// # Errors
/// Where the database can't be read.
pub async fn count(tx: &mut Tx) -> Result<i64> {
    Ok(row!(tx, (i64,), "select count(*) from managers")?.map_or(0, |(count,)| count))
}

/// How many owners can log in.
///
/// # Errors
/// Where the database can't be read.
pub async fn active_owners(tx: &mut Tx) -> Result<i64> {
    let sql = "select count(*) from managers
               where role = 'owner' and disabled_at is null and (password_hash is not null
                 or exists (select 1 from oidc_identities where manager_id = managers.id))";
    Ok(row!(tx, (i64,), sql)?.map_or(0, |(count,)| count))
}

/// A manager made of `new`, with the hash of a password where one is set already.
///
/// # Errors
/// A conflict where the address is taken.
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

/// Changes the role.
///
/// # Errors
/// A conflict where nobody would be left who can administer, or whose password counts.
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

/// Disables the manager and ends all sessions, links, tokens and known browsers of theirs.
///
/// # Errors
/// A conflict where nobody would be left who can administer, or whose password counts.
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

/// Ends all sessions, links, tokens and known browsers of a manager to whom the identity provider gives no role any more;
/// tells whether there were any. A password and passkeys of their own stay: they are not the provider's.
///
/// # Errors
/// A conflict where nobody else can administer, or whose password alone counts: they stay what they are.
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

/// Lets a disabled manager log in again.
///
/// # Errors
/// Where the database can't be written.
pub async fn enable(tx: &mut WriteTx, manager: &mut Manager, now: DateTime<Utc>) -> Result<()> {
    let sql = "update managers set disabled_at = null, updated_at = $1, version = version + 1 where id = $2";
    run!(tx, sql, now, manager.id.as_str())?;
    manager.disabled_at = None;
    manager.version += 1;
    Ok(())
}

/// Sets the password's hash and ends all sessions of the manager but the one with the hash `keep`.
/// Links made before no longer work, and whoever was locked out by wrong passwords is not any more.
///
/// # Errors
/// Where the database can't be written.
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

/// Replaces the hash of a password by one with stronger parameters, where one is given. It stays where it is no longer
/// the one that was `compared`: then the password is another.
///
/// # Errors
/// Where the database can't be written.
pub async fn record_password(tx: &mut WriteTx, id: &ManagerId, compared: &str, rehashed: Option<&str>) -> Result<()> {
    let Some(hash) = rehashed else { return Ok(()) };
    let sql = "update managers set password_hash = $1 where id = $2 and password_hash = $3";
    run!(tx, sql, hash, id.as_str(), compared)?;
    Ok(())
}

/// Notes a login.
///
/// # Errors
/// Where the database can't be written.
pub async fn record_login(tx: &mut WriteTx, id: &ManagerId, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "update managers set last_login_at = $1 where id = $2", now, id.as_str())?;
    Ok(())
}

/// Changes the address the manager logs in with. Links made before no longer work.
///
/// # Errors
/// A conflict where the address is taken.
pub async fn set_email(tx: &mut WriteTx, manager: &mut Manager, email: String, now: DateTime<Utc>) -> Result<()> {
    let sql = "update managers set email = $1, updated_at = $2, version = version + 1 where id = $3";
    run!(tx, sql, email.as_str(), now, manager.id.as_str())?;
    super::one_time_links::delete_for_manager(tx, &manager.id).await?;
    manager.email = email;
    manager.version += 1;
    Ok(())
}

/// Whether the manager is one of those who can administer.
pub(super) fn is_active_owner(manager: &Manager) -> bool {
    manager.role == Role::Owner && manager.is_active() && !manager.is_invited()
}

/// Somebody must be able to administer: taking away the last active owner is not kept. Where there is
/// none yet, because the first has not accepted the invitation, others may still be changed.
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
