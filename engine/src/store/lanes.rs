//! Work on several files or sites at a time.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

use parking_lot::Mutex;
use rustix::process::setpriority_process;

use crate::segment::{Lanes, OneLane};

/// The priority of a purge, as `nice` counts. It has days, and whoever asks has milliseconds. But it keeps merges waiting, so
/// that it has to get on where every processor is busy: of one that somebody else wants, this leaves it a tenth.
const NICE: i32 = 10;

/// Does `work` while the caller waits, where it takes a processor from nobody who wants one: on a thread of lower priority,
/// which those that it starts inherit.
pub(super) fn aside<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let work = Mutex::new(Some(work));
    let do_work = || {
        let taken = work.lock().take();
        taken.map(|work| work())
    };
    thread::scope(|scope| {
        let politely = || {
            // On Linux this is of the calling thread alone. Where it is not granted, the work is done all the same.
            let _ = setpriority_process(None, NICE);
            do_work()
        };
        let done = match Builder::new().name("heatgrid-purge".into()).spawn_scoped(scope, politely) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)),
            // Where there can be no other thread, the caller does it.
            Err(_) => do_work(),
        };
        done.expect("it is done once")
    })
}

/// Does `work` with each item, up to `lanes` at a time, the caller's thread among them; the results are in the order of
/// the items. With one lane all is done by the caller, in this order.
pub(super) fn in_lanes<T: Sync, R: Send>(lanes: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let places: Vec<(&T, Mutex<Option<R>>)> = items.iter().map(|item| (item, Mutex::new(None))).collect();
    let next = AtomicUsize::new(0);
    let lane = || {
        while let Some((item, result)) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            *result.lock() = Some(work(item));
        }
    };
    thread::scope(|scope| {
        for _ in 1..lanes.min(items.len()) {
            // Where there can be no other thread, the caller does its share.
            let _ = Builder::new().name("heatgrid-purge".into()).spawn_scoped(scope, lane);
        }
        lane();
    });
    let result =
        |(_, result): (&T, Mutex<Option<R>>)| result.into_inner().expect("a lane has done each item");
    places.into_iter().map(result).collect()
}

/// So many lanes, for what may have no threads of its own.
pub(super) struct StoreLanes(pub(super) usize);

impl Lanes for StoreLanes {
    fn count(&self) -> usize {
        self.0.max(1)
    }

    fn each(&self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        let pieces: Vec<usize> = (0..pieces).collect();
        in_lanes(self.0, &pieces, |piece| work(*piece));
    }

    fn beside(&self, other: &mut (dyn FnMut() + Send), work: &mut dyn FnMut()) {
        if self.count() == 1 {
            return OneLane.beside(other, work);
        }
        let other = Mutex::new(Some(other));
        let do_other = || {
            let taken = other.lock().take();
            taken.into_iter().for_each(|other| other());
        };
        thread::scope(|scope| {
            let _ = Builder::new().name("heatgrid-purge".into()).spawn_scoped(scope, do_other);
            work();
        });
        // Where there can be no other thread, it is done now.
        do_other();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_done_aside_has_a_low_priority_and_so_have_its_lanes_but_not_the_caller() {
        let nice = || rustix::process::getpriority_process(None).expect("one's own");
        let before = nice();
        let meeting = Barrier::new(2);
        let of_lanes = aside(|| {
            in_lanes(2, &[(), ()], |()| {
                meeting.wait();
                nice()
            })
        });
        assert_eq!(of_lanes, [NICE, NICE]);
        assert_eq!(nice(), before);
    }

    #[test]
    fn a_panic_aside_is_the_callers() {
        let panic = panic::catch_unwind(|| aside(|| -> () { panic!("aside") })).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"aside"));
    }

    #[test]
    fn results_are_in_the_order_of_the_items_in_any_number_of_lanes() {
        let items: Vec<u64> = (0..100).collect();
        let squares: Vec<u64> = items.iter().map(|item| item * item).collect();
        for lanes in [0, 1, 2, 3, 200] {
            assert_eq!(in_lanes(lanes, &items, |item| item * item), squares, "{lanes}");
            assert!(in_lanes(lanes, &[], |item: &u64| *item).is_empty());
        }
    }

    #[test]
    fn what_is_done_beside_other_work_takes_no_lane_and_with_one_lane_comes_first() {
        let meeting = Barrier::new(2);
        let meet = || {
            meeting.wait();
        };
        StoreLanes(2).beside(&mut { meet }, &mut { meet });
        let done = Mutex::new(Vec::new());
        StoreLanes(1).beside(&mut || done.lock().push("other"), &mut || done.lock().push("work"));
        assert_eq!(*done.lock(), ["other", "work"]);
    }

    #[test]
    fn lanes_work_at_the_same_time_and_one_lane_is_the_callers() {
        // With fewer lanes than items this would wait for ever.
        let meeting = Barrier::new(2);
        in_lanes(2, &[(), ()], |()| meeting.wait());
        let caller = thread::current().id();
        let threads = in_lanes(1, &[(); 5], |()| thread::current().id());
        assert!(threads.iter().all(|thread| *thread == caller));
    }
}
