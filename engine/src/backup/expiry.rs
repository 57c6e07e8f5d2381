//! Targets that keep what was deleted or replaced: for how long they may, so that what is to be gone is gone in time.

use super::BackupError;
use super::plan::DAY_MS;
use super::target::BackupTarget;
use crate::model::limits::GONE_DAYS;
use crate::model::{DEADLINE_DAYS, LAST_DAYS, PURGE_DAYS};

/// A target lets versions expire at a midnight of its own, once a day: so many days later than it says.
const MIDNIGHT_DAYS: u64 = 1;

/// Old versions that would outlive what they must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLongKept {
    /// An erasure would miss its deadline.
    #[error(
        "old versions are kept for {got} days, but an erasure waits up to {PURGE_DAYS} days for its purge, {LAST_DAYS} are for what fails at first, and {MIDNIGHT_DAYS} for the target's midnight: {PURGE_DAYS} + {LAST_DAYS} + {MIDNIGHT_DAYS} + {got} = {}, more than {DEADLINE_DAYS}. Have them expire after {most} days at most", DEADLINE_DAYS - most + got
    )]
    Erasures {
        /// Days they are kept.
        got: u64,
        /// Days they may be.
        most: u64,
    },
    /// What retention removes would stay.
    #[error(
        "old versions are kept for {got} days, but what expires stays in a backup for {backup_days} days before, {LAST_DAYS} are for what fails at first, and {MIDNIGHT_DAYS} for the target's midnight: {backup_days} + {LAST_DAYS} + {MIDNIGHT_DAYS} + {got} = {}, more than {GONE_DAYS}. Keep backups for {} days at most, or have old versions expire sooner", backup_days + LAST_DAYS + MIDNIGHT_DAYS + got, u64::from(GONE_DAYS).saturating_sub(LAST_DAYS + MIDNIGHT_DAYS + got)
    )]
    Retention {
        /// Days they are kept.
        got: u64,
        /// Days that backups are kept.
        backup_days: u64,
    },
}

/// Whether old versions that are kept for so many days let every erasure keep its deadline, and, if backups are kept
/// for `backup_days`, whether what expires is gone in time too.
///
/// # Errors
/// By which arithmetic not.
pub fn check(expires_days: u32, backup_days: Option<u32>) -> Result<(), TooLongKept> {
    let got = u64::from(expires_days);
    let most = DEADLINE_DAYS - PURGE_DAYS - LAST_DAYS - MIDNIGHT_DAYS;
    if got > most {
        return Err(TooLongKept::Erasures { got, most });
    }
    match backup_days.map(u64::from) {
        Some(backup_days) if backup_days + LAST_DAYS + MIDNIGHT_DAYS + got > u64::from(GONE_DAYS) => {
            Err(TooLongKept::Retention { got, backup_days })
        }
        _ => Ok(()),
    }
}

/// As `check`, of a target, whatever it is said to keep.
///
/// # Errors
/// When it keeps old versions for too long.
pub fn check_target(target: &dyn BackupTarget, backup_days: Option<u32>) -> Result<(), BackupError> {
    let checked = target.expires_days().map_or(Ok(()), |days| check(days, backup_days));
    checked.map_err(|source| BackupError::TooLongKept { place: target.place().into(), source })
}

/// For how long a target keeps what is deleted now, in ms, with its midnight.
#[must_use]
pub fn kept_ms(expires_days: u32) -> u64 {
    (u64::from(expires_days) + MIDNIGHT_DAYS) * DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_may_be_kept_for_as_long_as_the_deadline_allows_and_the_refusal_shows_the_arithmetic() {
        assert_eq!(check(75, None), Ok(()));
        let refused = check(76, None).unwrap_err();
        assert_eq!(refused, TooLongKept::Erasures { got: 76, most: 75 });
        assert!(refused.to_string().contains("7 + 7 + 1 + 76 = 91, more than 90"), "{refused}");
        assert_eq!((check(52, Some(30)), check(0, Some(82))), (Ok(()), Ok(())));
        let refused = check(53, Some(30)).unwrap_err();
        assert!(refused.to_string().contains("30 + 7 + 1 + 53 = 91, more than 90"), "{refused}");
        assert!(refused.to_string().contains("Keep backups for 29 days"), "{refused}");
    }
}
