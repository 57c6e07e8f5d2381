//! Names of copies: snapshots and backups.

use std::fmt;

use super::site::{InvalidName, check_name};

/// A label that a person or a schedule gave to a snapshot or a backup: as a site's, `[a-z0-9][a-z0-9-]{0,62}`.
///
/// It is a value without a place in memory of its own, so that a job can carry it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CopyName {
    /// Filled up with zeros, which sort before every letter.
    bytes: [u8; CopyName::MAX_BYTES],
    length: u8,
}

impl CopyName {
    /// Most bytes of a name.
    pub const MAX_BYTES: usize = 63;

    /// Checks a name.
    ///
    /// # Errors
    /// When it is not of the allowed form.
    pub fn new(text: &str) -> Result<CopyName, InvalidName> {
        check_name(text)?;
        let mut bytes = [0; CopyName::MAX_BYTES];
        let length = u8::try_from(text.len()).map_err(|_| InvalidName)?;
        bytes.get_mut(..text.len()).ok_or(InvalidName)?.copy_from_slice(text.as_bytes());
        Ok(CopyName { bytes, length })
    }

    /// `<label>-<UTC time>`, such as `daily-20260310t120000z`: what a copy is called that nobody named.
    ///
    /// # Panics
    /// Unless the label is a name of at most 46 bytes.
    #[must_use]
    pub fn of_time(label: &str, unix_ms: u64) -> CopyName {
        let seconds = i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
        let text = format!("{label}-{}", time.strftime("%Y%m%dt%H%M%Sz"));
        CopyName::new(&text).expect("a short label and a time are a name")
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Display for CopyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CopyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_like_a_site() {
        let longest = "a".repeat(63);
        for text in ["a", "before-1", "0", &longest] {
            assert_eq!(CopyName::new(text).unwrap().as_str(), text);
        }
        for text in ["", "-a", "A", "a/b", "..", "a_b", &"a".repeat(64)] {
            assert_eq!(CopyName::new(text), Err(InvalidName), "{text}");
        }
        let [short, long] = ["ab", "ab-c"].map(|text| CopyName::new(text).unwrap());
        assert!(short < long && CopyName::new("b").unwrap() > long);
    }

    #[test]
    fn a_name_of_a_time_sorts_as_the_time_does() {
        let name = CopyName::of_time("daily", 1_773_144_000_000);
        assert_eq!(name.as_str(), "daily-20260310t120000z");
        assert!(CopyName::of_time("daily", 1_773_144_001_000) > name);
        assert!(CopyName::of_time("daily", u64::MAX) > name, "a clock that is wrong names too");
    }
}
