//! Hour totals: events by page, kind and hour of the site's wall clock, for the last `hourly_days`.

use super::filter::{RowFilter, day_bits};
use super::source::{Meter, Source};
use super::{Pages, QueryError};
use crate::model::{HourRow, KindSet};

impl Source<'_> {
    /// Gives the hour totals of pages and kinds that count to `f`; an hour may be given several times.
    pub(super) fn hour_rows(
        &self,
        meter: &mut Meter<'_>,
        pages: &Pages,
        kinds: KindSet,
        f: &mut impl FnMut(HourRow),
    ) -> Result<(), QueryError> {
        let days = self.days.hours;
        let counts = |row: &HourRow| kinds.contains(row.kind) && days.contains(row.hour.day());
        let filter_of = |month| RowFilter::of_days(day_bits(month, &days));
        self.site_pieces(meter, filter_of, &mut |meter, piece| {
            piece.pages(meter, pages, &mut |meter, page| {
                // A rule with a country covers whole hour totals: they have none.
                let of_site = piece.rules.of_site();
                let covered = |row: &HourRow| {
                    page.named.iter().chain(&of_site).any(|cover| cover.days.contains(row.hour.day()))
                };
                let rows = piece.extent.hours(page.page, &mut meter.scratch)?;
                rows.into_iter().filter(|row| counts(row) && !covered(row)).for_each(&mut *f);
                Ok(())
            })
        })?;
        self.memory_pages(meter, pages, &mut |_, _, page| {
            page.hours().filter(counts).for_each(&mut *f);
            Ok(())
        })
    }
}
