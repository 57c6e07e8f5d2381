//! A store on a simulated disk, and what is done to it.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use heatgrid_engine::clock::Clock;
use heatgrid_engine::disk::simulated::SimulatedDisk;
use heatgrid_engine::error::{AskError, OpenError};
use heatgrid_engine::model::SiteSettings;
use heatgrid_engine::options::Options;

use super::expected::{CONTINUATION, Expected};
use super::script::{BEGINS_MS, Op, batch, settings};
use crate::stored::{Stored, TestClock, options};
use crate::truth::{Question, Told};
use crate::world::Receipt;

/// Bytes of a log file: the smallest there is, so that a few batches fill one.
const WAL_FILE_BYTES: u64 = 4 << 10;

/// A store on a simulated disk.
pub(crate) struct Play {
    pub(crate) disk: SimulatedDisk,
    clock: TestClock,
    stored: Option<Stored>,
}

impl Play {
    /// Opens the store of a disk.
    pub(crate) fn open(disk: SimulatedDisk, now_ms: u64) -> Result<Play, OpenError> {
        let mut play = Play { disk, clock: TestClock::at(now_ms), stored: None };
        play.reopen()?;
        Ok(play)
    }

    pub(crate) fn stored(&self) -> &Stored {
        self.stored.as_ref().expect("a play that is used is open")
    }

    pub(crate) fn reopen(&mut self) -> Result<(), OpenError> {
        self.stored = None;
        self.stored = Some(Stored::open(Arc::new(self.disk.clone()), &self.clock, options(WAL_FILE_BYTES))?);
        Ok(())
    }

    /// Does `op` to a store that looks like `expected`. Batches are answered as the world says.
    pub(super) fn act(&mut self, op: Op, expected: &Expected) -> Result<(), Box<dyn Error>> {
        let receipt = self.send(op, expected)?;
        let batch = batch(op, expected.sent, &expected.world);
        assert_eq!(receipt, batch.map(|batch| expected.world.receipt(&batch)), "the answer to a batch");
        Ok(())
    }

    /// Does `op` to a store that looks like `expected`, and says what a batch was answered.
    pub(super) fn send(&mut self, op: Op, expected: &Expected) -> Result<Option<Receipt>, Box<dyn Error>> {
        if let Some(batch) = batch(op, expected.sent, &expected.world) {
            return Ok(Some(self.stored().append(&batch)?));
        }
        match op {
            Op::Flush => self.stored().flush()?,
            Op::Compact => self.stored().compact()?,
            Op::Expire => {
                self.clock.set(expected.after(op).world.now_ms);
                self.stored().expire()?;
            }
            Op::CreateSite => {
                let place = expected.world.sites.len();
                self.stored.as_mut().expect("it is open").create_site(place, settings(place))?;
            }
            Op::Reopen => self.reopen()?,
            _ => unreachable!("all others are batches"),
        }
        Ok(None)
    }

    /// Whether the store takes nothing any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.store.poison().is_some())
    }

    pub(super) fn is_open(&self) -> bool {
        self.stored.is_some()
    }

    /// Which of several worlds the store looks like: all its answers are those of the one that is named.
    pub(crate) fn looks_like<'e>(&self, allowed: &'e [Expected]) -> Result<&'e Expected, String> {
        self.looks(allowed, false)
    }

    /// Holds a store against several worlds, and goes on with it. Some look the same until more has come: those that are left
    /// are tried on other copies of the `disk` that it was opened from.
    pub(super) fn looks_like_and_goes_on(
        mut self,
        disk: &SimulatedDisk,
        allowed: &[Expected],
    ) -> Result<(), String> {
        let found = self.looks_like(allowed)?;
        let Err(wrong) = self.go_on(found) else { return Ok(()) };
        let goes_on = |expected: &Expected| -> Result<(), String> {
            let opened = Play::open(disk.fork(), allowed[0].world.now_ms);
            let mut play = opened.map_err(|error| error.to_string())?;
            play.looks_like(std::slice::from_ref(expected))?;
            play.go_on(expected)
        };
        let others = allowed.iter().filter(|expected| !std::ptr::eq(*expected, found));
        if others.map(goes_on).any(|ended| ended.is_ok()) { Ok(()) } else { Err(wrong) }
    }

    /// As `looks_like`, but a question may fail: what is answered must be right.
    pub(super) fn says_nothing_wrong<'e>(&self, allowed: &'e [Expected]) -> Result<&'e Expected, String> {
        self.looks(allowed, true)
    }

    fn looks<'e>(&self, allowed: &'e [Expected], may_fail: bool) -> Result<&'e Expected, String> {
        // Asked once, however many worlds there are to compare with.
        let sites = self.stored().sites();
        let known = |site: &usize| *site < sites;
        let asked = allowed[0].answers().iter().filter(|(site, ..)| known(site));
        let answers: Vec<_> =
            asked.map(|(site, question, _)| self.stored().answer(*site, question)).collect();
        let difference = |expected: &'e Expected| {
            let expected_sites = expected.world.known_sites();
            if !expected_sites.contains(&sites) && !may_fail {
                return Some(Difference::Sites(sites, expected_sites));
            }
            let told = expected.answers().iter().filter(|(site, ..)| known(site));
            told.zip(&answers).find_map(|(asked, answer)| match answer {
                Ok(answer) if *answer == asked.2 => None,
                Err(_) if may_fail => None,
                answer => Some(Difference::Answer(asked, answer)),
            })
        };
        // Most worlds are not the one, which is no reason to write out why: that took half of the time.
        allowed.iter().find(|expected| difference(expected).is_none()).ok_or_else(|| {
            let differences = allowed.iter().filter_map(difference).enumerate();
            let reasons = differences.map(|(place, difference)| format!("not like {place}: {difference}"));
            reasons.collect::<Vec<_>>().join("\n")
        })
    }

    /// Errors of the questions that cannot be answered.
    pub(super) fn refusals(&self, expected: &Expected) -> Vec<String> {
        let sites = self.stored().sites();
        let asked = expected.answers().iter().filter(|(site, ..)| *site < sites);
        let answers = asked.map(|(site, question, _)| self.stored().answer(*site, question));
        answers.filter_map(|answer| answer.err().map(|error| error.to_string())).collect()
    }

    /// Goes on with a store that looks like `expected`: it recognises what it was told, takes more, and is tidied up
    /// and opened again. What it acknowledges on the way survives the loss of everything that is not synced.
    pub(super) fn go_on(&mut self, expected: &Expected) -> Result<(), String> {
        let mut now = expected;
        for (op, next) in CONTINUATION.into_iter().zip(expected.continued()) {
            if op == Op::Flush {
                Play::open(self.disk.survivors().nth(0), now.world.now_ms)
                    .map_err(|error| format!("without what is not synced it does not open: {error}"))?
                    .looks_like(std::slice::from_ref(now))
                    .map_err(|difference| format!("without what is not synced: {difference}"))?;
            }
            self.act(op, now).map_err(|error| format!("{op:?} afterwards: {error}"))?;
            now = next;
        }
        self.looks_like(std::slice::from_ref(now))
            .map_err(|difference| format!("afterwards: {difference}"))?;
        self.reopen().map_err(|error| format!("opening afterwards: {error}"))?;
        self.looks_like(std::slice::from_ref(now))
            .map_err(|difference| format!("opened afterwards: {difference}"))?;
        Ok(())
    }
}

/// Why a store does not look like a world.
enum Difference<'a> {
    /// So many sites instead of so many.
    Sites(usize, RangeInclusive<usize>),
    /// What was asked of which site, and what should have been told.
    Answer(&'a (usize, Question, Told), &'a Result<Told, AskError>),
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Sites(found, expected) => write!(formatter, "{found} sites instead of {expected:?}"),
            Difference::Answer((site, question, told), Ok(answer)) => {
                write!(formatter, "site {site}, {question:?}\n  told     {answer:?}\n  expected {told:?}")
            }
            Difference::Answer((site, question, _), Err(error)) => {
                write!(formatter, "site {site}, {question:?}: {error}")
            }
        }
    }
}

/// The clock and the options of a store of these tests.
pub(crate) fn clock_and_options(now_ms: u64) -> (Arc<dyn Clock>, Options) {
    (Arc::new(TestClock::at(now_ms)), options(WAL_FILE_BYTES))
}

/// A disk with a store of two sites, everything on it durable.
pub(super) fn base() -> SimulatedDisk {
    base_of(settings)
}

/// The same, with sites of other settings.
pub(crate) fn base_of(settings: impl Fn(usize) -> SiteSettings) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let mut play = Play::open(disk.clone(), BEGINS_MS).expect("an empty disk becomes a store");
    for place in 0..2 {
        let stored = play.stored.as_mut().expect("it is open");
        stored.create_site(place, settings(place)).expect("a site can be made");
    }
    drop(play);
    disk.survivors().nth(0)
}
