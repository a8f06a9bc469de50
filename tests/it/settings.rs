//! Settings from flags, environment variables and the settings file; `candor config`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const SECRET: &str = "hush-hush-of-the-mail";

struct Setup {
    folder: tempfile::TempDir,
}

impl Setup {
    fn new(file: &str) -> Self {
        let setup = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(setup.file(), file).unwrap();
        setup
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("candor.toml")
    }

    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_candor"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("CANDOR_CONFIG", self.file())
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// Value and origin of each setting.
    fn settings(&self, variables: &[(&str, &str)], arguments: &[&str]) -> BTreeMap<String, (Value, Value)> {
        let output = self.run(variables, &[&["config", "--json"], arguments].concat());
        let described: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = described["settings"].as_array().unwrap().iter();
        rows.map(|row| (row["name"].as_str().unwrap().to_owned(), (row["value"].clone(), row["origin"].clone())))
            .collect()
    }

    /// Output and error output of a command that ends with `code`.
    fn texts(&self, code: i32, variables: &[(&str, &str)], arguments: &[&str]) -> (String, String) {
        let output = self.run(variables, arguments);
        let [text, error] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}{error}");
        (text, error)
    }
}

#[test]
fn flag_counts_before_variable_before_file_before_default() {
    let setup = Setup::new("api-writes = 70\napi-reads = 700\nlog-json = true\nses-topics = [\"a\", \"b\"]\n");
    let settings = setup.settings(
        &[("CANDOR_API_READS", "701"), ("CANDOR_DATA_DIR", "from-variable"), ("CANDOR_LISTEN", "127.0.0.1:4")],
        &["--listen", "127.0.0.1:5"],
    );
    let value = |name: &str| settings[name].0.clone();
    let from = |name: &str| settings[name].1["from"].as_str().unwrap().to_owned();
    assert_eq!((value("listen"), from("listen")), ("127.0.0.1:5".into(), "flag".to_owned()));
    assert_eq!((value("api-reads"), from("api-reads")), (701.into(), "environment".to_owned()));
    assert_eq!(settings["api-reads"].1["variable"], "CANDOR_API_READS");
    assert_eq!((value("api-writes"), from("api-writes")), (70.into(), "file".to_owned()));
    assert_eq!(settings["api-writes"].1["place"]["line"], 1);
    assert_eq!((value("log-json"), value("ses-topics")), (true.into(), vec!["a", "b"].into()));
    assert_eq!((value("mail-connections"), from("mail-connections")), (8.into(), "default".to_owned()));
    assert_eq!((value("base-url"), from("base-url")), (Value::Null, "default".to_owned()));
    let off = setup.settings(&[("CANDOR_LOG_JSON", "off"), ("CANDOR_API_WRITES", "")], &[]);
    assert_eq!((&off["log-json"].0, &off["api-writes"].0), (&false.into(), &70.into()), "an empty variable is unset");
}

#[test]
fn shown_settings_have_no_secrets() {
    let setup = Setup::new(&format!(
        "smtp-url = \"smtp://candor:{SECRET}@mail.example.org\"\nsmtp-from = \"a@example.org\"\n\
         endpoint-hosts = [\"https://u:{SECRET}@hooks.example\"]\n"
    ));
    let issuer = format!("https://u:{SECRET}@id.example");
    let variables =
        [("CANDOR_MAIL_HOOK_TOKEN", SECRET), ("CANDOR_IMPORT_TOKEN", SECRET), ("CANDOR_OIDC_NAME", issuer.as_str())];
    let database = format!("postgres://candor:{SECRET}@db/candor");
    let arguments = ["--database-url", &database];
    for format in [&["config"][..], &["config", "--json"], &["config", "--check"]] {
        let (text, error) = setup.texts(0, &variables, &[format, &arguments].concat());
        assert!(!text.contains(SECRET) && !error.contains(SECRET), "{text}{error}");
        assert!(text.contains("smtp://candor:…@mail.example.org") || format.contains(&"--check"), "{text}");
    }
    for help in [&["serve", "--help"][..], &["config", "--help"], &["mail", "test", "--help"]] {
        let (text, error) = setup.texts(0, &variables, help);
        assert!(!text.contains(SECRET) && !error.contains(SECRET), "{text}");
    }
}

#[test]
fn unknown_settings_stop_commands_and_name_the_nearest() {
    let setup = Setup::new("api-reads = 5\nsmtp-ulr = \"smtp://localhost\"\n");
    for command in [&["serve"][..], &["backup", "copy.db"], &["incident", "list"]] {
        let (_, error) = setup.texts(2, &[("CANDOR_DATABSE_URL", "x")], command);
        let file = setup.file().display().to_string();
        assert!(error.contains(&format!("{file}:2: smtp-ulr: unknown setting; is it smtp-url?")), "{error}");
        assert!(
            error.contains("CANDOR_DATABSE_URL: unknown environment variable; is it CANDOR_DATABASE_URL?"),
            "{error}"
        );
    }
    setup.texts(0, &[("CANDOR_DATABSE_URL", "x")], &["completions", "bash"]);
    let (_, error) = Setup::new("").texts(2, &[("CANDOR_CONFIG", "/nowhere/candor.toml")], &["serve"]);
    assert!(error.contains("reading /nowhere/candor.toml: "), "{error}");
}

#[test]
fn every_command_takes_a_file_with_settings_of_another() {
    let setup = Setup::new("database-url = \"sqlite://page.db\"\nlisten = \"127.0.0.1:9\"\nlog-json = true\n");
    setup.texts(0, &[], &["sample"]);
    assert!(setup.folder.path().join("page.db").exists());
    setup.texts(0, &[], &["backup", "copy.db"]);
    setup.texts(0, &[], &["incident", "list"]);
}

#[test]
fn of_two_forms_the_better_source_counts() {
    let setup = Setup::new("smtp-url = \"smtp://file.example\"\nsmtp-from = \"a@example.org\"\n");
    std::fs::write(setup.folder.path().join("url"), "smtp://127.0.0.1:1").unwrap();
    let settings = setup.settings(&[("CANDOR_SMTP_URL_FILE", "url")], &[]);
    assert_eq!((&settings["smtp-url"].0, &settings["smtp-url-file"].0), (&Value::Null, &"url".into()));
    let settings = setup.settings(&[("CANDOR_SMTP_URL_FILE", "url")], &["--smtp-url", "smtp://flag.example"]);
    assert_eq!((&settings["smtp-url"].0, &settings["smtp-url-file"].0), (&"smtp://flag.example".into(), &Value::Null));
    let both = [("CANDOR_SMTP_URL_FILE", "url"), ("CANDOR_SMTP_URL", "smtp://variable.example")];
    let (_, error) = setup.texts(2, &both, &["serve"]);
    assert!(error.contains("CANDOR_SMTP_URL and CANDOR_SMTP_URL_FILE are both set: remove one"), "{error}");
    let (_, error) =
        setup.texts(1, &[], &["config", "--check", "--database-url", "sqlite://a", "--database-url-file", "b"]);
    assert!(error.contains("--database-url and --database-url-file are both set"), "{error}");
    std::fs::write(setup.file(), "database-url = \"sqlite://file.db\"\n").unwrap();
    let settings = setup.settings(&[("CANDOR_DATABASE_URL_FILE", "url")], &[]);
    assert_eq!(settings["database-url"].1["from"], "default", "the key does not count");
    // The default is no second form.
    std::fs::write(setup.folder.path().join("database"), "sqlite://named.db").unwrap();
    setup.texts(0, &[("CANDOR_DATABASE_URL_FILE", "database")], &["sample"]);
    assert!(setup.folder.path().join("named.db").exists());
}

#[test]
fn check_finds_every_problem_that_stops_the_server() {
    let setup = Setup::new(
        "api-reads = 0\nbase-url = \"https://example.org/status\"\nsmtp-url = \"smtp://localhost\"\n\
         dkim-selector = \"a\"\noidc-client-id = \"candor\"\nmail-hook-token = \"short\"\n",
    );
    let variables = [("CANDOR_MAIL_CONNECTIONS", "65"), ("CANDOR_DATABASE_URL", "mysql://db/candor")];
    let (text, error) = setup.texts(1, &variables, &["config", "--check"]);
    let expected = [
        "candor.toml:1: api-reads: 0 is not in 1..=100000",
        "CANDOR_MAIL_CONNECTIONS: 65 is not in 1..=64",
        "--base-url must be like",
        "the database address must begin with",
        "set both --smtp-url and --smtp-from",
        "OpenID Connect login needs --oidc-issuer",
        "at least 16",
    ];
    for problem in expected {
        assert!(error.contains(problem), "{problem}: {error}");
    }
    let problems = error.lines().filter(|line| line.starts_with("problem: ")).count();
    assert_eq!((text.as_str(), problems), ("", expected.len()), "{error}");
    let (_, error) = setup.texts(2, &variables, &["serve"]);
    assert!(error.contains(expected[0]) && error.contains(expected[1]), "{error}");
    std::fs::write(setup.file(), "smtp-url = \"smtp://localhost\"\noidc-client-id = \"candor\"\n").unwrap();
    let (_, error) = setup.texts(1, &[], &["serve"]);
    assert!(error.contains(expected[4]) && error.contains(expected[5]), "{error}");
    std::fs::write(setup.file(), "# nothing\n").unwrap();
    assert_eq!(setup.texts(0, &[], &["config", "--check"]), ("No problem found.\n".to_owned(), String::new()));
}

#[test]
fn variable_of_another_command_stops_nothing() {
    let setup = Setup::new("");
    setup.texts(0, &[("CANDOR_API_READS", "many")], &["sample"]);
    let (_, error) = setup.texts(2, &[("CANDOR_API_READS", "many")], &["serve"]);
    assert!(error.contains("CANDOR_API_READS: invalid digit found in string"), "{error}");
}

/// Rows of the table of settings: flag, variable, default.
fn documented_settings() -> BTreeMap<String, (String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `--"));
    rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(|cell| cell.trim().replace('`', ""));
        let mut next = || cells.next().unwrap();
        (next().trim_start_matches("--").to_owned(), (next(), next()))
    })
    .collect()
}

#[test]
fn documentation_has_every_setting_with_its_default() {
    let documented = documented_settings();
    let setup = Setup::new("");
    let described = setup.run(&[("CANDOR_CONFIG", "")], &["config", "--json"]);
    let described: Value = serde_json::from_slice(&described.stdout).unwrap();
    let mut known = Vec::new();
    for row in described["settings"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        known.push(name);
        let Some((variable, default)) = documented.get(name) else { panic!("--{name} is not documented") };
        assert_eq!(variable, row["variable"].as_str().unwrap(), "--{name}");
        match &row["value"] {
            Value::String(value) => assert_eq!(default, value, "--{name}"),
            Value::Number(value) => assert_eq!(default, &value.to_string(), "--{name}"),
            Value::Bool(_) => assert_eq!(default, "off", "--{name}"),
            _ => {}
        }
    }
    assert!(known.len() > 35, "{known:?}");
    let flags = ["accept-empty"];
    let unknown: Vec<_> = documented.keys().filter(|name| !known.contains(&name.as_str())).collect();
    assert_eq!(unknown, flags, "no settings");
}
