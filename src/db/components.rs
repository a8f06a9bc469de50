//! Components and their groups.

use chrono::{DateTime, NaiveDate, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx, api_metadata};
use crate::credentials::random_bytes;
use crate::domain::forms::{NewComponent, NewGroup};
use crate::domain::{Component, ComponentId, Group, GroupId, Status};

/// One page shows all components and groups.
pub const MAX_COMPONENTS: u16 = 2000;
const MAX_GROUPS: i64 = 500;

#[apply(from_row!)]
struct Row {
    id: String,
    group_id: Option<String>,
    name: String,
    description: String,
    status: String,
    position: i64,
    start_date: Option<NaiveDate>,
    only_show_if_degraded: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

#[apply(from_row!)]
struct GroupRow {
    id: String,
    name: String,
    description: String,
    position: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

/// All components in page order: by the position of the group, or of a component without a group, then by position in
/// the group.
pub async fn list(tx: &mut Tx) -> Result<Vec<Component>> {
    let sql = "select c.id, c.group_id, c.name, c.description, c.status, c.position, c.start_date,
                      c.only_show_if_degraded, c.created_at, c.updated_at, c.version
               from components c left join component_groups g on g.id = c.group_id
               order by coalesce(g.position, c.position), coalesce(g.id, ''), c.position, c.created_at, c.id";
    rows!(tx, Row, sql)?.into_iter().map(Component::try_from).collect()
}

pub async fn find(tx: &mut Tx, id: &ComponentId) -> Result<Component> {
    let sql = "select id, group_id, name, description, status, position, start_date, only_show_if_degraded,
                      created_at, updated_at, version
               from components where id = $1";
    row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// Creates a component, by default at the end of its group. `NotFound` if the group does not exist; other errors as
/// [`insert`].
pub async fn create(tx: &mut WriteTx, new: NewComponent, now: DateTime<Utc>) -> Result<Component> {
    let position = match new.position {
        Some(position) => position,
        None => last_position(tx, new.group_id.as_ref()).await? + 1,
    };
    let component = Component {
        id: ComponentId::from_random(random_bytes()),
        group_id: new.group_id,
        name: new.name,
        description: new.description,
        status: new.status,
        position,
        start_date: new.start_date,
        only_show_if_degraded: new.only_show_if_degraded,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    insert(tx, &component).await?;
    Ok(component)
}

/// Adds `component` unchanged, as an import does. `Conflict` if the id is taken, `Full` at the limit, `NotFound` if the
/// group does not exist.
pub async fn insert(tx: &mut WriteTx, component: &Component) -> Result<()> {
    let count = row!(tx, (i64,), "select count(*) from components")?;
    if count.is_some_and(|(count,)| count >= i64::from(MAX_COMPONENTS)) {
        return Err(Error::Full("Limit reached (2000 components). Delete some first."));
    }
    if let Some(group) = &component.group_id {
        find_group(tx, group).await?;
    }
    run!(
        tx,
        "insert into components (id, group_id, name, description, status, position, start_date, only_show_if_degraded,
                                 created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        component.id.as_str(),
        component.group_id.as_ref().map(GroupId::as_str),
        component.name.as_str(),
        component.description.as_str(),
        component.status.key(),
        component.position,
        component.start_date,
        component.only_show_if_degraded,
        component.created_at,
        component.updated_at,
        component.version
    )?;
    // The status before the last change is unknown, so another status than operational counts from the last change on.
    record_baseline(tx, &component.id, Status::Operational, component.created_at).await?;
    let since = if component.status == Status::Operational { component.created_at } else { component.updated_at };
    record_baseline(tx, &component.id, component.status, since.max(component.created_at)).await
}

/// Saves `component` and increments its version. `Conflict` if the stored version differs, `NotFound` if the group does
/// not exist.
pub async fn update(tx: &mut WriteTx, component: &mut Component, now: DateTime<Utc>) -> Result<()> {
    if let Some(group) = &component.group_id {
        find_group(tx, group).await?;
    }
    let current = find(tx, &component.id).await?;
    let changed = run!(
        tx,
        "update components set group_id = $1, name = $2, description = $3, status = $4, position = $5, start_date = $6,
                               only_show_if_degraded = $7, updated_at = $8, version = version + 1
         where id = $9 and version = $10",
        component.group_id.as_ref().map(GroupId::as_str),
        component.name.as_str(),
        component.description.as_str(),
        component.status.key(),
        component.position,
        component.start_date,
        component.only_show_if_degraded,
        now,
        component.id.as_str(),
        component.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the component was changed in the meantime"));
    }
    if current.status != component.status {
        record_baseline(tx, &component.id, component.status, now).await?;
    }
    component.version += 1;
    component.updated_at = now;
    Ok(())
}

/// Renumbers a component without a new version: its neighbors moved, not the component.
pub async fn set_position(tx: &mut WriteTx, id: &ComponentId, position: i64) -> Result<()> {
    run!(tx, "update components set position = $1 where id = $2", position, id.as_str())?;
    Ok(())
}

/// As [`set_position`], for a group.
pub async fn set_group_position(tx: &mut WriteTx, id: &GroupId, position: i64) -> Result<()> {
    run!(tx, "update component_groups set position = $1 where id = $2", position, id.as_str())?;
    Ok(())
}

/// Deletes a component; incidents keep its name and status.
pub async fn delete(tx: &mut WriteTx, id: &ComponentId) -> Result<()> {
    api_metadata::delete(tx, id.as_str()).await?;
    run!(tx, "delete from components where id = $1", id.as_str())?;
    Ok(())
}

pub async fn list_groups(tx: &mut Tx) -> Result<Vec<Group>> {
    let sql = "select id, name, description, position, created_at, updated_at, version
               from component_groups order by position, created_at, id";
    rows!(tx, GroupRow, sql)?.into_iter().map(Group::try_from).collect()
}

pub async fn find_group(tx: &mut Tx, id: &GroupId) -> Result<Group> {
    let sql = "select id, name, description, position, created_at, updated_at, version
               from component_groups where id = $1";
    row!(tx, GroupRow, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// Creates a group, by default at the end of the page.
pub async fn create_group(tx: &mut WriteTx, new: NewGroup, now: DateTime<Utc>) -> Result<Group> {
    let position = match new.position {
        Some(position) => position,
        None => last_position(tx, None).await? + 1,
    };
    let group = Group {
        id: GroupId::from_random(random_bytes()),
        name: new.name,
        description: new.description,
        position,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    insert_group(tx, &group).await?;
    Ok(group)
}

/// Adds `group` unchanged, as an import does. `Conflict` if the id is taken, `Full` at the limit.
pub async fn insert_group(tx: &mut WriteTx, group: &Group) -> Result<()> {
    let count = row!(tx, (i64,), "select count(*) from component_groups")?;
    if count.is_some_and(|(count,)| count >= MAX_GROUPS) {
        return Err(Error::Full("Limit reached (500 groups). Delete some first."));
    }
    run!(
        tx,
        "insert into component_groups (id, name, description, position, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7)",
        group.id.as_str(),
        group.name.as_str(),
        group.description.as_str(),
        group.position,
        group.created_at,
        group.updated_at,
        group.version
    )?;
    Ok(())
}

/// Saves `group` and increments its version. `Conflict` if the stored version differs.
pub async fn update_group(tx: &mut WriteTx, group: &mut Group, now: DateTime<Utc>) -> Result<()> {
    let changed = run!(
        tx,
        "update component_groups set name = $1, description = $2, position = $3, updated_at = $4, version = version + 1
         where id = $5 and version = $6",
        group.name.as_str(),
        group.description.as_str(),
        group.position,
        now,
        group.id.as_str(),
        group.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the group was changed in the meantime"));
    }
    group.version += 1;
    group.updated_at = now;
    Ok(())
}

/// Deletes a group; its components stay without a group.
pub async fn delete_group(tx: &mut WriteTx, id: &GroupId) -> Result<()> {
    run!(tx, "update components set group_id = null, version = version + 1 where group_id = $1", id.as_str())?;
    api_metadata::delete(tx, id.as_str()).await?;
    run!(tx, "delete from component_groups where id = $1", id.as_str())?;
    Ok(())
}

/// The highest position within a group, or at the top level of the page.
async fn last_position(tx: &mut Tx, group: Option<&GroupId>) -> Result<i64> {
    let row = match group {
        Some(group) => {
            let sql = "select coalesce(max(position), 0) from components where group_id = $1";
            row!(tx, (i64,), sql, group.as_str())?
        }
        None => {
            let sql = "select coalesce(max(position), 0) from (
                         select position from components where group_id is null
                         union all select position from component_groups) as taken";
            row!(tx, (i64,), sql)?
        }
    };
    Ok(row.map_or(0, |(position,)| position))
}

async fn record_baseline(tx: &mut WriteTx, id: &ComponentId, status: Status, since: DateTime<Utc>) -> Result<()> {
    let sql = "insert into component_baselines (component_id, since, status) values ($1, $2, $3)
               on conflict (component_id, since) do update set status = excluded.status";
    run!(tx, sql, id.as_str(), since, status.key())?;
    Ok(())
}

impl TryFrom<Row> for Component {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: ComponentId::parse(&row.id).ok_or_else(|| Error::other("a component's id"))?,
            group_id: row.group_id.as_deref().and_then(GroupId::parse),
            name: row.name,
            description: row.description,
            status: Status::from_key(&row.status).ok_or_else(|| Error::other("a component's status"))?,
            position: row.position,
            start_date: row.start_date,
            only_show_if_degraded: row.only_show_if_degraded,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

impl TryFrom<GroupRow> for Group {
    type Error = Error;

    fn try_from(row: GroupRow) -> Result<Self> {
        Ok(Self {
            id: GroupId::parse(&row.id).ok_or_else(|| Error::other("a group's id"))?,
            name: row.name,
            description: row.description,
            position: row.position,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
