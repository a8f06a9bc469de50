use chrono::NaiveDate;

use super::{Fields, parse_line, parse_required_line};
use crate::domain::component::{MAX_DESCRIPTION, MAX_NAME, is_same_name};
use crate::domain::component_order::LAST_POSITION;
use crate::domain::parse_time::parse_day;
use crate::domain::{Component, Group, GroupId, Invalid, Status};

const MAX_POSITION: i64 = 10_000;

#[derive(Clone, Debug, Default)]
pub struct ComponentForm {
    pub name: String,
    pub description: String,
    /// Empty for no group.
    pub group: String,
    pub status: String,
    /// Empty for the last position.
    pub position: String,
    /// The position when the form was opened; an equal `position` moves nothing.
    pub opened_position: String,
    pub start_date: String,
    pub only_show_if_degraded: bool,
    /// Names of further components with the same group and status, one a line.
    pub more_names: String,
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct NewComponent {
    pub name: String,
    pub description: String,
    pub group_id: Option<GroupId>,
    pub status: Status,
    pub position: Option<i64>,
    pub start_date: Option<NaiveDate>,
    pub only_show_if_degraded: bool,
}

#[derive(Clone, Debug, Default)]
pub struct GroupForm {
    pub name: String,
    pub description: String,
    /// Empty for the last position.
    pub position: String,
    /// The position when the form was opened; an equal `position` moves nothing.
    pub opened_position: String,
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct NewGroup {
    pub name: String,
    pub description: String,
    pub position: Option<i64>,
}

impl ComponentForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            description: fields.text("description"),
            group: fields.text("group"),
            status: fields.text("status"),
            position: fields.text("position"),
            opened_position: fields.text("opened_position"),
            start_date: fields.text("start_date"),
            only_show_if_degraded: fields.has("only_show_if_degraded"),
            more_names: fields.text("more_names"),
            version: fields.version(),
        }
    }

    pub fn from_component(component: &Component) -> Self {
        Self {
            name: component.name.clone(),
            description: component.description.clone(),
            group: component.group_id.as_ref().map(GroupId::to_string).unwrap_or_default(),
            status: component.status.key().to_owned(),
            position: component.position.to_string(),
            opened_position: component.position.to_string(),
            start_date: component.start_date.map(|day| day.to_string()).unwrap_or_default(),
            only_show_if_degraded: component.only_show_if_degraded,
            more_names: String::new(),
            version: component.version,
        }
    }

    pub fn parse(&self) -> Result<NewComponent, Invalid> {
        let mut invalid = Invalid::new();
        let name = invalid.take("name", parse_required_line(&self.name, MAX_NAME, "Give the component a name."));
        let description = invalid.take("description", parse_line(&self.description, MAX_DESCRIPTION));
        let status = Status::from_key(&self.status).ok_or_else(|| "Choose a status from the list.".to_owned());
        let status = invalid.take("status", status);
        let position = invalid.take("position", parse_position(&self.position, &self.opened_position));
        let group = match self.group.as_str() {
            "" => Ok(None),
            id => GroupId::parse(id).map(Some).ok_or_else(|| "Choose a group from the list.".to_owned()),
        };
        let group_id = invalid.take("group", group);
        let day = if self.start_date.trim().is_empty() { Ok(None) } else { parse_day(&self.start_date).map(Some) };
        let start_date = invalid.take("start_date", day);
        let more_names = invalid.take("more_names", self.parse_more_names());
        match (name, description, status, position, group_id, start_date) {
            _ if more_names.is_none() => Err(invalid),
            (Some(name), Some(description), Some(status), Some(position), Some(group_id), Some(start_date)) => {
                Ok(NewComponent {
                    name,
                    description,
                    group_id,
                    status,
                    position,
                    start_date,
                    only_show_if_degraded: self.only_show_if_degraded,
                })
            }
            _ => Err(invalid),
        }
    }

    /// Each name once.
    pub fn parse_more_names(&self) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = Vec::new();
        for line in self.more_names.lines().filter(|line| !line.trim().is_empty()) {
            let name = parse_line(line, MAX_NAME).map_err(|message| format!("“{}”: {message}", line.trim()))?;
            if names.iter().chain([&self.name]).any(|other| is_same_name(other, &name)) {
                return Err(format!("“{name}” is listed twice."));
            }
            names.push(name);
        }
        Ok(names)
    }
}

impl NewComponent {
    /// Another component with this name, and its group, status and start date.
    pub fn with_name(&self, name: String) -> Self {
        Self { name, description: String::new(), position: None, ..self.clone() }
    }

    /// A component that changes its group and names no position comes last there.
    pub fn apply(self, before: &Component) -> Component {
        let kept = if self.group_id == before.group_id { before.position } else { LAST_POSITION };
        let position = self.position.unwrap_or(kept);
        Component {
            group_id: self.group_id,
            name: self.name,
            description: self.description,
            status: self.status,
            position,
            start_date: self.start_date,
            only_show_if_degraded: self.only_show_if_degraded,
            ..before.clone()
        }
    }
}

impl GroupForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            description: fields.text("description"),
            position: fields.text("position"),
            opened_position: fields.text("opened_position"),
            version: fields.version(),
        }
    }

    pub fn from_group(group: &Group) -> Self {
        Self {
            name: group.name.clone(),
            description: group.description.clone(),
            position: group.position.to_string(),
            opened_position: group.position.to_string(),
            version: group.version,
        }
    }

    pub fn parse(&self) -> Result<NewGroup, Invalid> {
        let mut invalid = Invalid::new();
        let name = invalid.take("name", parse_required_line(&self.name, MAX_NAME, "Give the group a name."));
        let description = invalid.take("description", parse_line(&self.description, MAX_DESCRIPTION));
        let position = invalid.take("position", parse_position(&self.position, &self.opened_position));
        match (name, description, position) {
            (Some(name), Some(description), Some(position)) => Ok(NewGroup { name, description, position }),
            _ => Err(invalid),
        }
    }
}

/// `None` if it is as `opened`; [`LAST_POSITION`] if it was emptied.
fn parse_position(text: &str, opened: &str) -> Result<Option<i64>, String> {
    match text.trim() {
        text if text == opened.trim() => Ok(None),
        "" => Ok(Some(LAST_POSITION)),
        text => match text.parse() {
            Ok(place @ 1..=MAX_POSITION) => Ok(Some(place)),
            _ => Err(format!("Enter a position from 1 to {MAX_POSITION}, or leave it empty for last.")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_needs_a_name_and_a_status() {
        let invalid = ComponentForm::default().parse().unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["name", "status"]);
    }

    #[test]
    fn position_starts_at_one() {
        assert_eq!((parse_position("", ""), parse_position("", "2")), (Ok(None), Ok(Some(LAST_POSITION))));
        assert_eq!((parse_position(" 3 ", ""), parse_position("3", "3")), (Ok(Some(3)), Ok(None)));
        for bad in ["0", "-1", "x", "10001", "1e3"] {
            assert!(parse_position(bad, "").is_err(), "{bad}");
        }
    }
}
