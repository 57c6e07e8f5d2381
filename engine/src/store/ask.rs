//! Asking: a view of this moment, the site's rules, and the question.

use std::sync::Arc;

use crate::error::AskError;
use crate::model::{Grid, SiteScope};
use crate::query::{
    self, Answer, Attention, Budget, GridQuestion, PageListQuestion, PageTotal, QueryError, ScrollReach,
    Selection, SeriesQuestion, SiteContext, Summary, TimeCount, TopPagesQuestion,
};
use crate::view::View;

use super::Store;

impl Store {
    /// Everything that has been acknowledged, as it is now. It is good for `limits::VIEW_SECONDS`.
    #[must_use]
    pub fn view(&self) -> View {
        let state = self.core.live.read();
        let mut memtables = vec![Arc::clone(&state.active)];
        memtables.extend(state.frozen.clone());
        let (segments, masks) = (Arc::clone(&state.segments), Arc::clone(&state.masks));
        View::open(segments, memtables, masks, Arc::clone(&self.core.clock))
    }

    /// Asks one or more questions of one site over one view.
    ///
    /// # Errors
    /// When the site is unknown or closed, and those of the questions.
    pub fn ask<T>(
        &self,
        scope: SiteScope,
        question: impl FnOnce(&View, &SiteContext<'_>) -> Result<T, QueryError>,
    ) -> Result<T, AskError> {
        let site = self.core.accounts.get(scope.site()).filter(|site| !site.closed);
        let site = site.ok_or(AskError::UnknownSite(scope.site()))?;
        let today = site.settings.day_at(self.core.now_ms());
        let context = SiteContext { scope, settings: &site.settings, today };
        Ok(question(&self.view(), &context)?)
    }

    /// The cells of a page or of the pages of a pattern.
    ///
    /// # Errors
    /// As `ask`.
    pub fn grid(
        &self,
        scope: SiteScope,
        question: &GridQuestion,
        budget: &Budget,
    ) -> Result<Answer<Grid>, AskError> {
        self.ask(scope, |view, context| query::grid(view, context, question, budget))
    }

    /// Counts over time.
    ///
    /// # Errors
    /// As `ask`.
    pub fn series(
        &self,
        scope: SiteScope,
        question: &SeriesQuestion,
        budget: &Budget,
    ) -> Result<Answer<Vec<TimeCount>>, AskError> {
        self.ask(scope, |view, context| query::series(view, context, question, budget))
    }

    /// The pages with the most events.
    ///
    /// # Errors
    /// As `ask`.
    pub fn top_pages(
        &self,
        scope: SiteScope,
        question: &TopPagesQuestion,
        budget: &Budget,
    ) -> Result<Answer<Vec<PageTotal>>, AskError> {
        self.ask(scope, |view, context| query::top_pages(view, context, question, budget))
    }

    /// The pages that have events, by text.
    ///
    /// # Errors
    /// As `ask`.
    pub fn page_list(
        &self,
        scope: SiteScope,
        question: &PageListQuestion,
        budget: &Budget,
    ) -> Result<Answer<Vec<PageTotal>>, AskError> {
        self.ask(scope, |view, context| query::page_list(view, context, question, budget))
    }

    /// Totals by kind, device, country, weekday and hour.
    ///
    /// # Errors
    /// As `ask`.
    pub fn summary(
        &self,
        scope: SiteScope,
        selection: &Selection,
        budget: &Budget,
    ) -> Result<Answer<Summary>, AskError> {
        self.ask(scope, |view, context| query::summary(view, context, selection, budget))
    }

    /// How deep views scrolled.
    ///
    /// # Errors
    /// As `ask`.
    pub fn scroll_reach(
        &self,
        scope: SiteScope,
        selection: &Selection,
        budget: &Budget,
    ) -> Result<Answer<ScrollReach>, AskError> {
        self.ask(scope, |view, context| query::scroll_reach(view, context, selection, budget))
    }

    /// Seconds of attention by row.
    ///
    /// # Errors
    /// As `ask`.
    pub fn attention(
        &self,
        scope: SiteScope,
        selection: &Selection,
        budget: &Budget,
    ) -> Result<Answer<Attention>, AskError> {
        self.ask(scope, |view, context| query::attention(view, context, selection, budget))
    }
}
