use super::Fields;
use crate::domain::Invalid;
use crate::domain::operator_endpoint::OperatorEndpoint;
use crate::domain::subscriber::Channel;

/// What an owner enters for a channel of the operator.
#[derive(Clone, Debug, Default)]
pub struct OperatorChannelForm {
    /// A key of [`Channel`].
    pub channel: String,
    pub server: String,
    /// The topic, chat or room.
    pub target: String,
    /// The credential; never shown again.
    secret: Secret,
}

#[derive(Clone, Default)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl OperatorChannelForm {
    pub fn read(fields: &Fields) -> Self {
        let trimmed = |name: &str| fields.text(name).trim().to_owned();
        Self {
            channel: fields.text("channel"),
            server: trimmed("server").trim_end_matches('/').to_owned(),
            target: trimmed("target"),
            secret: Secret(trimmed("password")),
        }
    }

    pub fn parse(&self) -> Result<OperatorEndpoint, Invalid> {
        let (server, target, secret) = (self.server.clone(), self.target.clone(), self.secret.0.clone());
        let endpoint = match Channel::from_key(&self.channel) {
            Some(Channel::Mattermost) => OperatorEndpoint::Mattermost { url: secret },
            Some(Channel::Ntfy) => OperatorEndpoint::Ntfy { server, topic: target, token: secret },
            Some(Channel::Telegram) => OperatorEndpoint::Telegram { token: secret, chat: target },
            Some(Channel::Matrix) => OperatorEndpoint::Matrix { server, room: target, token: secret },
            Some(Channel::Pagerduty) => OperatorEndpoint::Pagerduty { routing_key: secret },
            _ => return Err(Invalid::field("channel", "Choose a channel.")),
        };
        if !endpoint.server().starts_with("https://") && !endpoint.server().starts_with("http://") {
            let field = if endpoint.channel() == Channel::Mattermost { "password" } else { "server" };
            return Err(Invalid::field(field, "Enter the complete URL, like https://chat.example.org."));
        }
        if !endpoint.is_complete() {
            return Err(Invalid::field(
                "password",
                "Fill in every field, without spaces, as the service shows it, and enter the secret again.",
            ));
        }
        Ok(endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_channels_need_their_fields() {
        let form = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            OperatorChannelForm::read(&Fields(pairs.collect())).parse()
        };
        assert!(form(&[("channel", "email")]).unwrap_err().get("channel").is_some());
        assert!(form(&[("channel", "ntfy"), ("target", "harbor")]).unwrap_err().get("server").is_some());
        assert!(form(&[("channel", "telegram"), ("target", "1")]).unwrap_err().get("password").is_some());
        let ntfy = form(&[("channel", "ntfy"), ("server", "https://ntfy.sh/"), ("target", "harbor")]).unwrap();
        assert_eq!(ntfy.server(), "https://ntfy.sh");
    }
}
