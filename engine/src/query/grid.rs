//! Grids: cells summed over layers, days, countries and pages.

use super::accumulate::Accumulator;
use super::align::Projection;
use super::source::Source;
use super::{Answer, Budget, GridQuestion, InvalidQuestion, Pages, QueryError, Selection, SiteContext};
use crate::model::{Grid, Layer};
use crate::view::View;

/// Rows of a memtable that are added at a time.
const BUFFERED_ROWS: usize = 1_024;

/// Answers with the cells of a page, or of the pages of a pattern together.
///
/// Strips all of whose events count are read by their summaries; details are read where days or countries have to be
/// told apart.
///
/// # Errors
/// When the question cannot be asked, costs too much or was cancelled, or a segment cannot be read.
pub fn grid(
    view: &View,
    context: &SiteContext<'_>,
    question: &GridQuestion,
    budget: &Budget,
) -> Result<Answer<Grid>, QueryError> {
    if question.selection.pages == Pages::Site {
        return Err(InvalidQuestion::NoPage.into());
    }
    let mut projection = Projection::new(question.cell, question.align)?;
    let (mut source, mut meter) = Source::begin(view, context, &question.selection.days, budget)?;
    let layers = source.withhold(&mut meter, &question.selection.layers)?;
    let selection = Selection { layers, ..question.selection.clone() };
    if selection.countries.is_some() {
        source.learn_rare(&mut meter)?;
    }
    let mut sum = Accumulator::new(source.segment_count() > 1);
    source.strips(&mut meter, &selection, &mut |meter, strip| {
        sum.expect(strip.cell_count());
        let layer = strip.layer();
        strip.cells(meter, &mut |codes, counts| {
            projection.map(layer, codes, counts, &mut |codes, counts| sum.add(codes, counts));
        })
    })?;
    let mut rows = Buffer::default();
    source.memory_rows(&mut meter, &selection, &mut |found| {
        let layer = found.row.key.layer();
        if rows.layer != Some(layer) || rows.codes.len() == BUFFERED_ROWS {
            rows.empty_into(&mut projection, &mut sum);
            rows.layer = Some(layer);
        }
        rows.codes.push(found.row.key.cell().code());
        rows.counts.push(u64::from(found.row.count));
    })?;
    rows.empty_into(&mut projection, &mut sum);
    let (codes, counts) = sum.finish();
    Ok(source.answer(&meter, Grid::new(question.cell, codes, counts, projection.outside())))
}

/// Rows of one layer that wait to be added together.
#[derive(Default)]
struct Buffer {
    layer: Option<Layer>,
    codes: Vec<u32>,
    counts: Vec<u64>,
}

impl Buffer {
    fn empty_into(&mut self, projection: &mut Projection, sum: &mut Accumulator) {
        if let Some(layer) = self.layer {
            projection.map(layer, &self.codes, &self.counts, &mut |codes, counts| sum.add(codes, counts));
        }
        self.codes.clear();
        self.counts.clear();
    }
}
