//! What is printed: bytes for programs, tables for people.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::Value;

/// Most lines of a table: more do not help a person, and `--format csv` has them all.
const TABLE_LINES: usize = 60;

/// Writes bytes to standard output.
pub(crate) fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// A JSON value on a line.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("what is printed is valid JSON");
    line.push(b'\n');
    line
}

/// A JSON value as a person reads it: texts without quotes, lists with commas, numbers grouped.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), grouped),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name} {}", plain(value)));
            members.collect::<Vec<_>>().join(", ")
        }
        Value::Bool(value) => value.to_string(),
    }
}

/// The members of a JSON object, one on a line.
pub(crate) fn table_of_object(object: &Value) -> String {
    let width = object.as_object().into_iter().flatten().map(|(name, _)| name.len()).max().unwrap_or(0);
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, value)| format!("{name:width$}  {}\n", plain(value))).collect()
}

/// A list of JSON objects: a line for each, with these of their members.
pub(crate) fn table_of_objects(columns: &[&str], objects: &Value) -> String {
    let lines = objects.as_array().into_iter().flatten();
    table(
        columns.iter().map(|column| (*column).to_owned()).collect(),
        lines.map(|object| columns.iter().map(|column| plain(&object[column])).collect()),
    )
}

/// Whether a person looks at standard output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// A table with a header; numbers stand at the right.
pub(crate) fn table(header: Vec<String>, lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    let mut lines = lines.into_iter();
    for line in lines.by_ref().take(TABLE_LINES) {
        table.add_row(line.into_iter().map(cell));
    }
    let mut text = table.to_string();
    let left_out = lines.count();
    if left_out > 0 {
        text.push_str(&format!("\n ... and {left_out} more; --format csv prints them all"));
    }
    text.push('\n');
    text
}

/// A CSV file as a table. No field of ours has a line break in it.
pub(crate) fn table_of_csv(csv: &str) -> String {
    let mut lines = csv.lines().map(fields);
    table(lines.next().unwrap_or_default(), lines)
}

/// A number with a comma before every three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn cell(text: String) -> Cell {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.'));
    let alignment = if is_number { CellAlignment::Right } else { CellAlignment::Left };
    Cell::new(text).set_alignment(alignment)
}

/// The fields of a CSV line; a quoted one may have commas and doubled quotes in it.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let last = fields.last_mut().expect("there is always one");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => last.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => last.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_line_is_cut_as_it_was_written() {
        assert_eq!(fields("a.example/,7"), ["a.example/", "7"]);
        assert_eq!(fields("\"a,b?\"\"c\"\"\",7"), ["a,b?\"c\"", "7"]);
        assert_eq!(fields(""), [""]);
    }

    #[test]
    fn a_long_table_says_what_it_left_out() {
        let csv: String = (0..100).map(|n| format!("{n},x\n")).collect();
        let table = table_of_csv(&format!("n,text\n{csv}"));
        assert!(table.contains("and 40 more") && table.contains("59") && !table.contains("60 "), "{table}");
    }

    #[test]
    fn an_object_is_a_line_for_each_member() {
        let object = serde_json::json!({"site": "shop", "hosts": ["a", "b"], "days": 1234, "key": null});
        assert_eq!(table_of_object(&object), "site   shop\nhosts  a, b\ndays   1,234\nkey    -\n");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0, 12, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
