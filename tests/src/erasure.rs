//! Erasure: whatever is done around it and wherever the power is lost, what was erased is in no answer any more, and,
//! once that is certified, in no byte of any file or backup; and its neighbours answer as a plain map does.

mod explorer;
mod held;
mod keeper;
mod script;

use std::sync::atomic::Ordering;
use std::time::Instant;

use explorer::{Depth, Tally, explore};
use script::{Op, exact_settings, long_script, short_scripts};

use crate::crash::play::base_of;
use crate::explore::{long, on_all_cores};

#[test]
fn what_is_erased_stays_gone_through_copies_and_a_crash_at_every_call() {
    let (began, tally, base) = (Instant::now(), Tally::default(), base_of(exact_settings));
    let (stride, seeds, depth) = match long() {
        true => (1, 3_000, Depth { survivors: 4, go_on_every: 3, recover_every: 40 }),
        false => (7, 200, Depth { survivors: 2, go_on_every: 7, recover_every: 97 }),
    };
    let scripts: Vec<Vec<Op>> =
        short_scripts(stride).into_iter().chain((0..seeds).map(long_script)).collect();
    on_all_cores(&scripts, |script| explore(&base, script, depth, &tally));
    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "explored {} states: {} scripts, crashed {} times; {} purged, restored and opened again, {} after a crash of \
         the recovery, {} with a certificate and searched byte by byte; {} s",
        of(&tally.states),
        of(&tally.scripts),
        of(&tally.crashes),
        of(&tally.gone_on),
        of(&tally.recoveries),
        of(&tally.certified),
        began.elapsed().as_secs(),
    );
    let least = if long() { 1_000_000 } else { 60_000 };
    assert!(of(&tally.states) >= least, "only {} states", of(&tally.states));
}
