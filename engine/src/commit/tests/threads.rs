//! With a committer of its own, and many callers.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use super::harness::{Harness, batch, with_id};
use crate::commit::{AppendError, Appended};
use crate::disk::simulated::{Call, Failure, Fault, SimulatedDisk, When};
use crate::model::Seq;

fn open() -> Harness {
    Harness::open(SimulatedDisk::new(), Seq(0), true)
}

/// Holds the committer between two groups until the sender is dropped.
fn hold(harness: &Harness) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (release, held) = mpsc::channel::<()>();
    let (holding, holds) = mpsc::channel();
    let log = harness.log.clone();
    let holder = thread::spawn(move || {
        let wait = move |_: Seq, _: &_| {
            holding.send(()).unwrap();
            let _ = held.recv();
        };
        log.between_groups(wait).unwrap();
    });
    holds.recv().unwrap();
    (release, holder)
}

#[test]
fn every_batch_of_many_callers_is_there_once() {
    let harness = open();
    let stored = AtomicU64::new(0);
    thread::scope(|scope| {
        for caller in 0..4_u64 {
            let (harness, stored) = (&harness, &stored);
            scope.spawn(move || {
                let mut waiting = Vec::new();
                for number in 0..500 {
                    // Each id is sent by two callers.
                    match harness.log.append(with_id(1, number * 2 + caller % 2)) {
                        Ok(completion) => waiting.push(completion),
                        Err(AppendError::Busy { .. }) => thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                    if waiting.len() == 10 {
                        for completion in waiting.drain(..) {
                            let one = matches!(completion.wait().unwrap(), Appended::Stored { .. });
                            stored.fetch_add(u64::from(one), Ordering::Relaxed);
                        }
                    }
                    if number % 100 == 50
                        && caller == 0
                        && let Some((memtable, floor)) = harness.flush()
                    {
                        assert_eq!(memtable.seq_hi(), Some(floor));
                    }
                }
                for completion in waiting {
                    let one = matches!(completion.wait().unwrap(), Appended::Stored { .. });
                    stored.fetch_add(u64::from(one), Ordering::Relaxed);
                }
            });
        }
    });
    let stored = stored.into_inner();
    assert!(stored <= 1_000 && stored > 100, "{stored} stored");
    assert_eq!(harness.visible(), stored);
    let harness = harness.reopen(Seq(0), true);
    assert_eq!((harness.visible(), harness.log.status().last_seq), (stored, Seq(stored)));
}

#[test]
fn what_waits_becomes_one_group_with_one_sync() {
    let harness = open();
    let (release, holder) = hold(&harness);
    let mut waiting: Vec<_> = (0..50).map(|id| harness.log.append(with_id(1, id % 40)).unwrap()).collect();
    let repeated = waiting.split_off(40);
    let syncs = harness.disk.calls().of(Call::Sync);
    drop(release);
    for (index, completion) in waiting.into_iter().enumerate() {
        let seq = Seq(index as u64 + 1);
        assert_eq!(completion.wait().unwrap(), Appended::Stored { seq, events: 1 });
    }
    for completion in repeated {
        assert_eq!(completion.wait().unwrap(), Appended::Repeated { answer: None });
    }
    holder.join().unwrap();
    assert!(harness.disk.calls().of(Call::Sync) <= syncs + 6, "one a file, not one a batch");
    assert_eq!(harness.visible(), 40);
}

/// So long that whoever waits for it to pass does not see the end of this test.
const LONG: Duration = Duration::from_secs(3_600);

/// A committer that gathers, and whose last group was of `writers`.
fn gathering(writers: u64) -> Harness {
    let harness = Harness::gathering(LONG);
    let (release, holder) = hold(&harness);
    let waiting: Vec<_> = (0..writers).map(|_| harness.log.append(batch(1, 1)).unwrap()).collect();
    drop(release);
    waiting.into_iter().for_each(|completion| drop(completion.wait().unwrap()));
    holder.join().unwrap();
    harness
}

#[test]
fn those_who_wrote_together_are_waited_for_and_share_a_sync() {
    let harness = gathering(3);
    for round in 1..=5 {
        let syncs = harness.disk.calls().of(Call::Sync);
        let waiting: Vec<_> = (0..3).map(|_| harness.log.append(batch(1, 1)).unwrap()).collect();
        waiting.into_iter().for_each(|completion| drop(completion.wait().unwrap()));
        assert_eq!((harness.disk.calls().of(Call::Sync), harness.visible()), (syncs + 1, 3 * (round + 1)));
    }
}

#[test]
fn a_lone_writer_waits_for_nobody() {
    let harness = Harness::gathering(LONG);
    for _ in 0..5 {
        drop(harness.log.append(batch(1, 1)).unwrap().wait().unwrap());
    }
    assert_eq!(harness.visible(), 5);
}

#[test]
fn those_who_do_not_come_again_are_waited_for_once_and_not_for_ever() {
    let harness = Harness::gathering(Duration::from_millis(1));
    let (release, holder) = hold(&harness);
    let waiting: Vec<_> = (0..3).map(|_| harness.log.append(batch(1, 1)).unwrap()).collect();
    drop(release);
    waiting.into_iter().for_each(|completion| drop(completion.wait().unwrap()));
    holder.join().unwrap();
    for _ in 0..2 {
        drop(harness.log.append(batch(1, 1)).unwrap().wait().unwrap());
    }
    assert_eq!(harness.visible(), 5);
}

#[test]
fn neither_a_flush_nor_the_end_waits_for_writers_to_come_again() {
    let harness = gathering(3);
    let early = harness.log.append(batch(1, 1)).unwrap();
    let (memtable, _) = harness.flush().unwrap();
    assert_eq!(memtable.events(), 4);
    assert!(matches!(early.wait().unwrap(), Appended::Stored { .. }));
    let mut harness = gathering(3);
    let last = harness.log.append(batch(1, 1)).unwrap();
    harness.close();
    assert!(matches!(last.wait().unwrap(), Appended::Stored { .. }));
}

#[test]
fn a_repeated_batch_is_told_the_failure_of_what_it_repeats() {
    let harness = open();
    let (release, holder) = hold(&harness);
    let waiting: Vec<_> = (0..3).map(|_| harness.log.append(with_id(1, 1)).unwrap()).collect();
    let fault = Fault { call: Some(Call::Sync), when: When::From(1), failure: Failure::InputOutput };
    harness.disk.inject(fault);
    drop(release);
    for completion in waiting {
        assert!(matches!(completion.wait(), Err(AppendError::Log(_))));
    }
    holder.join().unwrap();
    assert_eq!(harness.visible(), 0);
    assert!(matches!(harness.log.append(batch(1, 1)), Err(AppendError::Log(_))));
}

#[test]
fn a_full_queue_is_busy_and_empties_again() {
    let harness = open();
    let (release, holder) = hold(&harness);
    let mut waiting = Vec::new();
    let busy = loop {
        match harness.log.append(batch(1, 10)) {
            Ok(completion) => waiting.push(completion),
            Err(error) => break error,
        }
    };
    assert!(matches!(busy, AppendError::Busy { batches: 100, .. }), "{busy}");
    assert_eq!(harness.log.status().queued_batches, 100);
    drop(release);
    waiting.into_iter().for_each(|completion| drop(completion.wait().unwrap()));
    holder.join().unwrap();
    // What was committed a moment ago is released a moment later.
    harness.log.between_groups(|_, _| {}).unwrap();
    assert_eq!(harness.log.status().queued_batches, 0);
    // More bytes than the queue has are taken when nothing waits: 1 MiB and a batch of more.
    let large = harness.log.append(batch(1, 32_000)).unwrap();
    assert!(matches!(large.wait().unwrap(), Appended::Stored { events: 32_000, .. }));
}

struct Flag(AtomicBool, thread::Thread);

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.0.store(true, Ordering::Release);
        self.1.unpark();
    }
}

/// Runs a future on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let flag = Arc::new(Flag(AtomicBool::new(true), thread::current()));
    let waker = Waker::from(flag.clone());
    let mut future = pin!(future);
    loop {
        if flag.0.swap(false, Ordering::Acquire)
            && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            return output;
        }
        thread::park();
    }
}

#[test]
fn a_completion_is_a_future() {
    let harness = open();
    let (release, holder) = hold(&harness);
    let mut first = Box::pin(harness.log.append(batch(1, 7)).unwrap());
    let second = harness.log.append(batch(1, 8)).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    drop(release);
    assert_eq!(block_on(first).unwrap(), Appended::Stored { seq: Seq(1), events: 7 });
    assert_eq!(block_on(second).unwrap(), Appended::Stored { seq: Seq(2), events: 8 });
    holder.join().unwrap();
}

#[test]
fn closing_commits_what_waits_and_a_dropped_completion_changes_nothing() {
    let mut harness = open();
    let (release, holder) = hold(&harness);
    let kept = harness.log.append(batch(1, 1)).unwrap();
    drop(harness.log.append(batch(1, 2)).unwrap());
    harness.log.close();
    assert!(matches!(harness.log.append(batch(1, 4)), Err(AppendError::Stopped)));
    drop(release);
    assert!(matches!(kept.wait().unwrap(), Appended::Stored { .. }));
    holder.join().unwrap();
    harness.close();
    assert!(matches!(harness.log.between_groups(|_, _| {}), Err(AppendError::Stopped)));
    let harness = harness.reopen(Seq(0), true);
    assert_eq!(harness.visible(), 3);
}

#[test]
fn a_committer_that_panics_leaves_nobody_waiting() {
    let mut harness = open();
    let wrong = harness.log.between_groups::<()>(|_, _| panic!("a hook that is wrong"));
    assert!(matches!(wrong, Err(AppendError::Stopped)));
    assert!(harness.threads.remove(0).join().is_err());
    assert!(matches!(harness.log.append(batch(1, 1)), Err(AppendError::Stopped)));
}
