//! Tables for people: Markdown, so that what a bench prints can stand in a document.

use std::fmt;
use std::time::Duration;

/// Rows of text under headings.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Table {
        Table { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column| self.rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let text = cell(row, column);
                // The first column names the row; the others are figures.
                match column {
                    0 => write!(f, "| {text:width$} ")?,
                    _ => write!(f, "| {text:>width$} ")?,
                }
            }
            writeln!(f, "|")?;
            if index == 0 {
                let rule = |(column, &width): (usize, &usize)| match column {
                    0 => format!("|{}", "-".repeat(width + 2)),
                    _ => format!("|{}:", "-".repeat(width + 1)),
                };
                writeln!(f, "{}|", widths.iter().enumerate().map(rule).collect::<String>())?;
            }
        }
        Ok(())
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}

/// Bytes in MiB.
#[must_use]
pub fn bytes(value: u64) -> String {
    format!("{:.1} MiB", value as f64 / f64::from(1 << 20))
}

/// A duration in ms.
#[must_use]
pub fn millis(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1e3)
}

/// How many in a second, in millions.
#[must_use]
pub fn rate(events: u64, duration: Duration) -> String {
    format!("{:.2} M/s", events as f64 / duration.as_secs_f64() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up() {
        let mut table = Table::new(&["what", "n"]);
        table.row(["first", "1"]);
        table.row(["é", "1,000"]);
        let expected = "| what  |     n |\n|-------|------:|\n| first |     1 |\n| é     | 1,000 |\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn figures_read_well() {
        for (value, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (50_000_000, "50,000,000")] {
            assert_eq!(count(value), text);
        }
        assert_eq!(bytes(3 << 19), "1.5 MiB");
        assert_eq!(millis(Duration::from_micros(1_250)), "1.250");
        assert_eq!(rate(3_000_000, Duration::from_secs(2)), "1.50 M/s");
    }
}
