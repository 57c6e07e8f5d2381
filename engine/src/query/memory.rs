//! Rows of memtables: not sorted, not summed, and read under their site's lock.

use super::filter::RowFilter;
use super::source::{Meter, Source};
use super::{Pages, QueryError, Selection};
use crate::memtable::PageData;
use crate::model::{CountrySet, DayRange, Month, Row, Work};
use crate::segment::Spend;

/// A row of a memtable that counts.
pub(super) struct MemoryRow<'a> {
    /// Its page.
    pub(super) page: &'a str,
    /// Its month.
    pub(super) month: Month,
    /// Its day of the month, 0 to 30.
    pub(super) of_month: u8,
    /// The row itself.
    pub(super) row: Row,
}

/// Tells which rows of any month count. Neighbouring rows are mostly of the same month, whose filter is kept.
struct RowTest<'r> {
    source: &'r Source<'r>,
    countries: Option<&'r CountrySet>,
    month: Month,
    days: DayRange,
    filter: RowFilter,
}

impl<'r> RowTest<'r> {
    fn new(source: &'r Source<'r>, countries: Option<&'r CountrySet>) -> RowTest<'r> {
        let month = source.days.days.from.month();
        RowTest { source, countries, month, days: month.days(), filter: source.filter(month, countries) }
    }

    /// The month and the day of it when the row counts.
    #[inline]
    fn place(&mut self, row: &Row) -> Option<(Month, u8)> {
        let day = row.key.day();
        if !self.days.contains(day) {
            self.month = day.month();
            self.days = self.month.days();
            self.filter = self.source.filter(self.month, self.countries);
        }
        // Below 31, for the day is in the month.
        let of_month = (day.number() - self.days.from.number()) as u8;
        self.filter.keeps(row.key.country().code(), of_month).then_some((self.month, of_month))
    }
}

impl Source<'_> {
    /// Gives the pages of each memtable that are asked for to `f`. Batches wait meanwhile.
    pub(super) fn memory_pages(
        &self,
        meter: &mut Meter<'_>,
        pages: &Pages,
        f: &mut dyn FnMut(&mut Meter<'_>, &str, &PageData) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        for memtable in self.view.memtables() {
            memtable.read_site(self.site, |rows| {
                let Some(rows) = rows else { return Ok(()) };
                if let Pages::Page(text) = pages {
                    return rows.page(text).map_or(Ok(()), |page| f(meter, text, page));
                }
                for (text, page) in rows.pages() {
                    let asked = match pages {
                        Pages::Matching(pattern) => meter.matched.test(pattern, text)?,
                        Pages::Site | Pages::Page(_) => true,
                    };
                    meter.spent.check()?;
                    if asked {
                        f(meter, text, page)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Gives the rows of a selection that count to `f`.
    pub(super) fn memory_rows(
        &self,
        meter: &mut Meter<'_>,
        selection: &Selection,
        f: &mut impl FnMut(MemoryRow<'_>),
    ) -> Result<(), QueryError> {
        let mut test = RowTest::new(self, selection.countries.as_ref());
        self.memory_pages(meter, &selection.pages, &mut |meter, page, data| {
            let rows = data.rows();
            meter.spent.spend(Work { rows: rows.len() as u64, ..Work::default() })?;
            for row in rows.filter(|row| selection.layers.contains(row.key.layer())) {
                if let Some((month, of_month)) = test.place(&row) {
                    f(MemoryRow { page, month, of_month, row });
                }
            }
            Ok(())
        })
    }
}
