//! Reads runs of a detail group: those that are asked for, and no others.

use std::ops::Range;

use super::sections::{Coded, Sections, Span};
use super::{COUNT_SYMBOL, Directory, MONTH_DAYS};
use crate::format::bits::BitReader;
use crate::format::columns::Unpacker;
use crate::format::frame::{Cursor, FormatError};
use crate::model::limits::BLOCK_ROWS;

/// Most bits of a count beyond its highest.
const COUNT_BITS: u8 = 31;

/// The rows of one day and one country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Day of the month, 0 to 30.
    pub day: u8,
    /// Index into the extent's countries.
    pub country: u16,
    symbols: u32,
}

/// Runs that are compressed together.
#[derive(Clone, Debug)]
struct Stretch {
    runs: Range<usize>,
    symbols: usize,
    /// In the group.
    bytes: Range<usize>,
}

/// A detail group that was opened: which runs it has is known, none of their rows is read.
#[derive(Debug, Default)]
pub struct Detail {
    cells: u32,
    runs: Vec<Run>,
    stretches: Vec<Stretch>,
    /// Bytes of the group before its first stretch.
    directory_bytes: usize,
    directory: Directory,
    symbols: Vec<u8>,
    run_cells: Vec<u32>,
    run_counts: Vec<u32>,
}

impl Detail {
    /// Opens the columns of a block of so many cells and rows, in place of what was open.
    ///
    /// # Errors
    /// When they are not those of such a block, or name a country that is not below `countries`.
    pub fn open(
        &mut self,
        columns: &[u8],
        (cells, rows): (u32, u32),
        countries: usize,
        unpacker: &mut Unpacker,
    ) -> Result<(), FormatError> {
        let rows = (rows as usize).min(BLOCK_ROWS);
        let mut cursor = Cursor::new("detail", columns);
        self.directory.unpack(&mut cursor, rows, unpacker)?;
        self.cells = cells;
        self.directory_bytes = cursor.position();
        self.take_runs(&cursor, countries)?;
        self.take_stretches(&mut cursor, rows)?;
        cursor.finish()
    }

    fn take_runs(&mut self, cursor: &Cursor<'_>, countries: usize) -> Result<(), FormatError> {
        let Directory { days, countries: steps, symbols, .. } = &self.directory;
        self.runs.clear();
        let (mut day, mut next) = (0_u64, 0_u64);
        for ((days, step), symbols) in days.reader(0).zip(steps.reader(0)).zip(symbols.reader(0)) {
            if days > 0 {
                (day, next) = (day.saturating_add(days), 0);
            }
            let country = next.saturating_add(step);
            next = country.saturating_add(1);
            let run = Run {
                day: u8::try_from(day).unwrap_or(u8::MAX),
                country: u16::try_from(country).unwrap_or(u16::MAX),
                symbols: u32::try_from(symbols).unwrap_or(u32::MAX).saturating_add(1),
            };
            if run.day >= MONTH_DAYS || usize::from(run.country) >= countries {
                return Err(cursor.invalid(country));
            }
            self.runs.push(run);
        }
        Ok(())
    }

    fn take_stretches(&mut self, cursor: &mut Cursor<'_>, rows: usize) -> Result<(), FormatError> {
        let Directory { stretch_runs, stretch_bytes, .. } = &self.directory;
        self.stretches.clear();
        let mut first = 0_usize;
        for (runs, bytes) in stretch_runs.reader(0).zip(stretch_bytes.reader(0)) {
            let end = first.saturating_add(usize::try_from(runs).unwrap_or(usize::MAX));
            let Some(of_stretch) = self.runs.get(first..end) else { return Err(cursor.invalid(runs)) };
            let symbols =
                of_stretch.iter().fold(0_usize, |sum, run| sum.saturating_add(run.symbols as usize));
            // Every row may have a symbol for its count.
            if symbols > rows.saturating_mul(2) {
                return Err(cursor.invalid(symbols as u64));
            }
            let start = cursor.position();
            cursor.take(usize::try_from(bytes).unwrap_or(usize::MAX))?;
            self.stretches.push(Stretch { runs: first..end, symbols, bytes: start..cursor.position() });
            first = end;
        }
        if first == self.runs.len() { Ok(()) } else { Err(cursor.invalid(first as u64)) }
    }

    /// The runs that it has, ascending by day and country.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Bytes of the group that have to be read for some runs, and symbols of these: at least as many as rows.
    pub fn cost(&self, keep: impl Fn(&Run) -> bool) -> (usize, usize) {
        let (mut bytes, mut symbols) = (self.directory_bytes, 0_usize);
        for stretch in &self.stretches {
            let kept = self.runs_of(stretch).iter().filter(|run| keep(run)).map(|run| run.symbols as usize);
            let (count, of_stretch) = kept.fold((0_usize, 0_usize), |(count, sum), run| {
                (count.saturating_add(1), sum.saturating_add(run))
            });
            bytes = bytes.saturating_add(if count > 0 { stretch.bytes.len() } else { 0 });
            symbols = symbols.saturating_add(of_stretch);
        }
        (bytes, symbols)
    }

    fn runs_of(&self, stretch: &Stretch) -> &[Run] {
        self.runs.get(stretch.runs.clone()).unwrap_or_default()
    }

    /// Gives the runs that `keep` keeps to `f`, ascending by day and country, with cell (its number in the block;
    /// never descending) and count of each row. `columns` are those that were opened.
    ///
    /// # Errors
    /// When a row is not possible; what was given before is then of no use.
    pub fn read(
        &mut self,
        columns: &[u8],
        keep: impl Fn(&Run) -> bool,
        unpacker: &mut Unpacker,
        f: &mut impl FnMut(&Run, &[u32], &[u32]),
    ) -> Result<(), FormatError> {
        let Detail { cells, runs, stretches, symbols, run_cells, run_counts, .. } = self;
        let mut take = |run: &Run, coded: Coded<'_>| {
            let reader = BitReader::at_bit(coded.low_bits, coded.first_bit);
            let (last, used) = expand(coded.symbols, reader, run_cells, run_counts)?;
            if last >= *cells {
                return None;
            }
            f(run, run_cells, run_counts);
            Some(coded.first_bit.saturating_add(used))
        };
        each_run((runs, stretches), symbols, columns, keep, unpacker, &mut take)
    }

    /// Gives what the runs that `keep` keeps have in each section of the block's cells to `f`, ascending by day, country
    /// and cell. `columns` are those that were opened.
    ///
    /// # Errors
    /// When a row is not possible, or of no section; what was given before is then of no use.
    pub fn read_sections(
        &mut self,
        columns: &[u8],
        sections: &Sections,
        keep: impl Fn(&Run) -> bool,
        unpacker: &mut Unpacker,
        f: &mut impl FnMut(&Run, Span<'_>),
    ) -> Result<(), FormatError> {
        let Detail { runs, stretches, symbols, .. } = self;
        let mut take = |run: &Run, coded: Coded<'_>| coded.each_span(sections, &mut |span| f(run, span));
        each_run((runs, stretches), symbols, columns, keep, unpacker, &mut take)
    }
}

/// Gives the runs that `keep` keeps to `take`, which says which bit is behind the low bits of a run; nothing, when a row
/// is not possible.
fn each_run(
    (runs, stretches): (&[Run], &[Stretch]),
    symbols: &mut Vec<u8>,
    columns: &[u8],
    keep: impl Fn(&Run) -> bool,
    unpacker: &mut Unpacker,
    take: &mut impl FnMut(&Run, Coded<'_>) -> Option<usize>,
) -> Result<(), FormatError> {
    for stretch in stretches {
        let of_stretch = runs.get(stretch.runs.clone()).unwrap_or_default();
        if !of_stretch.iter().any(&keep) {
            continue;
        }
        let bytes = columns.get(stretch.bytes.clone()).unwrap_or_default();
        let mut cursor = Cursor::at("detail", stretch.bytes.start, bytes);
        unpacker.unpack_exactly(&mut cursor, stretch.symbols, symbols)?;
        let highest = symbols.iter().fold(0, |highest, symbol| highest.max(*symbol));
        if highest > COUNT_SYMBOL.saturating_add(COUNT_BITS) {
            return Err(cursor.invalid(u64::from(highest)));
        }
        let (mut left, mut bit) = (symbols.as_slice(), 0_usize);
        for run in of_stretch {
            let (of_run, others) = left.split_at_checked(run.symbols as usize).unwrap_or((left, &[]));
            left = others;
            if !keep(run) {
                bit = bit.saturating_add(low_bits(of_run));
                continue;
            }
            match take(run, Coded::at(of_run, cursor.rest(), bit)) {
                Some(next) => bit = next,
                None => return Err(cursor.invalid(u64::from(run.symbols))),
            }
        }
        if bit.div_ceil(8) != cursor.rest().len() {
            return Err(cursor.invalid(bit as u64));
        }
    }
    Ok(())
}

/// Low bits that symbols have aside.
fn low_bits(symbols: &[u8]) -> usize {
    symbols
        .iter()
        .map(|symbol| {
            usize::from(if *symbol < COUNT_SYMBOL { *symbol } else { symbol.wrapping_sub(COUNT_SYMBOL) })
        })
        .sum()
}

/// Puts cell and count of each row of a run in place of what the targets hold; gives the last cell and the low bits that
/// were read, or nothing when a count is not possible.
fn expand(
    symbols: &[u8],
    mut bits: BitReader<'_>,
    cells: &mut Vec<u32>,
    counts: &mut Vec<u32>,
) -> Option<(u32, usize)> {
    // As long as can be, so that no row has to look whether there is room.
    cells.resize(symbols.len(), 0);
    counts.clear();
    counts.resize(symbols.len(), 1);
    let mut rows = cells.iter_mut().zip(counts.iter_mut());
    let mut last = None;
    let (mut cell, mut used, mut more) = (0_u32, 0_usize, 0_usize);
    for symbol in symbols {
        if *symbol < COUNT_SYMBOL {
            let width = u32::from(*symbol);
            let step = 1_u32.wrapping_shl(width) | bits.take(width);
            cell = cell.saturating_add(step.wrapping_sub(1));
            used = used.saturating_add(width as usize);
            let (of_row, count) = rows.next()?;
            *of_row = cell;
            last = Some(count);
        } else {
            let width = u32::from(symbol.wrapping_sub(COUNT_SYMBOL));
            let above = 1_u32.wrapping_shl(width) | bits.take(width);
            used = used.saturating_add(width as usize);
            more = more.saturating_add(1);
            **last.as_mut()? = above.checked_add(1)?;
        }
    }
    let length = symbols.len().saturating_sub(more);
    cells.truncate(length);
    counts.truncate(length);
    Some((cell, used))
}
