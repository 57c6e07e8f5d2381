//! What the engine could not do, as the answer to whoever asked: the only place that knows both.

use heatgrid_engine::accounts::AccountsError;
use heatgrid_engine::backup::BackupError;
use heatgrid_engine::commit;
use heatgrid_engine::disk::DiskError;
use heatgrid_engine::error::{self, AppendError, EraseError, JobError};
use heatgrid_engine::ledger::LedgerError;
use heatgrid_engine::manifest::SnapshotError;
use heatgrid_engine::purge::matching::MatchError;
use heatgrid_engine::query::QueryError;
use heatgrid_engine::segment::SegmentError;

use crate::ask::AskError;
use crate::http::problem::{
    BUSY, CONFLICT, DISK_FULL, INTERNAL, INVALID_BODY, INVALID_QUERY, NO_VISITORS, NOT_FOUND, Problem,
    REGION, STOPPED, TARGET, TOO_LARGE, TOO_MUCH_WORK,
};
use crate::wire::question::BadQuestion;

/// Seconds after which a busy store is worth another try.
const BUSY_SECONDS: u32 = 1;
/// Seconds after which a supervisor has restarted a stopped one, or an operator made room.
const STOPPED_SECONDS: u32 = 30;

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Problem {
        match error {
            AppendError::UnknownSite(_) | AppendError::ClosedSite(_) => no_site(),
            AppendError::FlushFails(error) => shared(&error),
            // A page was blocked since the events were looked at: they are looked at again when they are sent again.
            error @ AppendError::Blocked(_) => busy(&error),
            AppendError::Commit(error) => error.into(),
            error if error.is_poisoned() => stopped(&error),
            error if error.is_busy() => busy(&error),
            error => fault(&error),
        }
    }
}

impl From<commit::AppendError> for Problem {
    fn from(error: commit::AppendError) -> Problem {
        match error {
            commit::AppendError::Busy { .. } | commit::AppendError::Stopped => busy(&error),
            // After a failed write nothing is taken until a restart, whatever it was.
            commit::AppendError::Log(_) => stopped(&error),
        }
    }
}

impl From<error::AskError> for Problem {
    fn from(error: error::AskError) -> Problem {
        match error {
            error::AskError::UnknownSite(_) => no_site(),
            error::AskError::Query(error) => error.into(),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Problem {
        match error {
            QueryError::Invalid(error) => Problem::new(&INVALID_QUERY, error.to_string()),
            QueryError::TooMuchWork { .. } => Problem::new(&TOO_MUCH_WORK, error.to_string()),
            QueryError::Cancelled => busy(&error),
            QueryError::ViewExpired(error) => {
                Problem::new(&TOO_MUCH_WORK, format!("{error}; ask for fewer days, pages or kinds"))
            }
            QueryError::Segment(_) | QueryError::Unreadable(_) => fault(&error),
        }
    }
}

impl From<BadQuestion> for Problem {
    fn from(error: BadQuestion) -> Problem {
        let kind = match &error {
            BadQuestion::Visitors => &NO_VISITORS,
            BadQuestion::Syntax { .. } => &INVALID_BODY,
            _ => &INVALID_QUERY,
        };
        Problem::new(kind, error.to_string())
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Problem {
        match error {
            AskError::Bad(error) => error.into(),
            AskError::Form(error) => Problem::new(&INVALID_QUERY, error.to_string()),
            AskError::Query(error) => error.into(),
            error @ AskError::TooManyCells { .. } => Problem::new(&TOO_MUCH_WORK, error.to_string()),
        }
    }
}

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Problem {
        match &error {
            AccountsError::NameTaken(_) | AccountsError::ZoneHasData => {
                Problem::new(&CONFLICT, error.to_string())
            }
            AccountsError::NoSuchSite(_) => no_site(),
            AccountsError::NoSuchToken(_) => Problem::new(&NOT_FOUND, "there is no such token"),
            AccountsError::Setting(_)
            | AccountsError::Token(_)
            | AccountsError::TooManySites
            | AccountsError::TooManyTokens => Problem::new(&INVALID_BODY, error.to_string()),
            AccountsError::TooLarge { .. } => Problem::new(&TOO_LARGE, error.to_string()),
            AccountsError::Disk(error) => disk(error),
            AccountsError::Unreadable { .. } | AccountsError::Random(_) => fault(&error),
        }
    }
}

impl From<SegmentError> for Problem {
    fn from(error: SegmentError) -> Problem {
        fault(&error)
    }
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Problem {
        shared(&error)
    }
}

/// A job's error, which whoever waits for the job shares.
pub fn shared(error: &JobError) -> Problem {
    match error {
        JobError::Stopped => Problem::new(&CONFLICT, "the job was told to stop"),
        JobError::ClockDoubted => {
            Problem::new(&CONFLICT, format!("{error}: POST /v1/admin/clock, when it is right"))
        }
        JobError::UnknownSite(_) => no_site(),
        JobError::Backup(error) => backup(error),
        JobError::NoRoom { .. } => full(error),
        JobError::Disk(error) => disk(error),
        JobError::Edit(error::EditError::Poisoned(_)) => stopped(error),
        JobError::Edit(error::EditError::Snapshot(SnapshotError::NoSuchSnapshot(_))) => {
            Problem::new(&NOT_FOUND, error.to_string())
        }
        JobError::Edit(error::EditError::Snapshot(_)) => Problem::new(&CONFLICT, error.to_string()),
        JobError::Commit(error) => error.clone().into(),
        JobError::Ledger(error) => ledger(error),
        JobError::Segment(_)
        | JobError::Edit(_)
        | JobError::Wal(_)
        | JobError::Accounts(_)
        | JobError::Leftover(_) => fault(error),
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Problem {
        match error {
            EraseError::UnknownSite(_) => no_site(),
            EraseError::UnknownErasure(_) => Problem::new(&NOT_FOUND, "there is no such erasure"),
            EraseError::Invalid(error) => Problem::new(&INVALID_BODY, error.to_string()),
            error @ EraseError::TooLate { .. } => Problem::new(&CONFLICT, error.to_string()),
            error @ EraseError::Match(MatchError::TooManyPages) => {
                Problem::new(&TOO_MUCH_WORK, error.to_string())
            }
            EraseError::Ledger(error) => ledger(&error),
            EraseError::Accounts(error) => error.into(),
            EraseError::Commit(error) => error.into(),
            error @ (EraseError::Match(MatchError::Segment(_)) | EraseError::Random(_)) => fault(&error),
        }
    }
}

fn ledger(error: &LedgerError) -> Problem {
    if let LedgerError::Disk(error) = error { disk(error) } else { fault(error) }
}

/// What a target said is for operators, who alone ask for backups.
fn backup(error: &BackupError) -> Problem {
    let kind = match error {
        BackupError::NoSuchBackup(_) => &NOT_FOUND,
        BackupError::NameTaken(_)
        | BackupError::Stopped
        | BackupError::Changed
        | BackupError::NotEmpty
        | BackupError::OtherStore { .. }
        | BackupError::Versioned { .. }
        | BackupError::NoTarget { .. }
        | BackupError::NotConfigured { .. }
        | BackupError::LedgerTooOld { .. } => &CONFLICT,
        BackupError::Region { .. } => &REGION,
        BackupError::Disk(error) => return disk(error),
        BackupError::Target(_) | BackupError::Unreadable { .. } | BackupError::Damaged { .. } => {
            tracing::error!(%error, "a backup target");
            &TARGET
        }
    };
    Problem::new(kind, error.to_string())
}

fn disk(error: &DiskError) -> Problem {
    if error.is_full() { full(error) } else { fault(error) }
}

fn no_site() -> Problem {
    Problem::new(&NOT_FOUND, "there is no such site, or the token is not for it")
}

fn busy(error: &impl std::fmt::Display) -> Problem {
    Problem::new(&BUSY, error.to_string()).retry_after(BUSY_SECONDS)
}

fn stopped(error: &impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the store takes nothing any more");
    Problem::new(&STOPPED, error.to_string()).retry_after(STOPPED_SECONDS)
}

fn full(error: &impl std::fmt::Display) -> Problem {
    Problem::new(&DISK_FULL, error.to_string()).retry_after(STOPPED_SECONDS)
}

/// What only the operator can see to: the log has it, the answer has not.
fn fault(error: &impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a fault");
    Problem::new(&INTERNAL, "the store could not do this; its log says why")
}
