//! The clock guard: a clock that jumps must not make ninety days of data look expired.

/// Back by more than this between two looks is a jump, in ms.
pub const BACK_MS: u64 = 3_600_000;
/// Forward by more than this between two looks is a jump, in ms.
pub const FORWARD_MS: u64 = 2 * 86_400_000;

/// Looks at the clock from time to time, and remembers what it saw. Its mark is kept in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockGuard {
    last_ms: u64,
    jump: Option<Jump>,
}

/// A clock that was seen to jump. Retention holds still until somebody accepts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// Unix ms of the look before.
    pub from_ms: u64,
    /// Unix ms of the look that found it.
    pub to_ms: u64,
}

impl std::fmt::Display for Jump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (direction, ms) = match self.to_ms.checked_sub(self.from_ms) {
            Some(ms) => ("forward", ms),
            None => ("back", self.from_ms - self.to_ms),
        };
        write!(
            f,
            "the clock jumped {direction} by {} minutes; nothing expires until the clock is accepted",
            ms / 60_000
        )
    }
}

impl ClockGuard {
    /// A guard that last looked at `last_ms`.
    #[must_use]
    pub fn since(last_ms: u64) -> ClockGuard {
        ClockGuard { last_ms, jump: None }
    }

    /// Looks at the clock. After a jump the mark stays where it was, so that a restart finds the jump again.
    pub fn look(&mut self, now_ms: u64) {
        let jumped =
            now_ms.saturating_add(BACK_MS) < self.last_ms || now_ms > self.last_ms.saturating_add(FORWARD_MS);
        match self.jump {
            Some(_) => {}
            None if jumped => self.jump = Some(Jump { from_ms: self.last_ms, to_ms: now_ms }),
            None => self.last_ms = self.last_ms.max(now_ms),
        }
    }

    /// Says that the clock is right as it is now.
    pub fn accept(&mut self, now_ms: u64) {
        *self = ClockGuard::since(now_ms);
    }

    /// The jump that nobody has accepted yet.
    #[must_use]
    pub fn jump(&self) -> Option<Jump> {
        self.jump
    }

    /// Unix ms that the manifest should remember.
    #[must_use]
    pub fn mark_ms(&self) -> u64 {
        self.last_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_780_000_000_000;

    #[test]
    fn small_steps_are_no_jump_and_many_of_them_neither() {
        let mut guard = ClockGuard::since(NOON);
        for day in 1..=90 {
            guard.look(NOON + day * 86_400_000);
            guard.look(NOON + day * 86_400_000 - BACK_MS);
        }
        assert_eq!(guard.jump(), None);
        assert_eq!(guard.mark_ms(), NOON + 90 * 86_400_000);
    }

    #[test]
    fn a_jump_holds_until_it_is_accepted_also_over_a_restart() {
        for to_ms in [NOON - BACK_MS - 1, NOON + FORWARD_MS + 1, 0, u64::MAX] {
            let mut guard = ClockGuard::since(NOON);
            guard.look(to_ms);
            let jump = Some(Jump { from_ms: NOON, to_ms });
            assert_eq!(guard.jump(), jump);
            guard.look(NOON + 1);
            assert_eq!(guard.jump(), jump, "a clock that comes back is still doubtful");

            let mut reopened = ClockGuard::since(guard.mark_ms());
            reopened.look(to_ms);
            assert_eq!(reopened.jump(), jump);
            reopened.accept(to_ms);
            reopened.look(to_ms);
            assert_eq!((reopened.jump(), reopened.mark_ms()), (None, to_ms));
        }
    }

    #[test]
    fn a_clock_that_creeps_back_is_found() {
        let mut guard = ClockGuard::since(NOON);
        for step in 1..=3 {
            guard.look(NOON - step * 1_500_000);
        }
        assert!(guard.jump().is_some(), "each step is small, but the mark does not follow back");
    }
}
