//! What becomes of batches that are told together.

use super::harness::batch;
use crate::commit::completion::Section;
use crate::commit::queue::Entry;
use crate::commit::{AppendError, Appended};
use crate::format::wal::{BatchMeta, encode_batch};
use crate::model::Seq;

fn entry(events: u32) -> Entry {
    let (batch, meta) = (batch(1, events), BatchMeta::default());
    let encoded = encode_batch(batch.site, &meta, &batch.pages, 4_096);
    Entry { batch, meta, encoded }
}

/// Takes every second batch.
fn every_second(section: &mut Section) {
    let mut seq = 0;
    section.decide(|entry| {
        seq += 1;
        match seq % 2 {
            0 => Ok(Appended::Repeated { answer: None }),
            _ => Ok(Appended::Stored { seq: Seq(seq), events: entry.batch.events }),
        }
    });
}

#[test]
fn each_caller_is_told_what_was_decided_of_its_own_batch() {
    let mut section = Section::new();
    let waiting: Vec<_> = (1..=3).map(|events| section.push(entry(events))).collect();
    every_second(&mut section);
    assert_eq!(section.stored().map(|(_, seq)| seq).collect::<Vec<_>>(), [Seq(1), Seq(3)]);
    section.tell();
    let told: Vec<_> = waiting.into_iter().map(|completion| completion.wait().unwrap()).collect();
    let stored = |seq, events| Appended::Stored { seq: Seq(seq), events };
    assert_eq!(told, [stored(1, 1), Appended::Repeated { answer: None }, stored(3, 3)]);
}

/// A group whose committer panicked between deciding and the disk's word was told what had been decided: stored.
#[test]
fn a_section_that_is_dropped_is_given_up_whatever_was_decided() {
    let mut section = Section::new();
    let waiting: Vec<_> = (1..=3).map(|events| section.push(entry(events))).collect();
    every_second(&mut section);
    drop(section);
    for completion in waiting {
        assert!(matches!(completion.wait(), Err(AppendError::Stopped)));
    }
}

#[test]
fn nothing_of_a_section_is_stored_when_the_log_fails() {
    let mut section = Section::new();
    let completion = section.push(entry(1));
    every_second(&mut section);
    section.fail(&AppendError::Stopped);
    assert_eq!(section.stored().count(), 0);
    section.tell();
    assert!(completion.wait().is_err());
}
