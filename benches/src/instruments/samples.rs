//! Durations, and what is said of many of them.

use std::time::Duration;

/// Measured durations of one thing. Empty until `add`.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    sorted: Vec<Duration>,
}

impl Samples {
    /// None yet.
    #[must_use]
    pub fn new() -> Samples {
        Samples::default()
    }

    /// Adds one.
    pub fn add(&mut self, duration: Duration) {
        let at = self.sorted.partition_point(|other| *other <= duration);
        self.sorted.insert(at, duration);
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The smallest one that at least `share` (0 to 1) of all do not exceed: 0.5 is the median. Zero of none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(rank.clamp(1, self.sorted.len().max(1)) - 1).copied().unwrap_or_default()
    }

    /// The median.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.quantile(0.5)
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Samples {
        let mut sorted: Vec<Duration> = durations.into_iter().collect();
        sorted.sort_unstable();
        Samples { sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let samples: Samples = (1..=100).rev().map(Duration::from_millis).collect();
        for (share, ms) in [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)] {
            assert_eq!(samples.quantile(share), Duration::from_millis(ms), "{share}");
        }
        assert_eq!(Samples::new().median(), Duration::ZERO);
        let mut one_by_one = Samples::new();
        for ms in [3, 1, 2] {
            one_by_one.add(Duration::from_millis(ms));
        }
        assert_eq!((one_by_one.median(), one_by_one.len()), (Duration::from_millis(2), 3));
    }
}
