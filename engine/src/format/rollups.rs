//! Roll-ups: what a site has by day, kind, device and country. `docs/FORMAT.md`, section "Roll-ups".

use super::columns::{Numbers, Packer, Unpacker};
use super::detail::{CellRow, MONTH_DAYS};
use super::frame::{Cursor, FormatError};
use crate::model::{Country, Device, Kind};

/// Kinds times devices, as `kind << 2 | device`.
const PAIRS: usize = 44;
/// Days of one (pair, country).
const DAYS: usize = MONTH_DAYS as usize;

/// One sum of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollup {
    /// Day of the month, 0 to 30.
    pub day: u8,
    /// What was done.
    pub kind: Kind,
    /// On what kind of screen.
    pub device: Device,
    /// Index into the extent's countries.
    pub country: u16,
    /// Sum of the counts; at least 1.
    pub count: u64,
}

/// Sums of one site, being made: dense, so that a row costs one addition.
#[derive(Debug)]
pub struct RollupBuilder {
    /// By pair, then country, then day; as long as the highest country of the pair needs.
    sums: [Vec<u64>; PAIRS],
}

impl Default for RollupBuilder {
    fn default() -> RollupBuilder {
        RollupBuilder { sums: std::array::from_fn(|_| Vec::new()) }
    }
}

impl RollupBuilder {
    /// Adds the rows of a cell.
    #[inline]
    pub fn add(&mut self, kind: Kind, device: Device, rows: &[CellRow]) {
        let Some(sums) = self.sums.get_mut(pair_code(kind, device)) else { return };
        for row in rows {
            let at = usize::from(row.country).saturating_mul(DAYS).saturating_add(usize::from(row.day));
            if at >= sums.len() {
                sums.resize(usize::from(row.country).saturating_add(1).saturating_mul(DAYS), 0);
            }
            if let Some(sum) = sums.get_mut(at) {
                *sum = sum.saturating_add(u64::from(row.count));
            }
        }
    }

    /// Adds a sum that was read.
    pub fn add_sum(&mut self, sum: &Rollup) {
        // Counts of days of a site stay far below what a sum can be.
        if let Some(of) = self.at(sum.kind, sum.device, sum.country, sum.day) {
            *of = of.saturating_add(sum.count);
        }
    }

    /// Takes some of what was added out again; says whether there was so much.
    #[must_use]
    pub fn take(&mut self, taken: &Rollup) -> bool {
        let Some(sum) = self.at(taken.kind, taken.device, taken.country, taken.day) else { return false };
        match sum.checked_sub(taken.count) {
            Some(left) => {
                *sum = left;
                true
            }
            None => false,
        }
    }

    fn at(&mut self, kind: Kind, device: Device, country: u16, day: u8) -> Option<&mut u64> {
        let sums = self.sums.get_mut(pair_code(kind, device))?;
        let at = usize::from(country).saturating_mul(DAYS).saturating_add(usize::from(day));
        if at >= sums.len() {
            sums.resize(usize::from(country).saturating_add(1).saturating_mul(DAYS), 0);
        }
        sums.get_mut(at)
    }

    /// The sum of each of so many countries.
    #[must_use]
    pub fn country_totals(&self, countries: usize) -> Vec<u64> {
        let mut totals = vec![0_u64; countries];
        for sums in &self.sums {
            for (total, days) in totals.iter_mut().zip(sums.chunks(DAYS)) {
                *total = days.iter().fold(*total, |total, sum| total.saturating_add(*sum));
            }
        }
        totals
    }

    /// Appends the section's bytes and empties the builder.
    pub fn end(&mut self, packer: &mut Packer, target: &mut Vec<u8>) {
        let mut columns = Rollups::default();
        for (code, sums) in self.sums.iter_mut().enumerate() {
            columns.push_pair(code as u8, sums);
            sums.clear();
        }
        columns.pack(packer, target);
    }
}

fn pair_code(kind: Kind, device: Device) -> usize {
    usize::from(kind.code()) << 2 | usize::from(device.code())
}

/// The section's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollups {
    /// Code of each pair.
    pairs: Vec<u8>,
    /// Countries of each pair.
    pair_countries: Numbers,
    /// Index of each country of a pair, less that of the one before and 1.
    countries: Numbers,
    /// Days of each (pair, country).
    lengths: Vec<u8>,
    /// Each day less the one before and 1.
    days: Vec<u8>,
    /// Each sum less 1.
    counts: Numbers,
}

impl Rollups {
    fn push_pair(&mut self, code: u8, sums: &[u64]) {
        let mut countries = 0_u64;
        let mut next_country = 0_u64;
        for (country, of_days) in (0_u64..).zip(sums.chunks(DAYS)) {
            let mut length = 0_u8;
            let mut next_day = 0_u8;
            for (day, sum) in (0_u8..).zip(of_days).filter(|(_, sum)| **sum > 0) {
                self.days.push(day.wrapping_sub(next_day));
                self.counts.push(sum.saturating_sub(1));
                next_day = day.saturating_add(1);
                length = length.saturating_add(1);
            }
            if length > 0 {
                self.countries.push(country.wrapping_sub(next_country));
                self.lengths.push(length);
                next_country = country.saturating_add(1);
                countries = countries.saturating_add(1);
            }
        }
        if countries > 0 {
            self.pairs.push(code);
            self.pair_countries.push(countries);
        }
    }

    fn pack(&self, packer: &mut Packer, target: &mut Vec<u8>) {
        packer.pack(&self.pairs, target);
        self.pair_countries.pack(packer, target);
        self.countries.pack(packer, target);
        packer.pack(&self.lengths, target);
        packer.pack(&self.days, target);
        self.counts.pack(packer, target);
    }

    /// Reads the section over this one.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn unpack(&mut self, section: &[u8], unpacker: &mut Unpacker) -> Result<(), FormatError> {
        const COUNTRIES: usize = PAIRS * Country::CODES as usize;
        let mut cursor = Cursor::new("roll-ups", section);
        unpacker.unpack(&mut cursor, PAIRS, &mut self.pairs)?;
        self.pair_countries.unpack_exactly(unpacker, &mut cursor, self.pairs.len())?;
        self.countries.unpack(unpacker, &mut cursor, COUNTRIES)?;
        unpacker.unpack_exactly(&mut cursor, self.countries.len(), &mut self.lengths)?;
        unpacker.unpack(&mut cursor, COUNTRIES * DAYS, &mut self.days)?;
        self.counts.unpack_exactly(unpacker, &mut cursor, self.days.len())?;
        cursor.finish()
    }

    /// Gives every sum, by kind, device, country and day, of an extent of so many countries.
    ///
    /// # Errors
    /// When the columns contradict each other; what was given before is then wrong too.
    pub fn each(&self, countries: usize, mut f: impl FnMut(Rollup)) -> Result<(), FormatError> {
        let cursor = Cursor::new("roll-ups", &[]);
        let mut indexes = self.countries.reader(0);
        let mut lengths = self.lengths.iter();
        let mut gaps = self.days.iter();
        let mut counts = self.counts.reader(0);
        for (code, of_pair) in self.pairs.iter().zip(self.pair_countries.reader(0)) {
            let kind = Kind::from_code(code >> 2).ok_or_else(|| cursor.invalid(u64::from(*code)))?;
            let device = Device::from_code(code & 3).ok_or_else(|| cursor.invalid(u64::from(*code)))?;
            let mut next_country = 0_u64;
            for _ in 0..of_pair {
                let (Some(gap), Some(length)) = (indexes.next(), lengths.next()) else {
                    return Err(cursor.invalid(of_pair));
                };
                let country = next_country.saturating_add(gap);
                next_country = country.saturating_add(1);
                let country = match u16::try_from(country) {
                    Ok(index) if usize::from(index) < countries => index,
                    _ => return Err(cursor.invalid(country)),
                };
                let mut next_day = 0_u8;
                for _ in 0..*length {
                    let (Some(gap), Some(less_one)) = (gaps.next(), counts.next()) else {
                        return Err(cursor.invalid(u64::from(*length)));
                    };
                    let day = next_day.saturating_add(*gap);
                    if day >= MONTH_DAYS {
                        return Err(cursor.invalid(u64::from(day)));
                    }
                    next_day = day.saturating_add(1);
                    f(Rollup { day, kind, device, country, count: less_one.saturating_add(1) });
                }
            }
        }
        match (indexes.next(), gaps.next()) {
            (None, None) => Ok(()),
            _ => Err(cursor.invalid(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_read_back(
            rows in prop::collection::vec((0..11_u8, 0..4_u8, 0..31_u8, 0..300_u16, 1..=u32::MAX), 0..200),
        ) {
            let mut builder = RollupBuilder::default();
            let (mut expected, taken) = (BTreeMap::new(), rows.clone());
            let mut countries = vec![0; 300];
            for (kind, device, day, country, count) in rows {
                let row = CellRow { day, country, count };
                builder.add(Kind::from_code(kind).unwrap(), Device::from_code(device).unwrap(), &[row]);
                *expected.entry((kind, device, country, day)).or_insert(0) += u64::from(count);
                countries[usize::from(country)] += u64::from(count);
            }
            prop_assert_eq!(builder.country_totals(300), countries);
            let (mut bytes, mut back, mut got) = (Vec::new(), Rollups::default(), Vec::new());
            builder.end(&mut Packer::new(), &mut bytes);
            back.unpack(&bytes, &mut Unpacker::new()).unwrap();
            back.each(300, |sum| got.push(((sum.kind.code(), sum.device.code(), sum.country, sum.day), sum.count)))
                .unwrap();
            prop_assert_eq!(got, expected.into_iter().collect::<Vec<_>>());
            let mut again = RollupBuilder::default();
            back.each(300, |sum| again.add_sum(&sum)).unwrap();
            let mut same = Vec::new();
            again.end(&mut Packer::new(), &mut same);
            prop_assert_eq!(&same, &bytes);
            // Taken out one by one, nothing is left, and no more can be taken.
            back.each(300, |sum| again.add_sum(&sum)).unwrap();
            for (kind, device, day, country, count) in taken {
                let (kind, device) = (Kind::from_code(kind).unwrap(), Device::from_code(device).unwrap());
                let was_there = again.take(&Rollup { day, kind, device, country, count: u64::from(count) });
                prop_assert!(was_there);
            }
            prop_assert_eq!(again.country_totals(300), vec![0; 300]);
            let none = Rollup { day: 1, kind: Kind::Click, device: Device::Mobile, country: 2, count: 1 };
            let was_there = again.take(&none);
            prop_assert!(!was_there);
            // The builder is empty again.
            prop_assert_eq!(builder.country_totals(2), [0, 0]);
        }

        #[test]
        fn damaged_sums_give_an_error_or_possible_sums(
            bytes in prop::collection::vec(prop_oneof![0..6_u8, any::<u8>()], 0..60),
        ) {
            let mut sums = Rollups::default();
            if sums.unpack(&bytes, &mut Unpacker::new()).is_ok() {
                let _ = sums.each(5, |sum| assert!(sum.day < 31 && sum.country < 5));
            }
        }
    }
}
