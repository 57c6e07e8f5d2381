//! Whether requests should come to this server, and whether it is on its way out.

use std::sync::Arc;

use tokio::sync::watch;

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The store is being opened: its log is read.
    Starting,
    /// Serving.
    Ready,
    /// Told to stop; what was begun is finished.
    Draining,
    /// The store takes nothing any more, and says why; what was begun is finished, and the process ends.
    Stopped(Arc<str>),
}

impl Phase {
    /// Whether the server is on its way out.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self, Phase::Draining | Phase::Stopped(_))
    }
}

/// The phase, shared by who changes it and who looks.
#[derive(Debug)]
pub struct Health(watch::Sender<Phase>);

impl Default for Health {
    fn default() -> Health {
        Health(watch::Sender::new(Phase::Starting))
    }
}

impl Health {
    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.borrow().clone()
    }

    /// The store is open.
    pub fn ready(&self) {
        self.advance(Phase::Ready, |now| *now == Phase::Starting);
    }

    /// Begins to stop, unless it has begun.
    pub fn drain(&self) {
        self.advance(Phase::Draining, |now| !now.is_ending());
    }

    /// Begins to stop because the store has stopped, and says whether that is new.
    pub fn stopped(&self, why: &str) -> bool {
        self.advance(Phase::Stopped(why.into()), |now| !matches!(now, Phase::Stopped(_)))
    }

    /// Waits until the server is on its way out.
    pub async fn ending(&self) {
        // The sender is `self`, so that it cannot be gone.
        let _ = self.0.subscribe().wait_for(Phase::is_ending).await;
    }

    fn advance(&self, next: Phase, when: impl Fn(&Phase) -> bool) -> bool {
        self.0.send_if_modified(|now| {
            let may = when(now);
            if may {
                *now = next;
            }
            may
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_ends_does_not_become_ready_again_and_remembers_why() {
        let health = Health::default();
        assert_eq!(health.phase(), Phase::Starting);
        health.ready();
        health.drain();
        health.ready();
        assert_eq!(health.phase(), Phase::Draining);
        assert!(health.stopped("no disk"));
        assert!(!health.stopped("no disk"), "it is told once");
        health.drain();
        assert_eq!(health.phase(), Phase::Stopped("no disk".into()));
    }
}
