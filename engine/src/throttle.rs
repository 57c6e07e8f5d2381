//! The budget of bytes a second for work that nobody waits for.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::segment::Throttle;

/// Time that only goes forward, and waiting. Apart from `Clock`, whose wall time may jump.
pub trait Pace: Send + Sync {
    /// Time since some fixed moment.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The machine's own.
#[derive(Debug)]
pub struct MachinePace {
    start: Instant,
}

impl MachinePace {
    /// Counts from now.
    #[must_use]
    pub fn start() -> MachinePace {
        MachinePace { start: Instant::now() }
    }
}

impl Pace for MachinePace {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Longest that one `spend` waits, so that a job that was told to stop does.
const LONGEST: Duration = Duration::from_millis(250);

/// A token bucket: bytes flow in at a rate, up to a tenth of a second's worth, and are spent before work is done.
pub struct TokenBucket<P> {
    bytes_per_second: u64,
    pace: P,
    level: Mutex<Level>,
}

struct Level {
    /// Bytes that may be spent; below zero after a spending larger than the bucket.
    bytes: f64,
    as_of: Duration,
}

impl<P: Pace> TokenBucket<P> {
    /// A full bucket. A rate of 0 means no limit.
    #[must_use]
    pub fn new(bytes_per_second: u64, pace: P) -> TokenBucket<P> {
        let level = Level { bytes: bytes_per_second as f64 / 10.0, as_of: pace.elapsed() };
        TokenBucket { bytes_per_second, pace, level: Mutex::new(level) }
    }
}

impl<P: Pace> Throttle for TokenBucket<P> {
    /// Takes `bytes`, and waits while the bucket is empty; a quarter of a second at most.
    fn spend(&self, bytes: u64) {
        if self.bytes_per_second == 0 {
            return;
        }
        let rate = self.bytes_per_second as f64;
        let debt = {
            let mut level = self.level.lock();
            let now = self.pace.elapsed();
            let inflow = now.saturating_sub(level.as_of).as_secs_f64() * rate;
            level.bytes = (level.bytes + inflow).min(rate / 10.0) - bytes as f64;
            level.as_of = now;
            -level.bytes
        };
        if debt > 0.0 {
            self.pace.sleep(Duration::from_secs_f64(debt / rate).min(LONGEST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sleeping is what makes time pass.
    #[derive(Default)]
    struct Asleep(Mutex<Duration>);

    impl Pace for Asleep {
        fn elapsed(&self) -> Duration {
            *self.0.lock()
        }

        fn sleep(&self, time: Duration) {
            *self.0.lock() += time;
        }
    }

    #[test]
    fn spending_takes_as_long_as_the_rate_says() {
        let bucket = TokenBucket::new(1_000_000, Asleep::default());
        for _ in 0..1_000 {
            bucket.spend(10_000);
        }
        // 10 MB at 1 MB/s, of which a tenth of a second's worth was there.
        let seconds = bucket.pace.elapsed().as_secs_f64();
        assert!((9.8..=9.95).contains(&seconds), "{seconds}");
    }

    #[test]
    fn an_idle_bucket_does_not_save_up_more_than_it_holds() {
        let bucket = TokenBucket::new(1_000_000, Asleep::default());
        bucket.pace.sleep(Duration::from_secs(3_600));
        bucket.spend(300_000);
        let waited = bucket.pace.elapsed() - Duration::from_secs(3_600);
        assert!((0.19..=0.21).contains(&waited.as_secs_f64()), "{waited:?}");
    }

    #[test]
    fn one_spending_waits_a_quarter_of_a_second_at_most() {
        let bucket = TokenBucket::new(1_000, Asleep::default());
        bucket.spend(1 << 30);
        assert_eq!(bucket.pace.elapsed(), LONGEST);
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let bucket = TokenBucket::new(0, Asleep::default());
        bucket.spend(u64::MAX);
        assert_eq!(bucket.pace.elapsed(), Duration::ZERO);
    }
}
