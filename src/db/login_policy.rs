//! The login policy for all managers: one row.

use super::{Error, Result, Tx, WriteTx};
use crate::domain::{LoginPolicy, ManagerId, PasswordPolicy};

pub async fn load(tx: &mut Tx) -> Result<LoginPolicy> {
    let sql = "select second_factor_required, api_key_in_query, break_glass_owner_id, session_idle_minutes, version
               from login_policy where id = 1";
    let row = row!(tx, (bool, bool, Option<String>, i64, i64), sql)?;
    let (second_factor_required, api_key_in_query, password_owner, session_idle_minutes, version) =
        row.ok_or(Error::NotFound)?;
    let passwords = match password_owner {
        Some(id) => PasswordPolicy::BreakGlass(ManagerId::parse(&id).ok_or_else(|| Error::other("a manager's id"))?),
        None => PasswordPolicy::Everyone,
    };
    Ok(LoginPolicy { second_factor_required, api_key_in_query, passwords, session_idle_minutes, version })
}

/// Whether the policy requires a second factor that this manager doesn't have yet.
pub async fn lacks_factor(tx: &mut Tx, manager: &ManagerId) -> Result<bool> {
    Ok(load(tx).await?.second_factor_required && !super::second_factors::load(tx, manager).await?.any())
}

/// Whether the policy lets this manager log in with a password.
pub async fn accepts_password(tx: &mut Tx, manager: &ManagerId) -> Result<bool> {
    Ok(load(tx).await?.passwords.accepted_for(manager))
}

/// Fails with `Conflict` for the break-glass owner, whose password is the only login without the identity provider.
pub(super) async fn ensure_password_owner(tx: &mut Tx, manager: &ManagerId) -> Result<()> {
    if load(tx).await?.passwords.break_glass_owner() == Some(manager) {
        return Err(Error::Conflict(
            "This owner keeps a password as the fallback. Choose another owner in the settings first.",
        ));
    }
    Ok(())
}

/// Fails with `Conflict` if the stored version differs.
pub async fn update(tx: &mut WriteTx, policy: &LoginPolicy) -> Result<()> {
    let sql = "update login_policy set second_factor_required = $1, api_key_in_query = $2, break_glass_owner_id = $3,
                      session_idle_minutes = $4, version = version + 1
               where id = 1 and version = $5";
    let password_owner = policy.passwords.break_glass_owner().map(ManagerId::as_str);
    let (factor, in_query) = (policy.second_factor_required, policy.api_key_in_query);
    let changed = run!(tx, sql, factor, in_query, password_owner, policy.session_idle_minutes, policy.version)?;
    if changed == 0 { Err(Error::Conflict("the policy was changed in the meantime")) } else { Ok(()) }
}
