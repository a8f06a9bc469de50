use super::{Fields, NewComponent, parse_required_line};
use crate::domain::component::{MAX_NAME, is_same_name};
use crate::domain::{Component, Invalid, Status};

/// Components that one form adds.
pub const MAX_NEW_COMPONENTS: usize = 50;

/// Names of new components, one a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComponentNamesForm {
    pub names: String,
}

impl ComponentNamesForm {
    pub fn read(fields: &Fields) -> Self {
        Self { names: fields.text("names") }
    }

    /// The components, operational and without a group. `known` are those that the page has.
    pub fn parse(&self, known: &[Component]) -> Result<Vec<NewComponent>, Invalid> {
        let lines: Vec<&str> = self.names.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return Err(Invalid::field("names", "Enter at least one name, or skip this step."));
        }
        if lines.len() > MAX_NEW_COMPONENTS {
            return Err(Invalid::field(
                "names",
                format!("At most {MAX_NEW_COMPONENTS} lines; this has {}.", lines.len()),
            ));
        }
        let mut new: Vec<NewComponent> = Vec::new();
        for line in lines {
            let name = parse_required_line(line, MAX_NAME, "Enter a name.")
                .map_err(|reason| Invalid::field("names", format!("“{}”: {reason}", shorten(line))))?;
            let is_known = known.iter().any(|it| is_same_name(&it.name, &name));
            if is_known || new.iter().any(|it| is_same_name(&it.name, &name)) {
                return Err(Invalid::field("names", format!("“{name}” is there twice.")));
            }
            new.push(NewComponent {
                name,
                description: String::new(),
                group_id: None,
                status: Status::Operational,
                position: None,
                start_date: None,
                only_show_if_degraded: false,
            });
        }
        Ok(new)
    }
}

fn shorten(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(names: &str) -> Result<Vec<String>, String> {
        let form = ComponentNamesForm { names: names.into() };
        let names = |new: Vec<NewComponent>| new.into_iter().map(|it| it.name).collect();
        form.parse(&[]).map(names).map_err(|wrong| wrong.get("names").unwrap_or_default().to_owned())
    }

    #[test]
    fn each_line_is_a_component() {
        assert_eq!(parsed(" Website\n\nAPI \r\nSign-in\n").unwrap(), ["Website", "API", "Sign-in"]);
    }

    #[test]
    fn names_are_limited_and_unique() {
        assert!(parsed(" \n").unwrap_err().contains("at least one"));
        assert!(parsed("API\nWeb\napi").unwrap_err().contains("twice"));
        assert!(parsed(&"x".repeat(MAX_NAME + 1)).unwrap_err().contains("At most"));
        let many: Vec<String> = (0..=MAX_NEW_COMPONENTS).map(|n| n.to_string()).collect();
        assert!(parsed(&many.join("\n")).unwrap_err().contains("At most 50"));
    }
}
