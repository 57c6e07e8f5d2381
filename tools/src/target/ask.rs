//! Questions to a store in a directory.

use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::SiteScope;
use heatgrid_engine::query::{Budget, CancelFlag};
use heatgrid_server::ask::{Asking, Route};
use heatgrid_server::privacy::url::PageRules;
use heatgrid_server::wire::format::Format;
use heatgrid_server::wire::question::Written;

use super::{Target, TargetError};

impl Target {
    /// The answer to a question, as bytes. Nobody else waits, so it may read as much as it takes.
    pub(crate) fn ask(
        &self,
        site: &str,
        route: Route,
        question: &Written,
        form: Format,
    ) -> Result<Vec<u8>, TargetError> {
        let site = self.find(site)?;
        let rules = PageRules::of(&site.settings);
        let budget = Budget { rows: u64::MAX, bytes: u64::MAX, cancel: CancelFlag::new() };
        let view = self.store.view();
        // The right to read is the right to the directory.
        let scope = SiteScope::granted(site.id);
        let asking = Asking::new(&site, scope, &rules, &view, self.clock.now_ms(), &budget);
        let question = Written { format: Some(form.name().to_owned()), ..question.clone() };
        Ok(asking.ask(route, &question)?.bytes)
    }
}
