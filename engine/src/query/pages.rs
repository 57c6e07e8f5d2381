//! Pages: those with the most events, and those that have any.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::plan::check_limit;
use super::source::{Meter, Source};
use super::{
    Answer, Budget, PageListQuestion, PageTotal, QueryError, Selection, SiteContext, TopPagesQuestion,
};
use crate::view::View;

/// Answers with the pages that have the most events of the selection, most first, pages of equal counts by text.
///
/// Read from the per-day totals of strips; from cells only where countries have to be told apart.
///
/// # Errors
/// When the question cannot be asked, costs too much or was cancelled, or a segment cannot be read.
pub fn top_pages(
    view: &View,
    context: &SiteContext<'_>,
    question: &TopPagesQuestion,
    budget: &Budget,
) -> Result<Answer<Vec<PageTotal>>, QueryError> {
    let after = |page: &PageTotal| {
        question.after.as_ref().is_none_or(|last| most_first(last, page) == Ordering::Less)
    };
    list(view, context, (&question.selection, question.limit), budget, after, most_first)
}

/// Answers with the pages that have events of the selection, by text.
///
/// # Errors
/// When the question cannot be asked, costs too much or was cancelled, or a segment cannot be read.
pub fn page_list(
    view: &View,
    context: &SiteContext<'_>,
    question: &PageListQuestion,
    budget: &Budget,
) -> Result<Answer<Vec<PageTotal>>, QueryError> {
    let after = |page: &PageTotal| question.after.as_ref().is_none_or(|last| **last < *page.page);
    let by_text = |a: &PageTotal, b: &PageTotal| a.page.cmp(&b.page);
    list(view, context, (&question.selection, question.limit), budget, after, by_text)
}

fn most_first(a: &PageTotal, b: &PageTotal) -> Ordering {
    b.count.cmp(&a.count).then_with(|| a.page.cmp(&b.page))
}

fn list(
    view: &View,
    context: &SiteContext<'_>,
    (selection, limit): (&Selection, usize),
    budget: &Budget,
    wanted: impl Fn(&PageTotal) -> bool,
    order: impl Fn(&PageTotal, &PageTotal) -> Ordering,
) -> Result<Answer<Vec<PageTotal>>, QueryError> {
    check_limit(limit)?;
    let (mut source, mut meter) = Source::begin(view, context, &selection.days, budget)?;
    let layers = source.withhold(&mut meter, &selection.layers)?;
    let selection = Selection { layers, ..selection.clone() };
    if selection.countries.is_some() {
        source.learn_rare(&mut meter)?;
    }
    let totals = totals(&source, &mut meter, &selection)?.into_iter();
    let mut pages: Vec<PageTotal> =
        totals.map(|(page, count)| PageTotal { page, count }).filter(|page| wanted(page)).collect();
    if pages.len() > limit {
        // Finds the first ones in linear time, so that a site of very many pages is not sorted for twenty.
        pages.select_nth_unstable_by(limit, &order);
        pages.truncate(limit);
    }
    pages.sort_unstable_by(&order);
    Ok(source.answer(&meter, pages))
}

/// Events of each page that has any.
fn totals(
    source: &Source<'_>,
    meter: &mut Meter<'_>,
    selection: &Selection,
) -> Result<HashMap<Box<str>, u64>, QueryError> {
    let mut totals = HashMap::<Box<str>, u64>::new();
    let mut add = |page: &str, count: u64| {
        match totals.get_mut(page) {
            Some(total) => *total = total.saturating_add(count),
            None if count > 0 => drop(totals.insert(page.into(), count)),
            None => {}
        };
    };
    source.pages(meter, selection, &mut |meter, piece, page| {
        let mut of_page = 0_u64;
        piece.strips(meter, page, &selection.layers, &mut |meter, strip| {
            of_page = of_page.saturating_add(strip.count(meter)?);
            Ok(())
        })?;
        add(page.text, of_page);
        Ok(())
    })?;
    source.memory_rows(meter, selection, &mut |found| add(found.page, u64::from(found.row.count)))?;
    Ok(totals)
}
