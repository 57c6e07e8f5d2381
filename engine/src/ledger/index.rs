//! The ledger in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::format::ledger::{LedgerEdit, SignedCertificate};
use crate::model::{Erasure, ErasureId, ErasureState, Seq, SiteId};

#[derive(Default)]
pub(super) struct Index {
    /// By number: in the order they were asked for.
    erasures: BTreeMap<u64, Arc<Erasure>>,
    numbers: HashMap<ErasureId, u64>,
    of_sites: HashMap<SiteId, Vec<u64>>,
    certificates: HashMap<ErasureId, Arc<SignedCertificate>>,
    pub(super) fingerprint: Option<[u8; 16]>,
    pub(super) last_through: Seq,
}

impl Index {
    pub(super) fn apply(&mut self, edit: LedgerEdit) {
        match edit {
            LedgerEdit::Key(fingerprint) => self.fingerprint = Some(fingerprint),
            LedgerEdit::Request(mut erasure) => {
                erasure.number = self.next_number();
                self.last_through = self.last_through.max(erasure.through);
                self.numbers.insert(erasure.id, erasure.number);
                self.of_sites.entry(erasure.site).or_default().push(erasure.number);
                self.erasures.insert(erasure.number, Arc::new(*erasure));
            }
            LedgerEdit::Reach(id, state, at_ms) => self.change(id, |erasure| reach(erasure, state, at_ms)),
            LedgerEdit::Hashes(id, hashes) => self.change(id, |erasure| {
                erasure.hashes.extend(hashes);
                erasure.hashes.sort_unstable();
                erasure.hashes.dedup();
            }),
            LedgerEdit::GraceOver(id, at_ms) => self.change(id, |erasure| {
                erasure.grace_over_ms.get_or_insert(at_ms);
            }),
            LedgerEdit::VersionsGone(id, at_ms) => self.change(id, |erasure| {
                erasure.versions_gone_ms.get_or_insert(at_ms);
            }),
            LedgerEdit::Lose(id, loss) => self.change(id, |erasure| erasure.losses.push(loss)),
            LedgerEdit::Certify(id, at_ms, certificate) => {
                self.change(id, |erasure| reach(erasure, ErasureState::Certified, at_ms));
                self.certificates.insert(id, Arc::new(certificate));
            }
        }
    }

    /// What the next request is numbered.
    pub(super) fn next_number(&self) -> u64 {
        self.erasures.last_key_value().map_or(1, |(number, _)| number.saturating_add(1))
    }

    fn change(&mut self, id: ErasureId, change: impl FnOnce(&mut Erasure)) {
        if let Some(erasure) = self.numbers.get(&id).and_then(|number| self.erasures.get_mut(number)) {
            change(Arc::make_mut(erasure));
        }
    }

    pub(super) fn get(&self, id: ErasureId) -> Option<&Arc<Erasure>> {
        self.erasures.get(self.numbers.get(&id)?)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Erasure>> {
        self.erasures.values()
    }

    pub(super) fn of_site(&self, site: SiteId) -> impl Iterator<Item = &Arc<Erasure>> {
        self.of_sites.get(&site).into_iter().flatten().filter_map(|number| self.erasures.get(number))
    }

    pub(super) fn certificate(&self, id: ErasureId) -> Option<&Arc<SignedCertificate>> {
        self.certificates.get(&id)
    }
}

/// A state is reached once: a purge that is done again after a crash does not move its time.
fn reach(erasure: &mut Erasure, state: ErasureState, at_ms: u64) {
    erasure.times[state as usize].get_or_insert(at_ms);
}
