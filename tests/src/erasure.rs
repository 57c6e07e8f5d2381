//! Erasure: whatever is done around it and wherever the power is lost, what was erased is in no answer any more, and,
//! once that is certified, in no byte of any file or backup; and its neighbours answer as a plain map does.

mod copied;
mod deeds;
mod explorer;
mod held;
mod keeper;
mod script;

use std::sync::atomic::Ordering;
use std::time::Instant;

use deeds::{Deed, EXACT};
use explorer::{Base, Depth, Tally, explore};
use script::{
    Op, every_op, exact_settings, long_script, rare_ops, rare_script, rare_settings, short_scripts, stories,
};

use crate::explore::{long, on_all_cores};

#[test]
fn what_is_erased_stays_gone_through_copies_and_a_crash_at_every_call() {
    let (began, tally) = (Instant::now(), Tally::default());
    let (stride, seeds, depth) = match long() {
        true => (3, 1_000, Depth { survivors: 4, go_on_every: 3, recover_every: 40 }),
        false => (23, 140, Depth { survivors: 2, go_on_every: 7, recover_every: 97 }),
    };
    let exact: Vec<Vec<Op>> =
        stories().into_iter().chain(short_scripts(stride)).chain((0..seeds).map(long_script)).collect();
    let rare: Vec<Vec<Op>> = (0..seeds / 4).map(rare_script).collect();
    let bases = [Base::of(exact_settings), Base::of(rare_settings)];
    let on = |base| move |script| (base, script);
    let scripts: Vec<(&Base, Vec<Op>)> =
        exact.into_iter().map(on(&bases[0])).chain(rare.into_iter().map(on(&bases[1]))).collect();
    on_all_cores(&scripts, |(base, script)| explore(base, script, depth, &tally));
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
    let done_and_cut_off = |op| [Deed::Did(op), Deed::CutOff(op)];
    let missing = bases[0].missing(every_op().flat_map(done_and_cut_off).chain(EXACT));
    assert!(missing.is_empty(), "nothing of this was explored: {missing:?}");
    let missing = bases[1].missing(rare_ops().flat_map(done_and_cut_off).chain([Deed::Recoded]));
    assert!(missing.is_empty(), "nothing of this was explored with rare countries: {missing:?}");
}
