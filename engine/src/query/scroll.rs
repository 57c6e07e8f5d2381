//! Depth: how far down pages were seen, and how long their rows were looked at.

use super::source::{Meter, Source};
use super::{Answer, Attention, Budget, QueryError, ScrollReach, Selection, SiteContext};
use crate::model::{Cell, Kind, KindSet, LayerSelection};
use crate::view::View;

/// Answers with how many views reached each row; the kinds of the selection do not matter.
///
/// # Errors
/// When the question cannot be asked, costs too much or was cancelled, or a segment cannot be read.
pub fn scroll_reach(
    view: &View,
    context: &SiteContext<'_>,
    selection: &Selection,
    budget: &Budget,
) -> Result<Answer<ScrollReach>, QueryError> {
    let (mut source, mut meter) = Source::begin(view, context, &selection.days, budget)?;
    let mut deepest = Rows::default();
    let mut views = 0_u64;
    each_row(
        &mut source,
        &mut meter,
        selection,
        [Kind::View, Kind::Scroll],
        &mut |kind, y, count| match kind {
            Kind::View => views = views.saturating_add(count),
            _ => deepest.add(y, count),
        },
    )?;
    Ok(source.answer(&meter, ScrollReach { deepest: deepest.0, views }))
}

/// Answers with how many seconds each row was on the screen; the kinds of the selection do not matter.
///
/// # Errors
/// When the question cannot be asked, costs too much or was cancelled, or a segment cannot be read.
pub fn attention(
    view: &View,
    context: &SiteContext<'_>,
    selection: &Selection,
    budget: &Budget,
) -> Result<Answer<Attention>, QueryError> {
    let (mut source, mut meter) = Source::begin(view, context, &selection.days, budget)?;
    let (mut begun, mut ended) = (Rows::default(), Rows::default());
    let kinds = [Kind::Attention, Kind::AttentionEnd];
    each_row(&mut source, &mut meter, selection, kinds, &mut |kind, y, count| match kind {
        Kind::Attention => begun.add(y, count),
        _ => ended.add(y, count),
    })?;
    Ok(source.answer(&meter, Attention { seconds: on_screen(&begun.0, &ended.0) }))
}

/// Gives kind, row and count of each cell of two kinds to `f`; a row may be given several times.
fn each_row(
    source: &mut Source<'_>,
    meter: &mut Meter<'_>,
    selection: &Selection,
    kinds: [Kind; 2],
    f: &mut impl FnMut(Kind, u32, u64),
) -> Result<(), QueryError> {
    let layers = LayerSelection { kinds: KindSet::from_iter(kinds), ..selection.layers };
    let selection = Selection { layers, ..selection.clone() };
    if selection.countries.is_some() {
        source.learn_rare(meter)?;
    }
    source.strips(meter, &selection, &mut |meter, strip| {
        let kind = strip.layer().kind();
        if kind == Kind::View {
            // A view has no place, so that its totals tell everything.
            f(kind, 0, strip.count(meter)?);
            return Ok(());
        }
        strip.cells(meter, &mut |codes, counts| {
            for (code, count) in codes.iter().zip(counts) {
                f(kind, code & (Cell::ROWS - 1), *count);
            }
        })
    })?;
    source.memory_rows(meter, &selection, &mut |found| {
        let key = found.row.key;
        f(key.layer().kind(), key.cell().y(), u64::from(found.row.count));
    })
}

/// Counts by row.
#[derive(Default)]
struct Rows(Vec<u64>);

impl Rows {
    fn add(&mut self, y: u32, count: u64) {
        let y = y as usize;
        if y >= self.0.len() {
            self.0.resize(y + 1, 0);
        }
        self.0[y] = self.0[y].saturating_add(count);
    }
}

/// By row, the seconds that had begun at it or above and not ended before it. Ends with the last row that has any.
fn on_screen(begun: &[u64], ended: &[u64]) -> Vec<u64> {
    let at = |rows: &[u64], row: usize| i128::from(rows.get(row).copied().unwrap_or(0));
    let mut now = 0_i128;
    let mut seconds: Vec<u64> = (0..begun.len().max(ended.len()))
        .map(|row| {
            now += at(begun, row) - at(ended, row);
            // An end without its beginning is a writer's mistake; there is no time below none.
            u64::try_from(now.max(0)).unwrap_or(u64::MAX)
        })
        .collect();
    while seconds.last() == Some(&0) {
        seconds.pop();
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_become_seconds_by_row() {
        // One second on rows 0 to 2, two on rows 1 to 3.
        assert_eq!(on_screen(&[1, 2], &[0, 0, 0, 1, 2]), [1, 3, 3, 2]);
        assert_eq!(on_screen(&[], &[]), [0_u64; 0]);
        assert_eq!(on_screen(&[0, 1], &[2]), [0_u64; 0]);
    }

    #[test]
    fn reach_falls_from_all_to_the_deepest() {
        let reach = ScrollReach { deepest: vec![1, 0, 3], views: 9 };
        assert_eq!((reach.scrolls(), reach.reached()), (4, vec![4, 3, 3]));
        assert_eq!(reach.shares(), [1.0, 0.75, 0.75]);
    }
}
