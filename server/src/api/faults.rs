//! What the engine could not do, as the answer to whoever asked: the only place that knows both.

use heatgrid_engine::accounts::AccountsError;
use heatgrid_engine::backup::BackupError;
use heatgrid_engine::commit;
use heatgrid_engine::disk::DiskError;
use heatgrid_engine::error::{self, AppendError, EraseError, JobError, Poison};
use heatgrid_engine::ledger::LedgerError;
use heatgrid_engine::manifest::SnapshotError;
use heatgrid_engine::purge::EvidenceError;
use heatgrid_engine::purge::matching::MatchError;
use heatgrid_engine::query::QueryError;
use heatgrid_engine::segment::SegmentError;
use heatgrid_engine::wal::WalError;

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
            AppendError::Poisoned(poison) => stopped(&poison),
            error if error.is_busy() => busy(&error),
            error => fault(&error),
        }
    }
}

impl From<commit::AppendError> for Problem {
    fn from(error: commit::AppendError) -> Problem {
        match error {
            commit::AppendError::Busy { .. } | commit::AppendError::Stopped => busy(&error),
            commit::AppendError::Log(WalError::Disk(error)) => disk(&error),
            commit::AppendError::Log(error) => stopped(&Poison::Log(error)),
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
        JobError::NoRoom { .. } => full(error.to_string()),
        JobError::Disk(error) => disk(error),
        JobError::Edit(error::EditError::Poisoned(poison)) => stopped(poison),
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

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Problem {
        match error {
            EvidenceError::NotCertified | EvidenceError::Gone => Problem::new(&NOT_FOUND, error.to_string()),
            EvidenceError::Ledger(LedgerError::Disk(error)) => disk(&error),
            // For operators, who are to know what is wrong with it.
            EvidenceError::Altered | EvidenceError::Certificate(_) | EvidenceError::Ledger(_) => {
                tracing::error!(%error, "the evidence of a purge");
                Problem::new(&INTERNAL, error.to_string())
            }
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
        | BackupError::NoKey(_)
        | BackupError::Versioned { .. }
        | BackupError::TooLongKept { .. }
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
    match error.is_full() {
        true => full(format!("the disk is full ({}); make room and try again", unlocated(error))),
        false => fault(error),
    }
}

fn no_site() -> Problem {
    Problem::new(&NOT_FOUND, "there is no such site, or the token is not for it")
}

fn busy(error: &impl std::fmt::Display) -> Problem {
    Problem::new(&BUSY, error.to_string()).retry_after(BUSY_SECONDS)
}

fn stopped(poison: &Poison) -> Problem {
    Problem::new(&STOPPED, why_stopped(poison)).retry_after(STOPPED_SECONDS)
}

/// Why a store has stopped, and what to do, for anybody: which file it was is in the log.
pub fn why_stopped(poison: &Poison) -> String {
    let what = match poison {
        Poison::Log(WalError::Disk(error) | WalError::Poisoned(error)) => unlocated(error),
        Poison::Log(WalError::Randomness) => WalError::Randomness.to_string(),
        Poison::Manifest(error) => unlocated(error),
    };
    format!(
        "the disk failed ({what}), and the store takes nothing more; see to the disk, then start the server again"
    )
}

/// What a disk did not do, without the path: those are for the log.
fn unlocated(error: &DiskError) -> String {
    format!("{}: {}", error.operation, error.source)
}

fn full(detail: String) -> Problem {
    Problem::new(&DISK_FULL, detail).retry_after(STOPPED_SECONDS)
}

/// What only the operator can see to: the log has it, the answer has not.
fn fault(error: &impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a fault");
    Problem::new(&INTERNAL, "the store could not do this; its log says why")
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use axum::body::to_bytes;
    use axum::response::IntoResponse;

    use super::*;

    fn failed(kind: ErrorKind) -> DiskError {
        DiskError { operation: "sync", path: "/srv/heatgrid/wal-7".into(), source: Error::from(kind) }
    }

    #[tokio::test]
    async fn no_answer_holds_a_path_and_each_says_what_to_do() {
        let log = |error: WalError| Problem::from(commit::AppendError::Log(error));
        let (broken, no_room) = (ErrorKind::InvalidData, ErrorKind::StorageFull);
        for (problem, status, says) in [
            (log(WalError::Poisoned(failed(broken).into())), 503, "start the server again"),
            (stopped(&Poison::Manifest(failed(broken))), 503, "start the server again"),
            (log(WalError::Disk(failed(no_room).into())), 507, "make room"),
            (JobError::Disk(failed(no_room)).into(), 507, "make room"),
            (JobError::Disk(failed(broken)).into(), 500, "log says why"),
        ] {
            let answer = problem.into_response();
            assert_eq!(answer.status(), status, "{answer:?}");
            let text = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let text = String::from_utf8(text.to_vec()).unwrap();
            assert!(text.contains(says) && !text.contains("srv") && !text.contains("wal-7"), "{text}");
        }
    }
}
