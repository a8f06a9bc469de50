use std::collections::BTreeSet;

use super::Fields;
use crate::domain::subscriber::{IncidentEvents, Scope, parse_email};
use crate::domain::{Component, ComponentId, Invalid, Subscriber};

/// What a manager enters for a subscriber.
#[derive(Clone, Debug, Default)]
pub struct SubscriberForm {
    pub email: String,
    /// Empty for e-mail.
    pub endpoint: String,
    /// `page` or `components`.
    pub scope: String,
    pub components: BTreeSet<String>,
    /// A key of [`IncidentEvents`].
    pub incidents: String,
    pub maintenance: bool,
    /// Whether the subscriber has agreed already and needs no confirmation.
    pub is_confirmed: bool,
    pub version: i64,
}

/// The choices of a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberChoices {
    pub scope: Scope,
    pub incidents: IncidentEvents,
    pub maintenance: bool,
}

impl SubscriberForm {
    /// The form for a new subscriber: everything.
    pub fn blank() -> Self {
        Self {
            scope: "page".into(),
            incidents: IncidentEvents::All.key().to_owned(),
            maintenance: true,
            ..Self::default()
        }
    }

    pub fn read(fields: &Fields) -> Self {
        Self {
            email: fields.text("email"),
            endpoint: fields.text("endpoint"),
            scope: fields.text("scope"),
            components: fields.values("component").into_iter().collect(),
            incidents: fields.text("incidents"),
            maintenance: fields.has("maintenance"),
            is_confirmed: fields.has("confirmed"),
            version: fields.version(),
        }
    }

    pub fn from_subscriber(subscriber: &Subscriber) -> Self {
        let components = match &subscriber.scope {
            Scope::Components(ids) => ids.iter().map(ToString::to_string).collect(),
            Scope::Page | Scope::Incident(_) => BTreeSet::new(),
        };
        Self {
            email: subscriber.email.clone().unwrap_or_default(),
            scope: if components.is_empty() { "page" } else { "components" }.to_owned(),
            components,
            incidents: subscriber.incidents.key().to_owned(),
            maintenance: subscriber.maintenance,
            version: subscriber.version,
            ..Self::default()
        }
    }

    pub fn parse_email(&self) -> Result<String, String> {
        parse_email(&self.email).ok_or_else(|| "Enter an e-mail address, like ines@example.org.".to_owned())
    }

    pub fn parse_choices(&self, known: &[Component]) -> Result<SubscriberChoices, Invalid> {
        let mut invalid = Invalid::new();
        let scope = invalid.take("scope", self.parse_scope(known));
        let incidents = IncidentEvents::from_key(&self.incidents).ok_or_else(|| "Choose from the list.".to_owned());
        let incidents = invalid.take("incidents", incidents);
        if incidents == Some(IncidentEvents::None) && !self.maintenance {
            invalid.add("incidents", "Choose at least one kind of message.");
        }
        match (scope, incidents) {
            (Some(scope), Some(incidents)) if invalid.is_empty() => {
                Ok(SubscriberChoices { scope, incidents, maintenance: self.maintenance })
            }
            _ => Err(invalid),
        }
    }

    fn parse_scope(&self, known: &[Component]) -> Result<Scope, String> {
        match self.scope.as_str() {
            "page" => return Ok(Scope::Page),
            "components" => {}
            _ => return Err("Choose the whole page or components.".into()),
        }
        let ids = self.components.iter().filter_map(|id| ComponentId::parse(id));
        let ids: Vec<ComponentId> = ids.filter(|id| known.iter().any(|component| component.id == *id)).collect();
        if ids.is_empty() {
            return Err("Choose at least one component.".into());
        }
        Ok(Scope::Components(ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_need_a_scope_and_an_event() {
        let parse = |form: SubscriberForm| form.parse_choices(&[]);
        assert_eq!(parse(SubscriberForm::blank()).unwrap().scope, Scope::Page);
        let nothing = SubscriberForm { incidents: "none".into(), maintenance: false, ..SubscriberForm::blank() };
        assert!(parse(nothing).unwrap_err().get("incidents").is_some());
        let unchosen = SubscriberForm { scope: "components".into(), ..SubscriberForm::blank() };
        assert!(parse(unchosen).unwrap_err().get("scope").is_some());
    }
}
