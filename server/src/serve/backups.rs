//! Backups by themselves, beside everything else: one may take long.

use std::sync::Arc;
use std::time::Duration;

use crate::api::off_the_runtime;
use crate::app::App;
use crate::backup::Schedule;

/// Between two looks: how late a new entry of the ledger is at the targets, when nothing else is brought.
const LOOK: Duration = Duration::from_secs(10);

/// Runs until it is aborted.
pub(super) async fn run(app: App, schedule: Arc<Schedule>) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let (app, schedule) = (app.clone(), Arc::clone(&schedule));
        off_the_runtime(move || schedule.look(&app.store, &app.config.backups, &*app.clock)).await;
    }
}
