//! How old what a segment holds is, from its extents' headers.

use crate::model::{Day, Month};
use crate::segment::{Segment, SegmentError};

use super::plan::{SegmentAges, SiteAges};

/// Reads the ages of everything in a segment. Touches the headers of its extents only.
///
/// # Errors
/// When one of them is damaged.
pub fn of(segment: &Segment) -> Result<SegmentAges, SegmentError> {
    let (number, month) = (segment.entry().number, segment.entry().header.month);
    let mut sites = Vec::new();
    for site in segment.sites()? {
        if let Some(extent) = segment.extent(site)? {
            let header = extent.header();
            sites.push(SiteAges {
                site,
                bytes: extent.length_bytes(),
                days: ends(month, header.days),
                hours: ends(month, header.hour_days),
            });
        }
    }
    Ok(SegmentAges { number, sites })
}

/// First and last of the days whose bits are set.
fn ends(month: Month, days: u32) -> Option<(Day, Day)> {
    let last = days.checked_ilog2()?;
    Some((month.day(days.trailing_zeros() as u8), month.day(last as u8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_say_the_first_and_the_last_day() {
        let month = Day::from_civil(2026, 3, 1).unwrap().month();
        assert_eq!(ends(month, 0), None);
        assert_eq!(ends(month, 1), Some((month.day(0), month.day(0))));
        assert_eq!(ends(month, 1 << 30 | 1 << 4 | 1 << 7), Some((month.day(4), month.day(30))));
    }
}
