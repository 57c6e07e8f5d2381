//! Hour totals of a site's pages, in chunks. `docs/FORMAT.md`, section "Hours".

use super::chunks::{CHUNK_FULL_BYTES, CHUNK_LIMIT_BYTES, Chunks};
use super::columns::{Numbers, Packer, Unpacker};
use super::frame::{Cursor, FormatError};
use crate::model::{HourOfSite, HourRow};
use crate::model::{Kind, Month};

/// Hours of a day.
const DAY_HOURS: u32 = 24;

/// The columns of one chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// Kinds of each page.
    pages: Numbers,
    /// Code of each kind of each page.
    kinds: Vec<u8>,
    /// Hours of each kind of each page.
    lengths: Numbers,
    /// Hours since the one before less 1; the first since the month began.
    gaps: Numbers,
    /// Count of each hour less 1.
    counts: Numbers,
}

impl Hours {
    fn clear(&mut self) {
        self.pages.clear();
        self.kinds.clear();
        self.lengths.clear();
        self.gaps.clear();
        self.counts.clear();
    }

    /// About how many bytes it takes before compression.
    fn size(&self) -> usize {
        [self.pages.len(), self.kinds.len(), self.gaps.len(), self.counts.len()]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    /// Appends the hours of the next page, sorted by kind and hour, all of `month`.
    fn push_page(&mut self, hours: &[HourRow], month: Month) {
        let month_start = HourOfSite::new(month.first_day(), 0).number();
        let mut kinds = 0_u64;
        for of_kind in hours.chunk_by(|a, b| a.kind == b.kind) {
            kinds = kinds.saturating_add(1);
            self.kinds.extend(of_kind.first().map(|hour| hour.kind.code()));
            self.lengths.push(of_kind.len() as u64);
            let mut next = month_start;
            for row in of_kind {
                self.gaps.push(u64::from(row.hour.number().saturating_sub(next)));
                self.counts.push(row.count.saturating_sub(1));
                next = row.hour.number().saturating_add(1);
            }
        }
        self.pages.push(kinds);
    }

    fn pack(&self, packer: &mut Packer, target: &mut Vec<u8>) {
        self.pages.pack(packer, target);
        packer.pack(&self.kinds, target);
        self.lengths.pack(packer, target);
        self.gaps.pack(packer, target);
        self.counts.pack(packer, target);
    }

    /// Reads a chunk over this one.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn unpack(&mut self, chunk: &[u8], unpacker: &mut Unpacker) -> Result<(), FormatError> {
        let mut cursor = Cursor::new("hours", chunk);
        self.pages.unpack(unpacker, &mut cursor, CHUNK_LIMIT_BYTES)?;
        unpacker.unpack(&mut cursor, CHUNK_LIMIT_BYTES, &mut self.kinds)?;
        self.lengths.unpack_exactly(unpacker, &mut cursor, self.kinds.len())?;
        self.gaps.unpack(unpacker, &mut cursor, CHUNK_LIMIT_BYTES)?;
        self.counts.unpack_exactly(unpacker, &mut cursor, self.gaps.len())?;
        cursor.finish()
    }

    /// The hours of the page after `skip` others of the chunk, sorted by kind and hour.
    ///
    /// # Errors
    /// When the columns contradict each other.
    pub fn page(&self, skip: u32, month: Month) -> Result<Vec<HourRow>, FormatError> {
        let cursor = Cursor::new("hours", &[]);
        let month_start = HourOfSite::new(month.first_day(), 0).number();
        let month_hours =
            u64::from(month.next().first_day().number().saturating_sub(month.first_day().number()))
                .saturating_mul(u64::from(DAY_HOURS));
        let mut pages = self.pages.reader(0);
        let kinds_before: u64 = pages.by_ref().take(skip as usize).fold(0, u64::saturating_add);
        let Some(kinds) = pages.next() else { return Err(cursor.invalid(u64::from(skip))) };
        let end = kinds_before.saturating_add(kinds);
        let (Ok(first), Ok(end)) = (usize::try_from(kinds_before), usize::try_from(end)) else {
            return Err(cursor.invalid(end));
        };
        let codes = self.kinds.get(first..end).ok_or_else(|| cursor.invalid(end as u64))?;
        let mut lengths = self.lengths.reader(0);
        let rows_before = lengths.by_ref().take(first).fold(0, u64::saturating_add);
        let rows_before = usize::try_from(rows_before).map_err(|_| cursor.invalid(rows_before))?;
        let mut gaps = self.gaps.reader(rows_before);
        let mut counts = self.counts.reader(rows_before);
        let mut rows = Vec::new();
        for (code, length) in codes.iter().zip(lengths) {
            let kind = Kind::from_code(*code).ok_or_else(|| cursor.invalid(u64::from(*code)))?;
            let mut next = 0_u64;
            if length > month_hours {
                return Err(cursor.invalid(length));
            }
            for _ in 0..length {
                let (Some(gap), Some(less_one)) = (gaps.next(), counts.next()) else {
                    return Err(cursor.invalid(length));
                };
                let hour = next.saturating_add(gap);
                if hour >= month_hours {
                    return Err(cursor.invalid(hour));
                }
                next = hour.saturating_add(1);
                let hour = HourOfSite::from_number(month_start.saturating_add(hour as u32))
                    .ok_or_else(|| cursor.invalid(hour))?;
                rows.push(HourRow { kind, hour, count: less_one.saturating_add(1) });
            }
        }
        Ok(rows)
    }
}

/// The hour totals of one site, being written.
#[derive(Debug, Default)]
pub struct HoursBuilder {
    /// Their chunks.
    pub chunks: Chunks,
    columns: Hours,
    pages: u32,
}

impl HoursBuilder {
    /// Appends the hours of the next page, sorted by kind and hour, all of `month`.
    pub fn end_page(&mut self, hours: &[HourRow], month: Month, packer: &mut Packer) {
        self.columns.push_page(hours, month);
        self.pages = self.pages.saturating_add(1);
        if self.columns.size() >= CHUNK_FULL_BYTES {
            self.end_chunk(packer);
        }
    }

    fn end_chunk(&mut self, packer: &mut Packer) {
        self.columns.pack(packer, &mut self.chunks.bytes);
        self.chunks.end_chunk(self.pages);
        self.columns.clear();
    }

    /// Ends the last chunk.
    pub fn end(&mut self, packer: &mut Packer) {
        if !self.columns.pages.is_empty() {
            self.end_chunk(packer);
        }
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.columns.clear();
        self.pages = 0;
    }
}
