//! The table of `docs/ARCHITECTURE.md` that says which module of the engine stands on which floor.

use std::collections::BTreeMap;
use std::fs;

use super::source::workspace;

/// Where one module of the engine stands.
pub(super) struct Module {
    /// Its floor; it may import from those below.
    pub(super) floor: u8,
    /// Modules of its own floor that it may import as well.
    pub(super) siblings: Vec<String>,
}

/// Rows `| floor | module | may also import | ... |` between the table's marks.
pub(super) fn floors() -> BTreeMap<String, Module> {
    let path = workspace().join("docs/ARCHITECTURE.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, table) = text.split_once("<!-- floors -->").expect("the table begins with its mark");
    let (table, _) = table.split_once("<!-- /floors -->").expect("the table ends with its mark");
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, floor, module, siblings, ..] = columns[..] else { panic!("not a row of the table: {row}") };
        let floor = floor.parse().unwrap_or_else(|_| panic!("not a floor: {row}"));
        let name = |text: &str| text.trim().trim_matches('`').to_string();
        let siblings = siblings.split(',').map(name).filter(|sibling| !sibling.is_empty()).collect();
        (name(module), Module { floor, siblings })
    })
    .collect()
}
