//! `candor component …`

use anyhow::{Context as _, bail};

use super::output;
use crate::actions;
use crate::clock::Clock;
use crate::db::{Db, components, incidents, maintenances};
use crate::domain::audit::Actor;
use crate::domain::{Component, Group, Status};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List components and their status
    List,
    /// Set the manual status of a component, used when no incident is active
    Set {
        /// Name or ID, case-insensitive; "Group - Name" if the name is not unique
        name: String,
        /// operational, under_maintenance, degraded_performance, partial_outage or major_outage
        #[arg(value_parser = parse_status)]
        status: Status,
    },
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    match command {
        Command::List => list(db).await,
        Command::Set { name, status } => set_status(db, &name, status, clock).await,
    }
}

async fn list(db: &Db) -> anyhow::Result<()> {
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let (mut components, groups) = (components::list(&mut tx).await?, components::list_groups(&mut tx).await?);
    let group_place = |component: &Component| {
        groups.iter().find(|group| Some(&group.id) == component.group_id.as_ref()).map(|group| group.position)
    };
    components.sort_by_key(|component| match group_place(component) {
        Some(group) => (group, component.position),
        None => (component.position, 0),
    });
    let open = incidents::list_open(&mut tx).await?;
    let planned = maintenances::list_planned(&mut tx).await?;
    let row = |component: &Component| {
        let shows = component.effective_status(&open, &planned).key().to_owned();
        [component.id.to_string(), full_name(component, &groups), component.status.key().to_owned(), shows]
    };
    let head = ["ID", "NAME", "MANUAL", "CURRENT"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(components.iter().map(row)).collect();
    say!("{}", output::format_table(&rows));
    Ok(())
}

async fn set_status(db: &Db, name: &str, status: Status, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let (known, groups) = (components::list(&mut tx).await?, components::list_groups(&mut tx).await?);
    let mut component = find_component(&known, &groups, name)?.clone();
    if component.status == status {
        say!("{} is already set to {}.", component.name, status.key());
        return Ok(());
    }
    let before = component.clone();
    component.status = status;
    let set = actions::components::set_status(&mut tx, &before, &mut component, now).await;
    tx.commit(&Actor::shell(), now, set.map_err(output::describe_error)?).await.map_err(output::describe_error)?;
    say!("{} set to {}.", component.name, status.key());
    Ok(())
}

pub fn parse_status(key: &str) -> Result<Status, String> {
    let known = || Status::ALL.map(Status::key).join(", ");
    Status::from_key(key).ok_or_else(|| format!("use one of {}", known()))
}

pub fn parse_named_status(argument: &str) -> Result<(String, Status), String> {
    let (name, key) = argument.rsplit_once('=').ok_or("write it as NAME=STATUS, like \"API=partial_outage\"")?;
    Ok((name.trim().to_owned(), parse_status(key.trim())?))
}

/// Finds a component by id, by name, or by `Group - Name`; fails if the name is unknown or ambiguous.
pub fn find_component<'a>(components: &'a [Component], groups: &[Group], name: &str) -> anyhow::Result<&'a Component> {
    if let Some(component) = components.iter().find(|component| component.id.as_str() == name) {
        return Ok(component);
    }
    let wanted = name.to_lowercase();
    let called = |component: &&Component| {
        component.name.to_lowercase() == wanted || full_name(component, groups).to_lowercase() == wanted
    };
    let found: Vec<&Component> = components.iter().filter(called).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => {
            Err(anyhow::anyhow!("see `candor component list`")).with_context(|| format!("unknown component “{name}”"))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|component| component.id.as_str()).collect();
            bail!("“{name}” matches more than one component; use an ID: {}", ids.join(", "))
        }
    }
}

fn full_name(component: &Component, groups: &[Group]) -> String {
    let group = groups.iter().find(|group| Some(&group.id) == component.group_id.as_ref());
    group.map_or_else(|| component.name.clone(), |group| format!("{} - {}", group.name, component.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ComponentId, GroupId};
    use chrono::DateTime;

    fn group(id: &str, name: &str) -> Group {
        Group {
            id: GroupId::parse(id).unwrap(),
            name: name.into(),
            description: String::new(),
            position: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    fn component(id: &str, name: &str, group: Option<&str>) -> Component {
        Component {
            id: ComponentId::parse(id).unwrap(),
            group_id: group.and_then(GroupId::parse),
            name: name.into(),
            description: String::new(),
            status: Status::Operational,
            position: 1,
            start_date: None,
            only_show_if_degraded: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn component_is_found_by_id_name_or_group_and_name() {
        let groups = [group("g1", "Europe"), group("g2", "Asia")];
        let all = [component("a", "API", Some("g1")), component("b", "API", Some("g2")), component("c", "Web", None)];
        assert_eq!(find_component(&all, &groups, "web").unwrap().id.as_str(), "c");
        assert_eq!(find_component(&all, &groups, "b").unwrap().id.as_str(), "b");
        assert_eq!(find_component(&all, &groups, "asia - api").unwrap().id.as_str(), "b");
        assert!(find_component(&all, &groups, "api").unwrap_err().to_string().contains("more than one"));
        assert!(find_component(&all, &groups, "mail").unwrap_err().to_string().contains("unknown component"));
    }

    #[test]
    fn status_follows_the_last_equals_sign() {
        assert_eq!(parse_named_status("A=B=major_outage"), Ok(("A=B".into(), Status::MajorOutage)));
        assert!(parse_named_status("API").is_err());
        assert!(parse_named_status("API=broken").unwrap_err().contains("operational"));
    }
}
