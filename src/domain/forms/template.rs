use std::collections::BTreeMap;

use super::{Fields, parse_body, parse_component_statuses, parse_line, parse_required_line};
use crate::domain::incident::MAX_TITLE;
use crate::domain::template::{MAX_NAME, Placeholder, TemplatePhase, fill_placeholders};
use crate::domain::{ComponentId, Invalid, Status, Template};

#[derive(Clone, Debug, Default)]
pub struct TemplateForm {
    pub name: String,
    pub title: String,
    pub phase: String,
    pub body: String,
    pub components: BTreeMap<String, String>,
    pub notify: bool,
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct NewTemplate {
    pub name: String,
    pub title: String,
    pub body: String,
    pub phase: TemplatePhase,
    pub components: Vec<(ComponentId, Status)>,
    pub notify: bool,
}

impl TemplateForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            title: fields.text("title"),
            phase: fields.text("phase"),
            body: fields.text("body"),
            components: fields.components(),
            notify: fields.notify_choice().unwrap_or(true),
            version: fields.version(),
        }
    }

    pub fn from_template(template: &Template) -> Self {
        Self {
            name: template.name.clone(),
            title: template.title.clone(),
            phase: template.phase.key().to_owned(),
            body: template.body.clone(),
            components: template.statuses(),
            notify: template.notify,
            version: template.version,
        }
    }

    pub fn parse(&self) -> Result<NewTemplate, Invalid> {
        let mut invalid = Invalid::new();
        let name = invalid.take("name", parse_required_line(&self.name, MAX_NAME, "Give the template a name."));
        let title = parse_line(&self.title, MAX_TITLE).and_then(|text| check_placeholders(text, false));
        let title = invalid.take("title", title);
        let text = invalid.take("body", parse_body(&self.body).and_then(|text| check_placeholders(text, true)));
        let phase = TemplatePhase::from_key(&self.phase).ok_or_else(|| "Choose a status.".to_owned());
        let phase = invalid.take("phase", phase);
        let components = parse_component_statuses(&self.components, &mut invalid);
        match (name, title, text, phase) {
            (Some(name), Some(title), Some(body), Some(phase)) if invalid.is_empty() => {
                Ok(NewTemplate { name, title, body, phase, components, notify: self.notify })
            }
            _ => Err(invalid),
        }
    }
}

/// Rejects unknown placeholders, and the title placeholder inside the title.
fn check_placeholders(text: String, title_is_known: bool) -> Result<String, String> {
    let known = |placeholder| (placeholder != Placeholder::Title || title_is_known).then(String::new);
    match fill_placeholders(&text, known) {
        Ok(_) => Ok(text),
        Err(name) => {
            let all = Placeholder::ALL.into_iter().filter(|placeholder| known(*placeholder).is_some());
            let all: Vec<String> = all.map(|placeholder| format!("{{{{{}}}}}", placeholder.key())).collect();
            Err(format!("Unknown placeholder {{{{{name}}}}}. Available: {}.", all.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_placeholder_is_reported_at_its_field() {
        let form = TemplateForm {
            name: "Late".into(),
            title: "{{title}}".into(),
            phase: "identified".into(),
            body: "{{unknown}} knows {{title}}".into(),
            ..Default::default()
        };
        let invalid = form.parse().unwrap_err();
        assert!(invalid.get("title").unwrap().starts_with("Unknown placeholder {{title}}."));
        assert!(invalid.get("body").unwrap().starts_with("Unknown placeholder {{unknown}}. Available: {{component}},"));
    }
}
