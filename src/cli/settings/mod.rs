//! Reads the settings: a flag counts before an environment variable, that before the settings file, that before the
//! default.
//!
//! The file's values become defaults of the flags, so every command takes them with its own parsers.

mod catalogue;
mod environment;
mod file;
mod redact;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _};
use serde_json::Value;

use self::catalogue::{Kind, Setting, all_settings};
use self::file::{Place, SettingsFile};
use super::Cli;

/// The id of `--config`.
const FILE_SETTING: &str = "config_file";
const FILE_FLAG: &str = "--config";
const FILE_VARIABLE: &str = "CANDOR_CONFIG";

/// What was read beside the values.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The settings that the command knows, as its help lists them.
    pub rows: Vec<SettingRow>,
    /// Why no command may run.
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct SettingRow {
    pub name: String,
    pub variable: String,
    /// Without secrets; null if it is unset.
    pub value: Value,
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Variable(String),
    File(Place),
    Default,
}

/// What is left out of a second reading, because a better source has another form of it.
#[derive(Default)]
struct Overruled {
    variables: BTreeSet<String>,
    keys: BTreeSet<String>,
}

struct Reader {
    known: Vec<Setting>,
    file: SettingsFile,
}

/// Parses the command line with the values of the other sources. An empty environment variable counts as unset.
pub fn read_settings(arguments: &[OsString]) -> Result<(ArgMatches, Settings), clap::Error> {
    let known = all_settings(&Cli::command());
    let file = match find_file(arguments) {
        Some(path) => SettingsFile::read(&path, &known),
        None => SettingsFile::default(),
    };
    let reader = Reader { known, file };
    let mut overruled = Overruled::default();
    let mut matches = reader.parse(arguments, &overruled)?;
    let mut settings = Settings {
        problems: reader.file.problems.clone(),
        warnings: reader.file.warnings.clone(),
        ..Settings::default()
    };
    settings.problems.extend(reader.refused_variables(&matches));
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    settings.problems.extend(environment::find_unknown(variables, &reader.known, cfg!(debug_assertions)));
    settings.problems.extend(reader.compare_forms(&matches, &mut overruled));
    if !overruled.variables.is_empty() || !overruled.keys.is_empty() {
        matches = reader.parse(arguments, &overruled)?;
    }
    settings.rows = reader.rows(&matches, &overruled);
    Ok((matches, settings))
}

/// The file that a flag or the environment names.
fn find_file(arguments: &[OsString]) -> Option<PathBuf> {
    let mut words = arguments.iter().skip(1).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == FILE_FLAG {
            return words.next().map(PathBuf::from);
        }
        if let Some(path) = word.to_str().and_then(|word| word.strip_prefix(FILE_FLAG)?.strip_prefix('=')) {
            return Some(path.into());
        }
    }
    std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

impl Reader {
    fn parse(&self, arguments: &[OsString], overruled: &Overruled) -> Result<ArgMatches, clap::Error> {
        let command = change_arguments(Cli::command(), &|arg| self.prepare_argument(arg, overruled));
        command.try_get_matches_from(arguments)
    }

    fn prepare_argument(&self, arg: Arg, overruled: &Overruled) -> Arg {
        let Some(setting) = Setting::from_arg(&arg) else { return arg };
        let value = std::env::var_os(&setting.variable);
        let is_ignored =
            value.as_ref().is_some_and(|value| value.is_empty() || setting.check(std::slice::from_ref(value)).is_err());
        let arg = if is_ignored || overruled.variables.contains(&setting.variable) {
            arg.env(None::<&'static str>)
        } else {
            // The help shows variables and defaults.
            let has_secret = value.is_some_and(|value| setting.has_secret(&value.to_string_lossy()));
            if has_secret { arg.hide_env_values(true) } else { arg }
        };
        let entry = self.file.entries.get(&setting.name).filter(|_| !overruled.keys.contains(&setting.name));
        let Some(entry) = entry else { return arg };
        let words: Vec<OsString> = entry.values.iter().map(Into::into).collect();
        // Another command may have a flag of this name with other values.
        if setting.check(&words).is_err() {
            return arg;
        }
        let has_secret = entry.values.iter().any(|value| setting.has_secret(value));
        let arg = if has_secret { arg.hide_default_value(true) } else { arg };
        arg.default_values(entry.values.clone())
    }

    /// Variables with values that the command's own settings don't take.
    fn refused_variables(&self, matches: &ArgMatches) -> Vec<String> {
        let check = |setting: Setting, matches: &ArgMatches| {
            let value = variable_value(&setting)?;
            let is_flag = matches.value_source(&setting.id) == Some(ValueSource::CommandLine);
            let reason = setting.check(&[value]).err().filter(|_| !is_flag)?;
            Some(format!("{}: {reason}", setting.variable))
        };
        let (settings, matches) = chosen_settings(matches);
        settings.into_iter().filter_map(|setting| check(setting, matches)).collect()
    }

    /// Of `NAME` and `NAME-file`, the one from the better source counts; both from the same source are a problem.
    fn compare_forms(&self, matches: &ArgMatches, overruled: &mut Overruled) -> Vec<String> {
        let (settings, matches) = chosen_settings(matches);
        let mut problems = Vec::new();
        for direct in &settings {
            let file_name = format!("{}-file", direct.name);
            let Some(from_file) = settings.iter().find(|setting| setting.name == file_name) else { continue };
            let origins = [direct, from_file].map(|setting| self.origin(setting, matches, &Overruled::default()));
            let [direct_rank, file_rank] = origins.each_ref().map(rank);
            if direct_rank == 0 || file_rank == 0 {
                continue;
            }
            if direct_rank == file_rank {
                let [first, second] = [(direct, &origins[0]), (from_file, &origins[1])].map(describe_form);
                problems.push(format!("{first} and {second} are both set: remove one"));
                continue;
            }
            let worse = if direct_rank < file_rank { direct } else { from_file };
            overruled.variables.insert(worse.variable.clone());
            overruled.keys.insert(worse.name.clone());
        }
        problems
    }

    fn origin(&self, setting: &Setting, matches: &ArgMatches, overruled: &Overruled) -> Origin {
        let entry = self.file.entries.get(&setting.name).filter(|_| !overruled.keys.contains(&setting.name));
        match matches.value_source(&setting.id) {
            Some(ValueSource::CommandLine) => Origin::Flag,
            Some(ValueSource::EnvVariable) => Origin::Variable(setting.variable.clone()),
            Some(ValueSource::DefaultValue) => {
                entry.map_or(Origin::Default, |entry| Origin::File(self.file.place(entry.line)))
            }
            _ => Origin::Default,
        }
    }

    fn rows(&self, matches: &ArgMatches, overruled: &Overruled) -> Vec<SettingRow> {
        let (settings, matches) = chosen_settings(matches);
        let visible = settings.into_iter().filter(|setting| !setting.is_hidden);
        let row = |setting: Setting| SettingRow {
            value: shown_value(&setting, matches),
            origin: self.origin(&setting, matches, overruled),
            name: setting.name,
            variable: setting.variable,
        };
        visible.map(row).collect()
    }
}

fn change_arguments(command: Command, change: &dyn Fn(Arg) -> Arg) -> Command {
    command.mut_args(change).mut_subcommands(|command| change_arguments(command, change))
}

/// The variable's value, unless it is empty.
fn variable_value(setting: &Setting) -> Option<OsString> {
    std::env::var_os(&setting.variable).filter(|value| !value.is_empty())
}

/// The settings of the command that was chosen, the global ones first, and its matches.
fn chosen_settings(matches: &ArgMatches) -> (Vec<Setting>, &ArgMatches) {
    let root = Cli::command();
    let mut settings: Vec<Setting> = root.get_arguments().filter_map(Setting::from_arg).collect();
    let (mut command, mut matches) = (&root, matches);
    while let Some((name, inner)) = matches.subcommand() {
        let Some(chosen) = command.find_subcommand(name) else { break };
        (command, matches) = (chosen, inner);
        settings.extend(command.get_arguments().filter_map(Setting::from_arg));
    }
    settings.retain(|setting| matches.try_contains_id(&setting.id).is_ok());
    (settings, matches)
}

fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Flag => 3,
        Origin::Variable(_) => 2,
        Origin::File(_) => 1,
        Origin::Default => 0,
    }
}

fn describe_form((setting, origin): (&Setting, &Origin)) -> String {
    match origin {
        Origin::Flag => format!("--{}", setting.name),
        Origin::Variable(name) => name.clone(),
        Origin::File(place) => format!("{place}: {}", setting.name),
        Origin::Default => setting.name.clone(),
    }
}

fn shown_value(setting: &Setting, matches: &ArgMatches) -> Value {
    if setting.kind == Kind::Switch {
        return Value::Bool(matches.get_flag(&setting.id));
    }
    let Some(raw) = matches.get_raw(&setting.id) else { return Value::Null };
    let mut values = raw.map(OsStr::to_string_lossy).map(|value| redact::hide_secrets(&value, setting.is_secret));
    match setting.kind {
        Kind::List => values.collect(),
        Kind::Number => values.next().map_or(Value::Null, |value| match value.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => value.into(),
        }),
        Kind::Text | Kind::Switch => values.next().map_or(Value::Null, Value::from),
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(place) => place.fmt(f),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Settings {
    /// Prints what is wrong, one line each.
    pub fn print_problems(&self) {
        for problem in &self.problems {
            say_error!("candor: {problem}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn file_is_named_by_a_flag_in_any_place() {
        let find = |line: &str| find_file(&words(line)).map(|path| path.display().to_string());
        assert_eq!(find("candor --config a.toml serve").as_deref(), Some("a.toml"));
        assert_eq!(find("candor serve --config=b=c.toml").as_deref(), Some("b=c.toml"));
        assert_eq!(find("candor serve --configuration x"), None);
        assert_eq!(find("candor incident open -- --config x"), None);
    }
}
