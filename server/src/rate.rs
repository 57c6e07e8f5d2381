//! How often something may happen for each of very many keys, in bounded memory.

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Keys share this many places, so that an attacker with many addresses fills no memory: about 64 MiB at most, and
/// what is idle is let go. Two keys in one place share its rate; among 10,000 active ones that happens to 1 in 100.
const PLACES: u64 = 1 << 20;

/// A rate for each key. Keys are salted anew by each process and are never stored themselves.
#[derive(Debug)]
pub struct Rate {
    salt: RandomState,
    limiter: DefaultKeyedRateLimiter<u32>,
    clock: DefaultClock,
}

impl Rate {
    /// So many a second, and `burst` at once after a pause. Neither may be 0, which is taken for 1.
    #[must_use]
    pub fn per_second(rate: u32, burst: u32) -> Rate {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst));
        Rate {
            salt: RandomState::new(),
            limiter: RateLimiter::dashmap(quota),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one for a key.
    ///
    /// # Errors
    /// The seconds to wait, at least 1, when it was one too many.
    pub fn check(&self, key: &impl Hash) -> Result<(), u32> {
        let place = (self.salt.hash_one(key) % PLACES) as u32;
        self.limiter.check_key(&place).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
        })
    }

    /// Forgets keys that have been idle for so long that they are as if new.
    pub fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_rate() {
        let rate = Rate::per_second(1, 3);
        for _ in 0..3 {
            assert_eq!(rate.check(&"a"), Ok(()));
        }
        assert_eq!(rate.check(&"a"), Err(1));
        assert_eq!(rate.check(&"b"), Ok(()));
    }

    #[test]
    fn more_keys_than_places_take_no_more_memory() {
        let rate = Rate::per_second(1, 1);
        for key in 0..2_000_u32 {
            let _ = rate.check(&key);
        }
        assert!(rate.limiter.len() <= 2_000);
        assert!(u64::from(u32::MAX) >= PLACES, "a place is a u32");
    }
}
