//! Rows: one counter, with everything but site and page packed into one ordered key.

use super::{Cell, Country, Day, HourOfSite, Kind, Layer};

/// (layer, cell, day, country) of one counter, ordered as files are: 11 + 26 + 16 + 10 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey(u64);

impl RowKey {
    /// Packs its parts.
    #[must_use]
    pub fn new(layer: Layer, cell: Cell, day: Day, country: Country) -> RowKey {
        RowKey(
            u64::from(layer.code()) << 52
                | u64::from(cell.code()) << 26
                | u64::from(day.number()) << 10
                | u64::from(country.code()),
        )
    }

    /// The key of bits as stored in a WAL record, or `None` if a part of them is impossible.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<RowKey> {
        Layer::from_code(u16::try_from(bits >> 52).ok()?)?;
        Country::from_code((bits & 0x3ff) as u16)?;
        Some(RowKey(bits))
    }

    /// The key of bits that `bits` gave earlier in this process: nothing is checked, which matters in the memtable.
    #[must_use]
    pub(crate) fn from_own_bits(bits: u64) -> RowKey {
        debug_assert!(RowKey::from_bits(bits).is_some(), "only bits of a key are packed");
        RowKey(bits)
    }

    /// Its bits: `layer << 52 | cell << 26 | day << 10 | country`.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Its layer.
    #[must_use]
    pub fn layer(self) -> Layer {
        Layer::from_code((self.0 >> 52) as u16).expect("only valid layers are packed")
    }

    /// Its cell.
    #[must_use]
    pub fn cell(self) -> Cell {
        Cell::from_code((self.0 >> 26) as u32 & (Cell::CODES - 1)).expect("26 bits are a cell")
    }

    /// Its day.
    #[must_use]
    pub fn day(self) -> Day {
        Day::from_number((self.0 >> 10) as u16)
    }

    /// Its country.
    #[must_use]
    pub fn country(self) -> Country {
        Country::from_code((self.0 & 0x3ff) as u16).expect("only valid countries are packed")
    }
}

impl std::fmt::Debug for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (layer, cell) = (self.layer(), self.cell());
        write!(
            f,
            "{}/{}{} ({}, {}) {} {}",
            layer.kind(),
            layer.viewport().code(),
            if layer.fixed() { "f" } else { "" },
            cell.x(),
            cell.y(),
            self.day(),
            self.country()
        )
    }
}

/// A counter: how many events have this key. A merge that would overflow keeps two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// What, where, when and from which country.
    pub key: RowKey,
    /// Events; at least 1.
    pub count: u32,
}

/// Events of one page, kind and site-local hour; without place, width or country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HourRow {
    /// Never a conversion kind.
    pub kind: Kind,
    /// Hour of the site's wall clock.
    pub hour: HourOfSite,
    /// Events; at least 1.
    pub count: u64,
}

impl Row {
    /// Sorts rows by key, and adds up those of the same, as far as a count can hold it.
    pub fn sum(rows: &mut Vec<Row>) {
        rows.sort_unstable_by_key(|row| row.key);
        rows.dedup_by(|row, kept| {
            let sum = if row.key == kept.key { kept.count.checked_add(row.count) } else { None };
            kept.count = sum.unwrap_or(kept.count);
            sum.is_some()
        });
    }
}

impl HourRow {
    /// Sorts totals by kind and hour, and adds up those of the same.
    pub fn sum(hours: &mut Vec<HourRow>) {
        hours.sort_unstable_by_key(|row| (row.kind, row.hour));
        hours.dedup_by(|row, kept| {
            let same = (row.kind, row.hour) == (kept.kind, kept.hour);
            if same {
                kept.count += row.count;
            }
            same
        });
    }
}
