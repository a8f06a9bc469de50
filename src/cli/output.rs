//! Output for the terminal.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::db;

pub fn describe_error(error: db::Error) -> anyhow::Error {
    match error {
        db::Error::Conflict(reason) => anyhow::anyhow!("{reason}"),
        other => other.into(),
    }
}

/// Aligns columns; the last one is not padded.
pub fn format_table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn format_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string()
}

/// `1 incident`, `2 incidents`
pub fn format_count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_text() {
        let rows = [["a".to_owned(), "é".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(format_table(&rows), "a     é\nlong");
    }

    #[test]
    fn count_uses_singular_and_plural() {
        assert_eq!(
            (format_count(1, "incident"), format_count(0, "incident")),
            ("1 incident".into(), "0 incidents".into())
        );
    }
}
