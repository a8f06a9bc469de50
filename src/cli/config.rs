//! `candor config`

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::output;
use super::settings::{Origin, SettingRow, Settings};
use crate::config::{DatabaseConfig, ServeConfig, find_problems};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Show no settings, only problems and warnings
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "check")]
    json: bool,
    #[command(flatten)]
    serve: ServeConfig,
}

pub fn run(args: &Args, database: &DatabaseConfig, settings: &Settings) -> ExitCode {
    let mut problems = settings.problems.clone();
    problems.extend(find_problems(&args.serve, database).iter().map(|problem| format!("{problem:#}")));
    if args.json {
        say!("{:#}", describe_settings(settings, &problems));
    } else {
        if !args.check {
            say!("{}", output::format_table(&settings.rows.iter().map(table_row).collect::<Vec<_>>()));
        }
        for warning in &settings.warnings {
            say_error!("warning: {warning}");
        }
        for problem in &problems {
            say_error!("problem: {problem}");
        }
    }
    if !problems.is_empty() {
        return ExitCode::FAILURE;
    }
    if args.check {
        say!("No problem found.");
    }
    ExitCode::SUCCESS
}

fn table_row(row: &SettingRow) -> [String; 3] {
    let value = match &row.value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    [row.name.clone(), value, row.origin.to_string()]
}

fn describe_settings(settings: &Settings, problems: &[String]) -> Value {
    let describe = |row: &SettingRow| {
        let mut origin = Map::new();
        let (from, detail) = match &row.origin {
            Origin::Flag => ("flag", None),
            Origin::Variable(name) => ("environment", Some(("variable", json!(name)))),
            Origin::File(place) => ("file", Some(("place", json!(place)))),
            Origin::Default => ("default", None),
        };
        origin.insert("from".to_owned(), from.into());
        origin.extend(detail.map(|(key, value)| (key.to_owned(), value)));
        json!({ "name": row.name, "variable": row.variable, "value": row.value, "origin": origin })
    };
    let rows: Vec<Value> = settings.rows.iter().map(describe).collect();
    json!({ "settings": rows, "problems": problems, "warnings": settings.warnings })
}
