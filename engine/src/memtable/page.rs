//! One page of a site in memory.

use super::words::{Rows, Words};
use crate::model::{DayRange, HourRow, Row, RowKey};

/// Rows that are sorted at a time: what a flush needs beside the memtable is 8 MiB of them, however large a page.
const SORTED_ROWS: usize = 512 << 10;

/// Counters of one page that are not in a segment yet.
#[derive(Default)]
pub struct PageData {
    words: Words,
    /// Sorted by hour, then kind: time mostly moves on, so that a new one is mostly the last.
    hours: Vec<HourRow>,
}

impl PageData {
    /// Its rows, unsorted; keys may repeat.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        self.words.iter()
    }

    /// Its hour totals, sorted by hour, then kind; each (kind, hour) once.
    pub fn hours(&self) -> impl ExactSizeIterator<Item = HourRow> + '_ {
        self.hours.iter().copied()
    }

    /// Its hour totals as files want them: sorted by kind, then hour.
    #[must_use]
    pub fn sorted_hours(&self, days: DayRange) -> Vec<HourRow> {
        let mut hours: Vec<HourRow> =
            self.hours().filter(|row| row.count > 0 && days.contains(row.hour.day())).collect();
        hours.sort_unstable();
        hours
    }

    /// Gives the rows of `days`, sorted by key and summed (a sum that would overflow keeps two rows), in
    /// ascending runs of bounded length. `scratch` is reused between pages.
    pub fn sorted_rows<E>(
        &self,
        days: DayRange,
        scratch: &mut Vec<Row>,
        mut run: impl FnMut(&[Row]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.sorted_rows_by(days, SORTED_ROWS, scratch, &mut run)
    }

    fn sorted_rows_by<E>(
        &self,
        days: DayRange,
        most: usize,
        scratch: &mut Vec<Row>,
        run: &mut impl FnMut(&[Row]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut from = None;
        for to in self.cuts(most).into_iter().map(Some).chain([None]) {
            let inside = |key: RowKey| from.is_none_or(|from| from <= key) && to.is_none_or(|to| key < to);
            scratch.clear();
            scratch.extend(self.rows().filter(|row| inside(row.key) && days.contains(row.key.day())));
            Row::sum(scratch);
            if !scratch.is_empty() {
                run(scratch)?;
            }
            from = to;
        }
        Ok(())
    }

    /// Keys that cut the rows into parts of about half of `most` each; none when all fit at once.
    fn cuts(&self, most: usize) -> Vec<RowKey> {
        let rows = self.words.rows();
        if rows <= most {
            return Vec::new();
        }
        let parts = rows.div_ceil(most / 2);
        let step = (rows / (parts * 64)).max(1);
        let mut sample: Vec<RowKey> = self.rows().step_by(step).map(|row| row.key).collect();
        sample.sort_unstable();
        let mut cuts: Vec<RowKey> = (1..parts).map(|part| sample[part * sample.len() / parts]).collect();
        cuts.dedup();
        cuts
    }

    /// Adds the counters of one batch.
    pub(super) fn add(&mut self, rows: &[Row], hours: &[HourRow]) {
        self.words.extend(rows);
        for row in hours {
            self.add_hour(*row);
        }
    }

    fn add_hour(&mut self, row: HourRow) {
        let at = (row.hour, row.kind);
        let index = match self.hours.last() {
            Some(last) if (last.hour, last.kind) < at => Err(self.hours.len()),
            None => Err(0),
            _ => self.hours.binary_search_by_key(&at, |row| (row.hour, row.kind)),
        };
        match index {
            Ok(index) => self.hours[index].count = self.hours[index].count.saturating_add(row.count),
            Err(index) => {
                if self.hours.len() == self.hours.capacity() {
                    self.hours.reserve_exact((self.hours.len() / 4).max(2));
                }
                self.hours.insert(index, row);
            }
        }
    }

    /// The same page without the rows and hour totals that are to go.
    pub(super) fn without(
        &self,
        row_goes: impl Fn(&Row) -> bool,
        hour_goes: impl Fn(&HourRow) -> bool,
    ) -> PageData {
        let mut left = PageData::default();
        let mut run = Vec::with_capacity(1_024);
        for row in self.rows().filter(|row| !row_goes(row)) {
            run.push(row);
            if run.len() == run.capacity() {
                left.words.extend(&run);
                run.clear();
            }
        }
        left.words.extend(&run);
        left.hours = self.hours().filter(|row| !hour_goes(row)).collect();
        left
    }

    /// Whether it counts nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.words.rows() == 0 && self.hours.is_empty()
    }

    /// Bytes allocated, itself included.
    pub(super) fn bytes(&self) -> usize {
        size_of::<PageData>()
            + self.words.bytes()
            + self.hours.capacity() * size_of::<HourRow>()
            + 2 * super::ALLOCATION_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn runs_are_sorted_and_keep_every_event(
            keys in prop::collection::vec((0_u64..40, 0_u64..3), 0..400), most in 2_usize..500,
        ) {
            let rows: Vec<Row> = keys
                .into_iter()
                .map(|(cell, day)| Row { key: RowKey::from_bits(cell << 26 | day << 10).unwrap(), count: 2 })
                .collect();
            let mut page = PageData::default();
            rows.chunks(7).for_each(|some| page.add(some, &[]));
            let mut expected = BTreeMap::<RowKey, u32>::new();
            for row in rows.iter().filter(|row| row.key.day().number() > 0) {
                *expected.entry(row.key).or_default() += row.count;
            }
            let days = DayRange { from: crate::model::Day::from_number(1), to: crate::model::Day::LAST };
            let mut got = Vec::new();
            page.sorted_rows_by::<()>(days, most, &mut Vec::new(), &mut |run| {
                got.extend_from_slice(run);
                Ok(())
            }).unwrap();
            let expected: Vec<Row> = expected.into_iter().map(|(key, count)| Row { key, count }).collect();
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn a_sum_that_would_overflow_keeps_two_rows() {
        let key = RowKey::from_bits(5 << 26).unwrap();
        let mut page = PageData::default();
        page.add(&[Row { key, count: u32::MAX }, Row { key, count: 7 }, Row { key, count: u32::MAX }], &[]);
        let mut events = 0;
        page.sorted_rows::<()>(DayRange::ALL, &mut Vec::new(), |run| {
            assert!(run.len() >= 2);
            events += run.iter().map(|row| u64::from(row.count)).sum::<u64>();
            Ok(())
        })
        .unwrap();
        assert_eq!(events, 2 * u64::from(u32::MAX) + 7);
    }
}
