//! `candor completions`

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(args: &Args) -> ExitCode {
    say!("{}", completions(args.shell).trim_end());
    ExitCode::SUCCESS
}

fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut without_hidden_arguments(Cli::command()), "candor", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Completions list hidden arguments too.
fn without_hidden_arguments(command: clap::Command) -> clap::Command {
    let is_hidden = command.get_arguments().any(clap::Arg::is_hide_set);
    let visible: Vec<clap::Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned().collect();
    let mut rebuilt = command.clone();
    if is_hidden {
        rebuilt = clap::Command::new(command.get_name().to_owned()).args(visible);
        if let Some(about) = command.get_about() {
            rebuilt = rebuilt.about(about.clone());
        }
        rebuilt = rebuilt.subcommands(command.get_subcommands().cloned());
    }
    rebuilt.mut_subcommands(without_hidden_arguments)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_completes_commands_and_flags_without_hidden_ones() {
        for shell in Shell::value_variants() {
            let text = completions(*shell);
            for word in ["serve", "incident", "completions", "smtp-url", "oidc-roles"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
            // `manager add --listen` and the import's `--token` are hidden.
            assert!(!text.contains("used in the link without --base-url"), "{shell}");
            assert!(!text.contains("Token for the management API'"), "{shell}");
            assert!(!text.contains("hush"), "{shell}");
        }
    }
}
