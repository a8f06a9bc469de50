//! The settings that the commands know, from the declarations of their flags.

use std::any::TypeId;
use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::redact;

/// Similar enough to be a typing mistake; the limit that clap uses for flags.
const LIKELY_MISTAKE: f64 = 0.7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Switch,
    List,
}

/// A flag that is an environment variable too.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What clap calls it.
    pub id: String,
    /// The long flag, which is also the key in the settings file.
    pub name: String,
    pub variable: String,
    pub kind: Kind,
    pub is_secret: bool,
    pub is_hidden: bool,
    /// The first sentence of the help text.
    pub help: String,
    parser: ValueParser,
    delimiter: Option<char>,
}

impl Setting {
    /// None if the argument is no setting: it has no long flag or no variable.
    pub fn from_arg(arg: &Arg) -> Option<Self> {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Some(Self {
            id: arg.get_id().to_string(),
            name: arg.get_long()?.to_owned(),
            variable: arg.get_env()?.to_string_lossy().into_owned(),
            kind: kind_of(arg),
            is_secret: arg.is_hide_env_values_set(),
            is_hidden: arg.is_hide_set(),
            help: first_sentence(&help).to_owned(),
            parser: arg.get_value_parser().clone(),
            delimiter: arg.get_value_delimiter(),
        })
    }

    /// Whether a key of the settings file may have this name.
    pub fn is_key(&self) -> bool {
        !self.is_hidden && self.id != super::FILE_SETTING
    }

    pub fn has_secret(&self, value: &str) -> bool {
        redact::hide_secrets(value, self.is_secret) != value
    }

    /// The flag's own parser judges the values. The error says what is wrong with them, without a secret.
    pub fn check(&self, values: &[OsString]) -> Result<(), String> {
        let mut arg =
            Arg::new("value").long("value").value_parser(self.parser.clone()).action(ArgAction::Append).num_args(1);
        if let Some(delimiter) = self.delimiter {
            arg = arg.value_delimiter(delimiter);
        }
        let command = Command::new("candor").no_binary_name(true).disable_help_flag(true).arg(arg);
        let words = values.iter().map(|value| {
            let mut word = OsString::from("--value=");
            word.push(value);
            word
        });
        let Err(error) = command.try_get_matches_from(words) else { return Ok(()) };
        let reason = describe_refusal(&error);
        Err(if self.is_secret || self.help.is_empty() { reason } else { format!("{reason} ({})", self.help) })
    }
}

fn kind_of(arg: &Arg) -> Kind {
    let numbers = [
        TypeId::of::<i32>(),
        TypeId::of::<i64>(),
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
    ];
    if !arg.get_action().takes_values() {
        Kind::Switch
    } else if arg.get_value_delimiter().is_some() {
        Kind::List
    } else if numbers.iter().any(|number| arg.get_value_parser().type_id() == *number) {
        Kind::Number
    } else {
        Kind::Text
    }
}

fn describe_refusal(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::InvalidUtf8 {
        return "is not UTF-8".to_owned();
    }
    if let Some(ContextValue::Strings(allowed)) = error.get(ContextKind::ValidValue)
        && !allowed.is_empty()
    {
        return format!("must be one of: {}", allowed.join(", "));
    }
    let reason = std::error::Error::source(error).map(ToString::to_string);
    reason.unwrap_or_else(|| "is not a value that it takes".to_owned())
}

/// Up to a colon's or a bracket's explanation, a full stop or a semicolon before a blank.
fn first_sentence(help: &str) -> &str {
    let end = [". ", "; ", " ["].iter().filter_map(|mark| help.find(mark)).min();
    &help[..end.unwrap_or(help.len())]
}

/// All settings of a command and those below it. Where commands share a name, the visible one counts, then the first.
pub fn all_settings(command: &Command) -> Vec<Setting> {
    let mut found: Vec<Setting> = Vec::new();
    visit(command, &mut |setting| match found.iter_mut().find(|known| known.name == setting.name) {
        Some(known) if known.is_hidden && !setting.is_hidden => *known = setting,
        Some(_) => {}
        None => found.push(setting),
    });
    found
}

fn visit(command: &Command, visitor: &mut impl FnMut(Setting)) {
    command.get_arguments().filter_map(Setting::from_arg).for_each(&mut *visitor);
    for command in command.get_subcommands() {
        visit(command, visitor);
    }
}

/// The candidate that is most like `name`, if one is.
pub fn nearest_name<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &&str| strsim::jaro(name, candidate);
    let likely = candidates.into_iter().filter(|candidate| likeness(candidate) > LIKELY_MISTAKE);
    likely.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn setting(name: &str) -> Setting {
        all_settings(&Cli::command()).into_iter().find(|setting| setting.name == name).unwrap()
    }

    #[test]
    fn visible_settings_of_serve_are_known() {
        assert_eq!((setting("listen").variable.as_str(), setting("listen").is_hidden), ("CANDOR_LISTEN", false));
        let kinds = ["base-url", "api-writes", "log-json", "trusted-proxies"].map(|name| setting(name).kind);
        assert_eq!(kinds, [Kind::Text, Kind::Number, Kind::Switch, Kind::List]);
        assert!(setting("smtp-url").is_secret && !setting("smtp-from").is_secret);
    }

    #[test]
    fn values_are_judged_by_the_parser_of_the_flag() {
        let check = |name: &str, value: &str| setting(name).check(&[value.into()]);
        assert_eq!(check("api-writes", "60"), Ok(()));
        let error = check("api-writes", "200000").unwrap_err();
        assert_eq!(error, "200000 is not in 1..=100000 (Write requests per minute and API token)");
        assert!(check("log-json", "yes").is_ok() && check("log-json", "perhaps").is_err());
        assert!(check("trusted-proxies", "10.0.0.0/8,192.0.2.1").is_ok());
        assert!(check("trusted-proxies", "10.0.0.0/8,everyone").is_err());
        assert!(check("oidc-second-factor", "sometimes").is_err());
    }

    #[test]
    fn nearest_name_is_a_likely_mistake() {
        assert_eq!(nearest_name("smtp-ulr", ["smtp-url", "smtp-from"]), Some("smtp-url"));
        assert_eq!(nearest_name("colour", ["smtp-url", "listen"]), None);
    }
}
