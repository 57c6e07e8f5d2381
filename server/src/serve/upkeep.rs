//! What a server does by itself while it serves: small things, once a second or seldom.

use std::sync::Arc;
use std::time::Duration;

use heatgrid_engine::clock::ClockVerdict;
use heatgrid_engine::model::SiteId;
use heatgrid_engine::store::OpenReport;

use crate::api::faults::why_stopped;
use crate::api::off_the_runtime;
use crate::app::App;
use crate::http::{Listening, TlsIdentity};
use crate::meters::record_connections;

/// Between two looks: a store that has stopped is noticed after this long.
const LOOK: Duration = Duration::from_secs(1);
/// Looks between two times of what need not be done often.
const SELDOM: u64 = 60;
/// Looks between two times of what is only told.
const HOURLY: u64 = 3_600;

/// Runs until it is aborted.
pub(super) async fn run(app: App, tls: Option<Arc<TlsIdentity>>, listenings: Vec<Arc<Listening>>) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // At the start any site of the audit may be gone.
    let mut closed = None;
    for look in 0_u64.. {
        looks.tick().await;
        record_connections(&app.meters, &listenings);
        let (app, tls, before) = (app.clone(), tls.clone(), closed.take());
        closed = off_the_runtime(move || {
            often(&app, tls.as_deref());
            if look % SELDOM != 0 {
                return before;
            }
            seldom(&app);
            if look % HOURLY == 0 {
                tell_overdue(&app);
            }
            forget_sites(&app, before)
        })
        .await;
    }
}

/// Does what waits for its time, at the end.
pub(super) async fn settle(app: &App) {
    let app = app.clone();
    off_the_runtime(move || {
        often(&app, None);
        seldom(&app);
    })
    .await;
}

fn often(app: &App, tls: Option<&TlsIdentity>) {
    if let Some(poison) = app.store.poison()
        && app.health.stopped(&why_stopped(&poison))
    {
        tracing::error!(error = %poison, "the store takes nothing any more; the server ends");
    }
    match tls.map(TlsIdentity::refresh) {
        None | Some(Ok(false)) => {}
        Some(Ok(true)) => tracing::info!("the certificate was read again"),
        Some(Err(error)) => tracing::error!(%error, "the new certificate cannot be used; the old one stays"),
    }
    app.meters.tidy();
}

fn seldom(app: &App) {
    let now = app.clock.now_ms();
    // A clock that jumped ahead must not cost a year of entries.
    if app.store.status().clock == ClockVerdict::Steady
        && let Err(error) = app.audit.expire(now / 1_000)
    {
        tracing::warn!(%error, "old files of the audit cannot be removed");
    }
    app.doors.tidy();
    if let Err(error) = app.access.tidy(app.store.accounts()) {
        tracing::warn!(%error, "the days on which tokens were used cannot be written");
    }
    match app.countries.refresh() {
        Ok(false) => {}
        Ok(true) => tracing::info!("the country database was read again"),
        Err(error) => tracing::error!(%error, "the new country database cannot be used; the old one stays"),
    }
}

/// An erasure that takes long is told of, louder and louder.
fn tell_overdue(app: &App) {
    let [days_30, days_60, days_80, days_90] = app.store.status().erasures.overdue;
    match (days_30, days_60) {
        (0, _) => {}
        (_, 0) => tracing::warn!(days_30, "erasures are open for 30 days or longer"),
        _ => {
            tracing::error!(
                days_60,
                days_80,
                days_90,
                "erasures are about to miss their deadline of 90 days"
            );
        }
    }
}

/// Has the audit forget sites that were removed: those that were closed the last time, and are gone now. Gives the
/// closed ones of now back; `None` if the audit has to be asked again.
fn forget_sites(app: &App, closed: Option<Vec<SiteId>>) -> Option<Vec<SiteId>> {
    let accounts = app.store.accounts();
    let now_closed = accounts.sites().filter(|site| site.closed).map(|site| site.id).collect();
    let is_known = |site: SiteId| accounts.get(site).is_some();
    if closed.is_some_and(|closed| closed.into_iter().all(is_known)) {
        return Some(now_closed);
    }
    match app.audit.forget_unknown(is_known) {
        Ok(()) => Some(now_closed),
        Err(error) => {
            tracing::error!(%error, "the audit cannot forget a site that was erased; it is tried again");
            None
        }
    }
}

/// Says what opening a store found.
pub(super) fn tell_of_opening(report: &OpenReport) {
    tracing::info!(
        made = report.made,
        orphans = report.orphans.len(),
        unreadable = report.unreadable.len(),
        "the store is open"
    );
    for unreadable in &report.unreadable {
        tracing::error!(error = %unreadable.error, "a segment cannot be read");
    }
    for error in &report.orphans_left {
        tracing::warn!(%error, "a file that nobody needs could not be removed");
    }
}
