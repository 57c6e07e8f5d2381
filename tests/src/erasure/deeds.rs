//! What an exploration must have met somewhere: an operation that finds nothing to do proves nothing.

use super::copied::Copied;
use super::held::{Held, NEIGHBOUR, events};
use super::script::Op;

/// Something that a script really did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// An operation that had something to do.
    Did(Op),
    /// The same, when the power was lost in the midst of it.
    CutOff(Op),
    /// A block kept events out.
    Blocked,
    /// An erasure that blocks was called off.
    Unblocked,
    /// A site that is closed or gone was sent events.
    Closed,
    /// An erasure was called off, and what it had taken out of memory stayed gone.
    GoneWithMemory,
    /// An erasure was called off, and what another one covers as well stayed masked.
    MaskedByAnother,
    /// A merge made rare countries `ZZ` for good.
    Recoded,
    /// A deletion was called off of which a backup knows.
    OpenedSinceBackup,
    /// A deleted site left a snapshot.
    GoneFromSnapshot,
    /// A deleted site left a backup.
    GoneFromBackup,
}

/// Every deed that is more than an operation and needs no rare country.
pub(super) const EXACT: [Deed; 8] = [
    Deed::Blocked,
    Deed::Unblocked,
    Deed::Closed,
    Deed::GoneWithMemory,
    Deed::MaskedByAnother,
    Deed::OpenedSinceBackup,
    Deed::GoneFromSnapshot,
    Deed::GoneFromBackup,
];

/// What `op` does to a store that holds `before`.
pub(super) fn deeds(op: Op, before: &Held, after: &Held) -> Vec<Deed> {
    let mut deeds = match op {
        Op::Append | Op::AppendOther | Op::AppendLarge => kept_out(op, before),
        Op::Compact if before.world().sites != after.world().sites => vec![Deed::Recoded],
        Op::Cancel => called_off(before, after),
        Op::CancelDeletion => {
            let knows = |copy: &Copied| copy.live.world.is_closed(NEIGHBOUR);
            let is_known = before.is_deleting() && before.backups.iter().any(knows);
            is_known.then_some(Deed::OpenedSinceBackup).into_iter().collect()
        }
        Op::Purge if before.is_deleting() => {
            let copies =
                [(&before.snapshots, Deed::GoneFromSnapshot), (&before.backups, Deed::GoneFromBackup)];
            let had = |copy: &Copied| !copy.live.world.sites[NEIGHBOUR].pages().is_empty();
            copies.into_iter().filter(|(copies, _)| copies.iter().any(had)).map(|(_, deed)| deed).collect()
        }
        _ => Vec::new(),
    };
    if has_work(op, before, after) {
        deeds.push(Deed::Did(op));
    }
    deeds
}

/// Whether `op` finds anything to do.
pub(super) fn has_work(op: Op, before: &Held, after: &Held) -> bool {
    match op {
        Op::Append | Op::AppendOther | Op::AppendLarge => {
            before.sends(op).is_some_and(|(_, taken)| !taken.events.is_empty())
        }
        Op::Snapshot | Op::BackUp => true,
        Op::DeleteSnapshot => before.snapshots.len() != after.snapshots.len(),
        // The log is read.
        Op::Reopen => before.world().is_in_memory(),
        Op::PurgeInGrace => before.is_deleting(),
        Op::Purge => before.is_deleting() || before.due > 0,
        Op::Flush
        | Op::Compact
        | Op::Restore
        | Op::RestoreSite
        | Op::Erase(_)
        | Op::Cancel
        | Op::DeleteSite
        | Op::CancelDeletion => before.world() != after.world(),
    }
}

/// Why a batch, or some of it, was not taken.
fn kept_out(op: Op, before: &Held) -> Vec<Deed> {
    let Some((sent, taken)) = before.sends(op) else { return Vec::new() };
    match before.world().is_closed(sent.site) {
        true => vec![Deed::Closed],
        false if taken != sent => vec![Deed::Blocked],
        false => Vec::new(),
    }
}

/// What calling off the oldest erasure did beside showing again what it masks.
fn called_off(before: &Held, after: &Held) -> Vec<Deed> {
    let [cancelled, later @ ..] = &before.open[..] else { return Vec::new() };
    let mut deeds = Vec::new();
    if before.blocked.len() != after.blocked.len() {
        deeds.push(Deed::Unblocked);
    }
    let shown = events(after.world()) - events(before.world());
    if shown < cancelled.matched {
        let is_covered = later.iter().any(|open| open.erased.site == cancelled.erased.site);
        deeds.push(if is_covered { Deed::MaskedByAnother } else { Deed::GoneWithMemory });
    }
    deeds
}
