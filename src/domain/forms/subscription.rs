//! The form of a subscription: how, what about, which events.

use serde::{Deserialize, Serialize};

use super::Fields;
use crate::domain::subscriber::{Channel, IncidentEvents, MAX_ENDPOINT, Scope, Subscriber, parse_email};
use crate::domain::{Component, IncidentId, Invalid};

/// The value of [`SubscriptionForm::channel`] that shows the addresses of feeds, which need no subscription.
pub const FEED: &str = "feed";

const INVALID_EMAIL: &str = "Enter a valid e-mail address, like name@example.org.";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionForm {
    /// A key of [`Channel::PUBLIC`], or [`FEED`].
    pub channel: String,
    pub email: String,
    pub endpoint: String,
    pub choice: ChoiceForm,
}

/// What a subscriber chooses: components and events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceForm {
    pub some_components: bool,
    /// The ids of groups whose components are all chosen.
    pub groups: Vec<String>,
    pub components: Vec<String>,
    /// The id of an incident; empty for the page or its components.
    pub incident: String,
    pub incidents: bool,
    /// A key of [`IncidentEvents`].
    pub detail: String,
    pub maintenance: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubscription {
    pub channel: Channel,
    pub email: String,
    /// Not parsed yet; `None` for e-mail.
    pub endpoint: Option<String>,
    pub choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub scope: Scope,
    pub incidents: IncidentEvents,
    pub maintenance: bool,
}

impl Default for ChoiceForm {
    fn default() -> Self {
        Self {
            some_components: false,
            groups: Vec::new(),
            components: Vec::new(),
            incident: String::new(),
            incidents: true,
            detail: IncidentEvents::All.key().to_owned(),
            maintenance: true,
        }
    }
}

impl Default for SubscriptionForm {
    fn default() -> Self {
        Self {
            channel: Channel::Email.key().to_owned(),
            email: String::new(),
            endpoint: String::new(),
            choice: ChoiceForm::default(),
        }
    }
}

impl SubscriptionForm {
    /// The form that a link opens: for one incident or one component.
    pub fn from_query(query: &Fields) -> Self {
        let components = query.values("component");
        let choice = ChoiceForm {
            some_components: !components.is_empty(),
            components,
            incident: query.text("incident"),
            ..ChoiceForm::default()
        };
        Self { choice, ..Self::default() }
    }

    pub fn read(fields: &Fields) -> Self {
        Self {
            channel: fields.text("channel"),
            email: fields.text("email"),
            endpoint: fields.text("endpoint"),
            choice: ChoiceForm::read(fields),
        }
    }

    pub fn parse(&self, components: &[Component]) -> Result<NewSubscription, Invalid> {
        let mut invalid = Invalid::new();
        let channel = Channel::from_key(&self.channel).filter(|channel| Channel::PUBLIC.contains(channel));
        if channel.is_none() {
            let message = match self.channel.as_str() {
                FEED => "Feeds need no subscription: add one of the URLs to your program.",
                _ => "Choose how you want to get updates.",
            };
            invalid.add("channel", message);
        }
        let email = parse_email(&self.email);
        if email.is_none() {
            invalid.add("email", INVALID_EMAIL);
        }
        let endpoint = self.endpoint.trim();
        let takes_endpoint = channel.is_some_and(|channel| channel != Channel::Email);
        if takes_endpoint && endpoint.is_empty() {
            invalid.add("endpoint", "Enter the URL that gets the messages.");
        } else if takes_endpoint && endpoint.len() > MAX_ENDPOINT {
            invalid.add("endpoint", format!("A URL has at most {MAX_ENDPOINT} bytes."));
        }
        let choice = self.choice.parse(components).map_err(|wrong| invalid.merge(wrong)).ok();
        match (channel, email, choice) {
            (Some(channel), Some(email), Some(choice)) if invalid.is_empty() => {
                let endpoint = takes_endpoint.then(|| endpoint.to_owned());
                Ok(NewSubscription { channel, email, endpoint, choice })
            }
            _ => Err(invalid),
        }
    }
}

impl ChoiceForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            some_components: fields.text("scope") == "components",
            groups: fields.values("group"),
            components: fields.values("component"),
            incident: fields.text("incident"),
            incidents: fields.has("incidents"),
            detail: fields.text("detail"),
            maintenance: fields.has("maintenance"),
        }
    }

    pub fn from_subscriber(subscriber: &Subscriber) -> Self {
        let components: Vec<String> = match &subscriber.scope {
            Scope::Components(ids) => ids.iter().map(ToString::to_string).collect(),
            Scope::Page | Scope::Incident(_) => Vec::new(),
        };
        let incident = match &subscriber.scope {
            Scope::Incident(id) => id.to_string(),
            Scope::Page | Scope::Components(_) => String::new(),
        };
        let gets_incidents = subscriber.incidents != IncidentEvents::None;
        let detail = if gets_incidents { subscriber.incidents } else { IncidentEvents::All };
        Self {
            some_components: matches!(subscriber.scope, Scope::Components(_)),
            groups: Vec::new(),
            components,
            incident,
            incidents: gets_incidents,
            detail: detail.key().to_owned(),
            maintenance: subscriber.maintenance,
        }
    }

    /// Whether a component is chosen, itself or with its group.
    pub fn has_component(&self, component: &Component) -> bool {
        let in_group = component.group_id.as_ref().is_some_and(|group| self.has_group(group.as_str()));
        in_group || self.components.iter().any(|id| id == component.id.as_str())
    }

    pub fn has_group(&self, group: &str) -> bool {
        self.groups.iter().any(|id| id == group)
    }

    /// `components` are those of the page; others are ignored.
    pub fn parse(&self, components: &[Component]) -> Result<Choice, Invalid> {
        if !self.incident.is_empty() {
            let id = IncidentId::parse(&self.incident);
            let id = id.ok_or_else(|| Invalid::field("incident", "Unknown incident."))?;
            return Ok(Choice { scope: Scope::Incident(id), incidents: IncidentEvents::All, maintenance: false });
        }
        let mut invalid = Invalid::new();
        let chosen = components.iter().filter(|component| self.has_component(component));
        let scope = match self.some_components {
            true => Scope::Components(chosen.map(|component| component.id.clone()).collect()),
            false => Scope::Page,
        };
        if matches!(&scope, Scope::Components(ids) if ids.is_empty()) {
            invalid.add("scope", "Choose at least one component, or all components.");
        }
        let detail = IncidentEvents::from_key(&self.detail).filter(|detail| *detail != IncidentEvents::None);
        let incidents = if self.incidents { detail.unwrap_or_default() } else { IncidentEvents::None };
        if incidents == IncidentEvents::None && !self.maintenance {
            invalid.add("incidents", "Choose at least one kind of events.");
        }
        invalid.check().map(|()| Choice { scope, incidents, maintenance: self.maintenance })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::{ComponentId, GroupId, Status};

    fn component(id: &str, group: Option<&str>) -> Component {
        Component {
            id: ComponentId::parse(id).unwrap(),
            group_id: group.and_then(GroupId::parse),
            name: id.into(),
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

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn parse(pairs: &[(&str, &str)]) -> Result<NewSubscription, Invalid> {
        let page = [component("tiles", Some("maps")), component("styles", Some("maps")), component("login", None)];
        SubscriptionForm::read(&fields(pairs)).parse(&page)
    }

    const WHOLE: [(&str, &str); 4] =
        [("channel", "email"), ("email", " Ines@Example.org"), ("incidents", "1"), ("maintenance", "1")];

    #[test]
    fn whole_page_is_the_default() {
        let found = parse(&WHOLE).unwrap();
        assert_eq!((found.channel, found.email.as_str(), found.endpoint), (Channel::Email, "ines@example.org", None));
        let choice = Choice { scope: Scope::Page, incidents: IncidentEvents::All, maintenance: true };
        assert_eq!(found.choice, choice);
    }

    #[test]
    fn a_group_stands_for_its_components() {
        let chosen = [("scope", "components"), ("group", "maps"), ("component", "login"), ("component", "other")];
        let Scope::Components(ids) = parse(&[&WHOLE[..], &chosen].concat()).unwrap().choice.scope else { panic!() };
        assert_eq!(ids.iter().map(ComponentId::as_str).collect::<Vec<_>>(), ["tiles", "styles", "login"]);
        assert!(parse(&[&WHOLE[..], &chosen[..1]].concat()).unwrap_err().get("scope").is_some());
    }

    #[test]
    fn every_question_needs_an_answer() {
        let wrong = parse(&[("channel", "pagerduty"), ("email", "ines")]).unwrap_err();
        assert_eq!(wrong.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["channel", "email", "incidents"]);
        let hook = |url: &str| parse(&[&WHOLE[1..], &[("channel", "webhook"), ("endpoint", url)]].concat());
        assert!(hook(" ").unwrap_err().get("endpoint").is_some());
        assert!(hook(&"x".repeat(MAX_ENDPOINT + 1)).unwrap_err().get("endpoint").is_some());
        assert_eq!(hook(" https://hooks.example.org ").unwrap().endpoint.unwrap(), "https://hooks.example.org");
    }

    #[test]
    fn an_incident_has_no_other_choices() {
        let found = parse(&[&WHOLE[..2], &[("incident", "i1")]].concat()).unwrap().choice;
        assert_eq!((found.incidents, found.maintenance), (IncidentEvents::All, false));
        assert!(parse(&[&WHOLE[..], &[("incident", "a b")]].concat()).unwrap_err().get("incident").is_some());
    }
}
