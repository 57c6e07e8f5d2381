//! Robots, as far as their user agents say so.

use memchr::memmem::Finder;

/// Longer user agents are looked at up to here: no browser's is.
const AGENT_BYTES: usize = 512;

/// The words that make a user agent a robot's.
#[derive(Debug)]
pub struct Bots(Vec<Finder<'static>>);

impl Bots {
    /// With the setting `bots`: words in lower case.
    #[must_use]
    pub fn new(words: &[String]) -> Bots {
        Bots(words.iter().map(|word| Finder::new(word).into_owned()).collect())
    }

    /// Whether a user agent contains one of the words, in whatever case.
    #[must_use]
    pub fn are(&self, agent: &[u8]) -> bool {
        let mut lower = [0; AGENT_BYTES];
        let length = agent.len().min(AGENT_BYTES);
        let lower = &mut lower[..length];
        lower.copy_from_slice(&agent[..length]);
        lower.make_ascii_lowercase();
        self.0.iter().any(|word| word.find(lower).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_robot_is_known_by_a_word_in_any_case() {
        let bots = Bots::new(&["bot".into(), "headless".into()]);
        for agent in ["Googlebot/2.1", "HeadlessChrome/120", "my ROBOT"] {
            assert!(bots.are(agent.as_bytes()), "{agent}");
        }
        let long = "x".repeat(10_000) + "bot";
        for agent in ["", "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", &long] {
            assert!(!bots.are(agent.as_bytes()));
        }
        assert!(!Bots::new(&[]).are(b"Googlebot"));
    }
}
