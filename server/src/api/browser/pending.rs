//! Batches that are being stored, and who counts them when nobody waits for the answer any more.

use std::sync::Arc;

use heatgrid_engine::commit::{Appended, Completion};
use tokio::runtime::Handle;

use crate::http::problem::Problem;
use crate::intake::Tally;
use crate::meters::Meters;

/// Batches on their way. A page that is closed right behind its last beacon is the rule and no exception: its request
/// ends, its batch is stored all the same, and has to be counted.
pub(in crate::api) struct Pending {
    meters: Arc<Meters>,
    /// The one that was handed over last: of most requests there is no other.
    last: Option<(Completion, Tally)>,
    /// Those before it.
    before: Vec<(Completion, Tally)>,
    /// Why one was not taken.
    refused: Option<Problem>,
}

impl Pending {
    pub(super) fn new(meters: &Arc<Meters>) -> Pending {
        Pending { meters: Arc::clone(meters), last: None, before: Vec::new(), refused: None }
    }

    pub(super) fn push(&mut self, completion: Completion, tally: Tally) {
        self.before.extend(self.last.replace((completion, tally)));
    }

    pub(super) fn refuse(&mut self, problem: Problem) {
        self.refused = Some(problem);
    }

    /// Waits until all are durable, and counts what became of their events.
    ///
    /// # Errors
    /// Why one of them was not stored: 503 when the store is busy or has stopped.
    pub(in crate::api) async fn stored(&mut self) -> Result<(), Problem> {
        while let Some((completion, _)) = &mut self.last {
            let appended = completion.await;
            // Only now: what is waited for still stands there if this is given up.
            let Some((_, tally)) = std::mem::replace(&mut self.last, self.before.pop()) else { break };
            count(&self.meters, tally, &appended?);
        }
        self.refused.take().map_or(Ok(()), Err)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(last) = self.last.take() else { return };
        // Without a runtime the server ends, and with it what was counted.
        let Ok(runtime) = Handle::try_current() else { return };
        let (meters, before) = (Arc::clone(&self.meters), std::mem::take(&mut self.before));
        runtime.spawn(async move {
            for (completion, tally) in before.into_iter().chain([last]) {
                if let Ok(appended) = completion.await {
                    count(&meters, tally, &appended);
                }
            }
        });
    }
}

fn count(meters: &Meters, tally: Tally, appended: &Appended) {
    match appended {
        Appended::Stored { .. } => meters.tally(&tally),
        Appended::Repeated { .. } | Appended::KeyConflict => meters.tally(&tally.repeated()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use heatgrid_engine::accounts::NewSite;
    use heatgrid_engine::clock::SystemClock;
    use heatgrid_engine::disk::RealDisk;
    use heatgrid_engine::model::{BatchBuilder, Region, SiteName, SiteSettings};
    use heatgrid_engine::options::{Background, Options};
    use heatgrid_engine::store::Store;

    use super::*;

    #[tokio::test]
    async fn a_batch_is_counted_although_nobody_waits_for_its_answer() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
        let region = Region::new("eu").unwrap();
        let options = Options { background: Background::Threads, ..Options::standard(region.clone()) };
        let store = Store::open(disk, Arc::new(SystemClock), options).unwrap();
        let new =
            NewSite { name: SiteName::new("shop").unwrap(), region, settings: SiteSettings::standard() };
        let site = store.accounts().create_sites(vec![new], 0).unwrap().remove(0);
        let meters = Arc::new(Meters::new());
        for _ in 0..50 {
            let mut pending = Pending::new(&meters);
            for _ in 0..2 {
                let mut tally = Tally::default();
                tally.accept(1);
                let batch = BatchBuilder::new(site.id).build(None, None);
                pending.push(store.append(batch).unwrap(), tally);
            }
            // Asked once, perhaps in the middle of it, and given up.
            let _ = pin!(pending.stored()).poll(&mut Context::from_waker(Waker::noop()));
        }
        while !meters.render().contains("heatgrid_events_accepted_total 100\n") {
            tokio::task::yield_now().await;
        }
    }
}
