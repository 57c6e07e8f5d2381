//! Asking the store beside the runtime's threads: a few questions at a time, each within a budget, none for a client
//! that has gone.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use heatgrid_engine::clock::Clock;
use heatgrid_engine::query::{Budget, CancelFlag};
use heatgrid_engine::store::Store;
use tokio::sync::Semaphore;

use super::accept;
use super::asked::Question;
use super::reply::{self, Reply};
use crate::api::off_the_runtime;
use crate::ask::{Asking, Route};
use crate::http::problem::{BUSY, Problem};
use crate::rules::Rules;

/// Bytes of blocks that one question may read: as many as its rows have at most.
const BYTES_A_ROW: u64 = 8;
/// Cells of one answer: 60 MB as JSON. A page of 1,440 x 20,000 px has at most 450,000.
const CELLS: usize = 4 << 20;
/// Longest wait for a place; a view lives as long again, and clients seldom wait longer.
const WAIT: Duration = Duration::from_secs(30);

/// Places for questions that are answered at a time, and what each may read.
pub struct Queries {
    store: Arc<Store>,
    rules: Arc<Rules>,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    rows: u64,
}

/// Stops a question when nobody waits for it any more.
struct Waiting(CancelFlag);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Queries {
    /// Answers from a store; a question may read so many rows.
    ///
    /// Each holds a thread and, at worst, some 100 MB; two for each processor keep them busy while one of them waits
    /// for the disk.
    #[must_use]
    pub fn new(store: Arc<Store>, rules: Arc<Rules>, clock: Arc<dyn Clock>, rows: u64) -> Queries {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Queries { store, rules, clock, places: Arc::new(Semaphore::new(2 * processors)), rows }
    }

    /// Answers a question.
    pub(super) async fn answer(&self, route: Route, mut question: Question) -> Result<Response, Problem> {
        if question.written.format()?.is_none() {
            let form = accept::best(&question.headers, route.forms());
            question.written.format = Some(form.name().to_owned());
        }
        let place = tokio::time::timeout(WAIT, Arc::clone(&self.places).acquire_owned());
        let Ok(Ok(place)) = place.await else {
            let detail = "too many questions are being answered; ask again in a few seconds";
            return Err(Problem::new(&BUSY, detail).retry_after(5));
        };
        let cancel = CancelFlag::new();
        let _waiting = Waiting(cancel.clone());
        let budget = Budget { rows: self.rows, bytes: self.rows.saturating_mul(BYTES_A_ROW), cancel };
        let (store, rules) = (Arc::clone(&self.store), self.rules.of(&question.site));
        let now_ms = self.clock.now_ms();
        off_the_runtime(move || {
            let _place = place;
            let Question { site, scope, written, method, uri, headers } = question;
            let view = store.view();
            let asking = Asking::new(&site, scope, &rules.pages, &view, now_ms, &budget).most_cells(CELLS);
            let answered = asking.ask(route, &written)?;
            Ok(reply::of(Reply { answered, method: &method, uri: &uri, headers: &headers }))
        })
        .await
    }
}
