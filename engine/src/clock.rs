//! Time comes from outside, so that ninety days can pass in a test.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. The engine has no other source of it.
pub trait Clock: Send + Sync {
    /// Unix time in ms.
    fn now_ms(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that a test sets.
#[cfg(any(test, feature = "simulation"))]
#[derive(Debug)]
pub struct ManualClock(std::sync::atomic::AtomicU64);

#[cfg(any(test, feature = "simulation"))]
impl ManualClock {
    /// Stands at `now_ms`, Unix time.
    #[must_use]
    pub fn new(now_ms: u64) -> ManualClock {
        ManualClock(now_ms.into())
    }

    /// Goes to `now_ms`, forwards or back.
    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, std::sync::atomic::Ordering::SeqCst);
    }

    /// Goes forwards by `ms`.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "simulation"))]
impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Furthest that a clock may go back between two looks without being doubted: more than any step of NTP.
pub const BACK_MS: u64 = 3_600_000;
/// Furthest that it may go forward: a weekend's stop needs no acceptance, a wrong year does.
pub const FORWARD_MS: u64 = 2 * 86_400_000;

/// What is to be thought of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockVerdict {
    /// It goes on from where it was last seen.
    Steady,
    /// It went back by this many ms: retention and purge hold still until someone accepts the clock.
    JumpedBack(u64),
    /// It went forward by this many ms: retention and purge hold still until someone accepts the clock.
    JumpedForward(u64),
}

impl ClockVerdict {
    /// Judges a clock that shows `now_ms` and was believed at `last_seen_ms`, Unix time.
    #[must_use]
    pub fn of(last_seen_ms: u64, now_ms: u64) -> ClockVerdict {
        if let Some(forward) = now_ms.checked_sub(last_seen_ms) {
            return if forward > FORWARD_MS {
                ClockVerdict::JumpedForward(forward)
            } else {
                ClockVerdict::Steady
            };
        }
        let back = last_seen_ms - now_ms;
        if back > BACK_MS { ClockVerdict::JumpedBack(back) } else { ClockVerdict::Steady }
    }
}

/// Doubts a clock that jumps, until it is accepted or is back where it should be. The mark goes into the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockGuard {
    last_seen_ms: u64,
}

impl ClockGuard {
    /// Goes on from the mark of a manifest.
    #[must_use]
    pub fn new(last_seen_ms: u64) -> ClockGuard {
        ClockGuard { last_seen_ms }
    }

    /// Looks at the clock. The mark moves with a steady clock and stays while the clock is doubted, so that a
    /// restart does not forget the doubt.
    pub fn look(&mut self, now_ms: u64) -> ClockVerdict {
        let verdict = ClockVerdict::of(self.last_seen_ms, now_ms);
        if verdict == ClockVerdict::Steady {
            self.last_seen_ms = now_ms;
        }
        verdict
    }

    /// Believes the clock: someone has looked at it.
    pub fn accept(&mut self, now_ms: u64) {
        self.last_seen_ms = now_ms;
    }

    /// The mark to be kept: when the clock was last believed, Unix ms.
    #[must_use]
    pub fn last_seen_ms(&self) -> u64 {
        self.last_seen_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_is_doubted_until_accepted() {
        const HOUR: u64 = 3_600_000;
        const DAY: u64 = 24 * HOUR;
        let start = 20_000 * DAY;
        let mut guard = ClockGuard::new(start);
        assert_eq!(guard.look(start + 2 * DAY), ClockVerdict::Steady);
        assert_eq!(guard.look(start + 4 * DAY + 1), ClockVerdict::JumpedForward(2 * DAY + 1));
        // Looking again does not make it right, nor does a restart.
        assert_eq!(guard.look(start + 4 * DAY + 2), ClockVerdict::JumpedForward(2 * DAY + 2));
        let mut guard = ClockGuard::new(guard.last_seen_ms());
        assert_eq!(guard.look(start + 5 * DAY), ClockVerdict::JumpedForward(3 * DAY));
        // Set right, it needs no acceptance.
        assert_eq!(guard.look(start + 2 * DAY + HOUR), ClockVerdict::Steady);
        assert_eq!(guard.look(start + 2 * DAY), ClockVerdict::Steady);
        assert_eq!(guard.look(start + 2 * DAY - HOUR - 1), ClockVerdict::JumpedBack(HOUR + 1));
        guard.accept(start);
        assert_eq!(guard.look(start + 1), ClockVerdict::Steady);
        assert_eq!(ClockVerdict::of(0, u64::MAX), ClockVerdict::JumpedForward(u64::MAX));
        assert_eq!(ClockVerdict::of(u64::MAX, 0), ClockVerdict::JumpedBack(u64::MAX));
    }

    #[test]
    fn a_manual_clock_stands_where_it_was_put() {
        let clock = ManualClock::new(5);
        clock.advance(7);
        assert_eq!(clock.now_ms(), 12);
        clock.set(3);
        assert_eq!(clock.now_ms(), 3);
    }
}
