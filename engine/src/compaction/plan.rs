//! What to merge next: decided from numbers alone, so that it can be tested without a file.

use std::collections::BTreeMap;

use super::CompactionOptions;
use crate::model::Month;

/// Level of a segment that a flush wrote.
pub const FLUSHED: u8 = 0;
/// Level of a segment that a merge wrote.
pub const MERGED: u8 = 1;
/// Level of a segment that holds a whole closed month as it was then, rare countries recoded.
pub const SETTLED: u8 = 2;

/// Most inputs of one merge: each is a cursor and some decoded columns in memory.
pub const INPUTS: usize = 64;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
/// UTC-12 is where a day ends last.
const WESTERNMOST_MS: u64 = 12 * 3_600_000;

/// What the plan knows of a live segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its file number.
    pub number: u64,
    /// The month it covers.
    pub month: Month,
    /// Its size.
    pub length_bytes: u64,
    /// `FLUSHED`, `MERGED` or `SETTLED`.
    pub level: u8,
    /// Unix ms since when this process knows of it.
    pub added_ms: u64,
}

/// Why segments are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Many similar ones become one.
    Gather,
    /// All of a closed month become one, and rare countries are recoded.
    Settle,
    /// What is expired leaves a segment, which keeps this level.
    Rewrite(u8),
}

/// One merge to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Month of all inputs.
    pub month: Month,
    /// File numbers of the inputs, ascending.
    pub inputs: Vec<u64>,
    /// Bytes of the inputs; the output is not larger but for a little.
    pub input_bytes: u64,
    /// Why.
    pub purpose: Purpose,
}

impl Merge {
    fn new(month: Month, inputs: &[Candidate], purpose: Purpose) -> Merge {
        let mut numbers: Vec<u64> = inputs.iter().map(|input| input.number).collect();
        numbers.sort_unstable();
        let input_bytes = inputs.iter().map(|input| input.length_bytes).sum();
        Merge { month, inputs: numbers, input_bytes, purpose }
    }
}

/// What the plan knows of time.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// Unix time in ms.
    pub now_ms: u64,
    /// Whether the clock is to be believed: settling cannot be undone, so a doubtful clock closes no month.
    pub trusted: bool,
    /// Months of which something cannot be read: they cannot be merged as a whole.
    pub unreadable: &'a [Month],
}

impl Calendar<'_> {
    fn closes(&self, month: Month, options: &CompactionOptions) -> bool {
        self.trusted
            && !self.unreadable.contains(&month)
            && month_closed(month, self.now_ms, options.grace_days)
    }
}

/// Whether a month is over in every zone, and `grace_days` more have passed.
#[must_use]
pub fn month_closed(month: Month, now_ms: u64, grace_days: u32) -> bool {
    let end_ms = u64::from(month.days().to.number()) * DAY_MS;
    now_ms >= end_ms + WESTERNMOST_MS + u64::from(grace_days) * DAY_MS
}

/// The merges that are due, in the order in which they should be done. They share no input.
#[must_use]
pub fn due(candidates: &[Candidate], calendar: &Calendar<'_>, options: &CompactionOptions) -> Vec<Merge> {
    let mut merges = Vec::new();
    for (month, of_month) in by_month(candidates) {
        if calendar.closes(month, options) && settling_is_due(&of_month, calendar.now_ms, options) {
            merges.push(settle(month, &of_month));
        } else if let Some(inputs) = gathering(&of_month, options) {
            merges.push(Merge::new(month, &inputs, Purpose::Gather));
        }
    }
    // Small merges first: they free the writers soonest, and hold little up.
    merges.sort_by_key(|merge| (merge.purpose == Purpose::Settle, merge.input_bytes, merge.month));
    merges
}

/// Every merge that leaves a month with fewer segments, or settles it: what a person asks for with `compact`.
#[must_use]
pub fn all(candidates: &[Candidate], calendar: &Calendar<'_>, options: &CompactionOptions) -> Vec<Merge> {
    let mut merges = Vec::new();
    for (month, mut of_month) in by_month(candidates) {
        let settled = of_month.len() == 1 && of_month[0].level == SETTLED;
        if calendar.closes(month, options) && !settled {
            merges.push(settle(month, &of_month));
        } else if of_month.len() > 1 {
            of_month.sort_by_key(|candidate| (candidate.length_bytes, candidate.number));
            of_month.truncate(INPUTS);
            merges.push(Merge::new(month, &of_month, Purpose::Gather));
        }
    }
    merges
}

/// How far compaction is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Debt {
    /// Merges that are due.
    pub merges: usize,
    /// Bytes they will read.
    pub bytes: u64,
    /// Most similar segments of one month.
    pub similar: usize,
}

/// How far compaction is behind.
#[must_use]
pub fn debt(candidates: &[Candidate], calendar: &Calendar<'_>, options: &CompactionOptions) -> Debt {
    let merges = due(candidates, calendar, options);
    let bytes = merges.iter().map(|merge| merge.input_bytes).sum();
    let similar = by_month(candidates)
        .values()
        .flat_map(|of_month| tiers(of_month, options).into_values())
        .map(|tier| tier.len())
        .max()
        .unwrap_or(0);
    Debt { merges: merges.len(), bytes, similar }
}

fn by_month(candidates: &[Candidate]) -> BTreeMap<Month, Vec<Candidate>> {
    let mut months: BTreeMap<Month, Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        months.entry(candidate.month).or_default().push(*candidate);
    }
    months
}

/// By size: tier 0 is up to `small_bytes`, every next one `fan_in` times as large. Settled segments are in none.
fn tiers(of_month: &[Candidate], options: &CompactionOptions) -> BTreeMap<u32, Vec<Candidate>> {
    let mut tiers: BTreeMap<u32, Vec<Candidate>> = BTreeMap::new();
    for candidate in of_month.iter().filter(|candidate| candidate.level != SETTLED) {
        let times = candidate.length_bytes.div_ceil(options.small_bytes.max(1)).max(1);
        // ceil(log(times)): a segment of exactly the border belongs to the tier below it.
        let tier = (times - 1).checked_ilog(options.fan_in.max(2) as u64).map_or(0, |log| log + 1);
        tiers.entry(tier).or_default().push(*candidate);
    }
    tiers
}

/// The fullest of the lowest tiers that is full, with everything that is smaller: it would be merged again anyway.
fn gathering(of_month: &[Candidate], options: &CompactionOptions) -> Option<Vec<Candidate>> {
    let tiers = tiers(of_month, options);
    let full = *tiers.iter().find(|(_, tier)| tier.len() >= options.fan_in.max(2))?.0;
    let mut inputs: Vec<Candidate> =
        tiers.range(..=full).flat_map(|(_, tier)| tier.iter().copied()).collect();
    inputs.sort_by_key(|candidate| (candidate.length_bytes, candidate.number));
    inputs.truncate(INPUTS);
    Some(inputs)
}

/// Whether a closed month should be merged as a whole.
///
/// The late ones wait until no more come (an import of old data comes in many pieces), and until they are worth
/// rewriting the settled one; but not for ever.
fn settling_is_due(of_month: &[Candidate], now_ms: u64, options: &CompactionOptions) -> bool {
    let (settled, late): (Vec<&Candidate>, Vec<&Candidate>) =
        of_month.iter().partition(|candidate| candidate.level == SETTLED);
    let bytes = |of: &[&Candidate]| of.iter().map(|candidate| candidate.length_bytes).sum::<u64>();
    let (Some(first_ms), Some(last_ms)) =
        (late.iter().map(|late| late.added_ms).min(), late.iter().map(|late| late.added_ms).max())
    else {
        return settled.len() > 1;
    };
    let quiet = now_ms.saturating_sub(last_ms) >= options.quiet_seconds * 1_000;
    let worthwhile = bytes(&late).saturating_mul(16) >= bytes(&settled);
    let waited_long = now_ms.saturating_sub(first_ms) >= options.patience_seconds * 1_000;
    (quiet && worthwhile) || waited_long
}

/// One merge of a whole closed month; of its smallest segments first where there are too many for one.
fn settle(month: Month, of_month: &[Candidate]) -> Merge {
    if of_month.len() <= INPUTS {
        return Merge::new(month, of_month, Purpose::Settle);
    }
    let mut smallest = of_month.to_vec();
    smallest.sort_by_key(|candidate| (candidate.length_bytes, candidate.number));
    smallest.truncate(INPUTS);
    Merge::new(month, &smallest, Purpose::Gather)
}

#[cfg(test)]
mod tests;
