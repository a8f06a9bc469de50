//! `candor man`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Cli, output};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The target folder; it is created if missing
    dir: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let written = write_pages(&args.dir).with_context(|| format!("writing into {}", args.dir.display()))?;
    say!("Wrote {} into {}.", output::format_count(written, "man page"), args.dir.display());
    Ok(ExitCode::SUCCESS)
}

/// candor.1, and a page for every command, like candor-incident-open.1.
fn write_pages(folder: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    // "help" of every command would be a page of its own.
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write_page(&command, folder)
}

fn write_page(command: &clap::Command, folder: &Path) -> std::io::Result<usize> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let man = Man::new(command.clone()).title(name.to_uppercase()).manual("Candor").source("Candor").date("");
    let mut page = Vec::new();
    man.render(&mut page)?;
    if name == command.get_name() {
        page.extend(outer_sections().to_roff().into_bytes());
    }
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    let mut written = 1;
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        written += write_page(command, folder)?;
    }
    Ok(written)
}

/// What only the page of the program has.
fn outer_sections() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for example in [
        "candor incident open --title \"API is slow\" --component \"API=degraded_performance\" --body \"We are looking.\"",
        "candor incident resolve ID --body \"The API is fast again.\"",
        "candor manager reset-password ines@example.org",
        "candor config --check",
    ] {
        roff.control("PP", []);
        roff.text([roman(example)]);
    }
    roff.control("SH", ["FILES"]);
    for (path, meaning) in [
        ("/etc/candor/candor.env", "settings of the Debian package's service and of its command"),
        ("/var/lib/candor", "the SQLite database, the last published page and the secret key"),
    ] {
        roff.control("TP", []);
        roff.text([bold(path)]);
        roff.text([roman(meaning)]);
    }
    roff.control("SH", ["NOTES"]);
    roff.text([roman(
        "With the Debian package, root and the members of the group candor run the command as the user candor, so files \
         that it reads or writes must be accessible to that user. Every setting is described in \
         /usr/share/doc/candor/configuration.md, operation in /usr/share/doc/candor/operations.md.",
    )]);
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_without_hidden_flags() {
        let folder = tempfile::tempdir().unwrap();
        let written = write_pages(folder.path()).unwrap();
        assert!(written > 40, "{written}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let page = read("candor.1");
        for words in ["CANDOR", "candor\\-serve(1)", "reset\\-password", "/etc/candor/candor.env"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(read("candor-serve.1").contains("CANDOR_SMTP_URL"));
        assert!(read("candor-incident-open.1").contains("candor\\-incident\\-open"));
        assert!(!read("candor-manager-add.1").contains("listen"));
    }
}
