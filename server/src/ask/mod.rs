//! From a question as it was written to its answer as bytes, and from a request to erase to what the store takes. HTTP
//! and the offline tools ask here, so that they cannot differ.

mod answered;
mod erasure;

use heatgrid_engine::model::{Day, Grid, KindSet, Site, SiteScope, Work};
use heatgrid_engine::query::{self, Answer, Budget, GridQuestion, QueryError, SiteContext};
use heatgrid_engine::view::View;

pub use self::answered::Answered;
pub use self::erasure::{NoErasure, erasure_request};
use crate::picture::{self, Picture};
use crate::privacy::pattern_text;
use crate::privacy::url::PageRules;
use crate::wire::answer::{GridAnswer, Head, PagesAnswer, ScrollAnswer, SeriesAnswer, SummaryAnswer};
use crate::wire::format::{Format, NoSuchForm};
pub use crate::wire::question::Route;
use crate::wire::question::{Asked, BadQuestion, Written, cursor};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It cannot be asked.
    #[error(transparent)]
    Bad(#[from] BadQuestion),
    /// The answer has no such form.
    #[error(transparent)]
    Form(#[from] NoSuchForm),
    /// It was asked, and not answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The answer would be too large.
    #[error(
        "the grid has {cells} cells, and an answer at most {most}; ask for larger cells (cell=64), fewer pages, \
         kinds or days"
    )]
    TooManyCells {
        /// Cells of the answer.
        cells: usize,
        /// Most that are answered.
        most: usize,
    },
}

/// A site that is asked, by someone who may.
pub struct Asking<'a> {
    site: &'a Site,
    scope: SiteScope,
    rules: &'a PageRules,
    view: &'a View,
    now_ms: u64,
    budget: &'a Budget,
    most_cells: usize,
}

/// A grid, and the one it is compared with.
pub struct GridAnswered {
    /// What was asked.
    pub question: GridQuestion,
    /// The answer.
    pub grid: Answer<Grid>,
    /// The same on other days.
    pub compare: Option<Answer<Grid>>,
}

impl<'a> Asking<'a> {
    /// Asks `site`, whose URL rules are `rules`, on `view` at `now_ms` (Unix ms).
    #[must_use]
    pub fn new(
        site: &'a Site,
        scope: SiteScope,
        rules: &'a PageRules,
        view: &'a View,
        now_ms: u64,
        budget: &'a Budget,
    ) -> Asking<'a> {
        Asking { site, scope, rules, view, now_ms, budget, most_cells: usize::MAX }
    }

    /// Refuses grids of more cells: each is some 12 bytes while it is summed, and as many in the answer.
    #[must_use]
    pub fn most_cells(self, most_cells: usize) -> Asking<'a> {
        Asking { most_cells, ..self }
    }

    /// The answer to a question, in the form it asks for; JSON if it does not say.
    ///
    /// # Errors
    /// When it cannot be asked, or cannot be answered.
    pub fn ask(&self, route: Route, written: &Written) -> Result<Answered, AskError> {
        let format = written.format()?.unwrap_or(Format::Json);
        match route {
            Route::Grid => self.grid_bytes(written, format),
            Route::Series => self.series(written, format),
            Route::Pages => self.pages(written, format),
            Route::Summary => self.summary(written, format),
            Route::Scroll => self.scroll(written, format),
        }
    }

    /// A grid before it is written: a picture is drawn from it.
    ///
    /// # Errors
    /// When it cannot be asked, or cannot be answered.
    pub fn grid(&self, written: &Written) -> Result<GridAnswered, AskError> {
        let asked = written.grid(self.asked())?;
        let answer = |question| query::grid(self.view, &self.context(), question, self.budget);
        Ok(GridAnswered {
            grid: answer(&asked.grid)?,
            compare: asked.compare.as_ref().map(answer).transpose()?,
            question: asked.grid,
        })
    }

    fn grid_bytes(&self, written: &Written, format: Format) -> Result<Answered, AskError> {
        let style = written.style()?;
        if written.compares() && matches!(format, Format::Png | Format::Points | Format::Bin) {
            let expected = "json, csv or ndjson when days are compared";
            return Err(BadQuestion::Value { name: "format", expected }.into());
        }
        let GridAnswered { question, grid, compare } = self.grid(written)?;
        for grid in [Some(&grid), compare.as_ref()].into_iter().flatten() {
            self.check_size(&grid.value)?;
        }
        let withheld = grid.withheld || compare.as_ref().is_some_and(|compare| compare.withheld);
        let (bytes, px_per_pixel) = match format {
            Format::Png => {
                let Picture { png, px_per_pixel } = picture::draw(&grid.value, &style);
                (png, px_per_pixel)
            }
            _ => {
                let pages = PageNames::of(written, self.rules)?;
                let head = self.head(question.selection.layers.kinds, &grid, &pages);
                let compare = compare.as_ref().map(|compare| &compare.value);
                (GridAnswer { head, grid: &grid.value, compare }.write(format)?, 1)
            }
        };
        let work = sum(grid.work, compare.map(|compare| compare.work));
        Ok(Answered { bytes, format, withheld, next: None, px_per_pixel, work })
    }

    fn check_size(&self, grid: &Grid) -> Result<(), AskError> {
        match grid.len() > self.most_cells {
            true => Err(AskError::TooManyCells { cells: grid.len(), most: self.most_cells }),
            false => Ok(()),
        }
    }

    fn series(&self, written: &Written, format: Format) -> Result<Answered, AskError> {
        let question = written.series(self.asked())?;
        let answer = query::series(self.view, &self.context(), &question, self.budget)?;
        Ok(answered(SeriesAnswer(&answer.value).write(format)?, format, &answer))
    }

    fn pages(&self, written: &Written, format: Format) -> Result<Answered, AskError> {
        let question = written.pages(self.asked())?;
        let answer = query::top_pages(self.view, &self.context(), &question, self.budget)?;
        let full = answer.value.len() == question.limit;
        let next = if full { answer.value.last().map(cursor) } else { None };
        Ok(Answered { next, ..answered(PagesAnswer(&answer.value).write(format)?, format, &answer) })
    }

    fn summary(&self, written: &Written, format: Format) -> Result<Answered, AskError> {
        let asked = written.summary(self.asked())?;
        let answer = query::summary(self.view, &self.context(), &asked.selection, self.budget)?;
        let of_hours = |selection| query::summary(self.view, &self.context(), selection, self.budget);
        let hours = asked.hours.as_ref().map(of_hours).transpose()?;
        let pages = PageNames::of(written, self.rules)?;
        let head = self.head(asked.selection.layers.kinds, &answer, &pages);
        let hours_value = hours.as_ref().map(|hours| &hours.value);
        let bytes = SummaryAnswer { head, summary: &answer.value, hours: hours_value }.write(format)?;
        let work = sum(answer.work, hours.map(|hours| hours.work));
        Ok(Answered { work, ..answered(bytes, format, &answer) })
    }

    fn scroll(&self, written: &Written, format: Format) -> Result<Answered, AskError> {
        let selection = written.scroll(self.asked())?;
        let reach = query::scroll_reach(self.view, &self.context(), &selection, self.budget)?;
        let attention = query::attention(self.view, &self.context(), &selection, self.budget)?;
        let pages = PageNames::of(written, self.rules)?;
        let head = self.head(selection.layers.kinds, &reach, &pages);
        let bytes = ScrollAnswer { head, reach: &reach.value, attention: &attention.value }.write(format)?;
        let work = sum(reach.work, Some(attention.work));
        Ok(Answered { work, ..answered(bytes, format, &reach) })
    }

    fn asked(&self) -> Asked<'a> {
        Asked { rules: self.rules, today: self.today() }
    }

    fn context(&self) -> SiteContext<'a> {
        SiteContext { scope: self.scope, settings: &self.site.settings, today: self.today() }
    }

    fn today(&self) -> Day {
        self.site.settings.day_at(self.now_ms)
    }

    fn head<'h, T>(&'h self, kinds: KindSet, answer: &Answer<T>, pages: &'h PageNames) -> Head<'h> {
        Head::of(self.site.name.as_str(), kinds, answer, self.now_ms)
            .page(pages.page.as_deref())
            .page_pattern(pages.pattern.as_deref())
    }
}

/// What a head says of the pages asked for, in normal form.
struct PageNames {
    page: Option<String>,
    pattern: Option<String>,
}

impl PageNames {
    fn of(written: &Written, rules: &PageRules) -> Result<PageNames, BadQuestion> {
        let normal = |page: &String| rules.normalise_query_page(page).map(|page| page.text);
        Ok(PageNames {
            page: written.page.as_ref().map(normal).transpose()?,
            pattern: written.page_pattern.as_deref().map(pattern_text),
        })
    }
}

fn answered<T>(bytes: Vec<u8>, format: Format, answer: &Answer<T>) -> Answered {
    Answered { bytes, format, withheld: answer.withheld, next: None, px_per_pixel: 1, work: answer.work }
}

fn sum(mut work: Work, more: Option<Work>) -> Work {
    work += more.unwrap_or_default();
    work
}

#[cfg(test)]
mod tests;
