//! What the callers of a group are told.

use std::sync::Arc;

use super::harness::batch;
use crate::commit::committer::Told;
use crate::commit::completion::{Completion, Group};
use crate::commit::queue::Entry;
use crate::commit::{AppendError, Appended};
use crate::format::wal::{BatchMeta, encode_batch};
use crate::model::Seq;

fn entry(events: u32) -> Entry {
    let (batch, meta) = (batch(1, events), BatchMeta::default());
    let encoded = encode_batch(batch.site, &meta, &batch.pages, 4_096);
    Entry { batch, meta, encoded }
}

/// A group of three, of which the second repeats the first.
fn decided() -> (Told, Vec<Completion>) {
    let group = Arc::new(Group::default());
    let waiting = (0..3).map(|index| group.completion(index)).collect();
    let stored = |seq, events| Ok(Appended::Stored { seq: Seq(seq), events });
    let outcomes = vec![stored(1, 5), Ok(Appended::Repeated { answer: None }), stored(2, 7)];
    (Told { group, batches: vec![entry(5), entry(5), entry(7)], outcomes }, waiting)
}

#[test]
fn each_caller_is_told_what_became_of_its_own_batch() {
    let (group, waiting) = decided();
    let expected = group.outcomes.clone();
    group.tell();
    for (completion, expected) in waiting.into_iter().zip(expected) {
        assert_eq!(completion.wait().unwrap(), expected.unwrap());
    }
}

/// A committer that panicked between deciding and the disk's word told its callers what it had decided: stored.
#[test]
fn a_group_that_is_dropped_is_given_up_whatever_was_decided() {
    let (group, waiting) = decided();
    drop(group);
    for completion in waiting {
        assert!(matches!(completion.wait(), Err(AppendError::Stopped)));
    }
}
