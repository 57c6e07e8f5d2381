//! What became of the events of a request: accepted, or dropped and why. Every event is in exactly one of them.

/// Why an event is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DropReason {
    /// A privacy signal: GPC, DNT or the opt-out cookie.
    Consent,
    /// Older than the site's retention.
    Expired,
    /// More than a day ahead of the clock.
    Future,
    /// The site excludes the page, or the visitor's network.
    Excluded,
    /// The page is on a host that the site does not count.
    Host,
    /// The URL is none of a page.
    Url,
    /// The position is on no page: left or above of it, or further than the largest.
    Place,
    /// PostHog tells of something that is not counted here.
    Kind,
    /// A robot.
    Bot,
    /// An erasure blocks the page.
    Erased,
    /// The batch was already counted.
    Repeated,
}

impl DropReason {
    /// Every reason, in the order of answers and metrics.
    pub const ALL: [DropReason; 11] = [
        DropReason::Consent,
        DropReason::Expired,
        DropReason::Future,
        DropReason::Excluded,
        DropReason::Host,
        DropReason::Url,
        DropReason::Place,
        DropReason::Kind,
        DropReason::Bot,
        DropReason::Erased,
        DropReason::Repeated,
    ];

    /// Its name in answers and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DropReason::Consent => "consent",
            DropReason::Expired => "expired",
            DropReason::Future => "future",
            DropReason::Excluded => "excluded",
            DropReason::Host => "host",
            DropReason::Url => "url",
            DropReason::Place => "place",
            DropReason::Kind => "kind",
            DropReason::Bot => "bot",
            DropReason::Erased => "erased",
            DropReason::Repeated => "repeated",
        }
    }
}

/// Sums of events, each line counted by its `n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    accepted: u64,
    redacted: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Tally {
    /// Counts events that are stored.
    pub fn accept(&mut self, events: u32) {
        self.accepted += u64::from(events);
    }

    /// Counts events that are not.
    pub fn drop(&mut self, reason: DropReason, events: u32) {
        self.dropped[reason as usize] += u64::from(events);
    }

    /// Of events that are all dropped for one reason.
    #[must_use]
    pub fn all_dropped(reason: DropReason, events: u32) -> Tally {
        let mut tally = Tally::default();
        tally.drop(reason, events);
        tally
    }

    /// Of the same events, when it turns out that those which would be accepted were counted before.
    #[must_use]
    pub fn repeated(mut self) -> Tally {
        self.dropped[DropReason::Repeated as usize] += self.accepted;
        Tally { accepted: 0, redacted: 0, ..self }
    }

    /// Counts path segments of an event's page that became `*`.
    pub fn redact(&mut self, segments: u32) {
        self.redacted += u64::from(segments);
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Tally) {
        self.accepted += other.accepted;
        self.redacted += other.redacted;
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += more;
        }
    }

    /// Events that are stored.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Path segments that became `*`, summed over the lines that are stored.
    #[must_use]
    pub fn redacted(&self) -> u64 {
        self.redacted
    }

    /// Events that are not, by reason; reasons without any are left out.
    pub fn dropped(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.dropped).filter(|(_, events)| *events > 0)
    }

    /// Events that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.accepted + self.dropped.iter().sum::<u64>()
    }
}
