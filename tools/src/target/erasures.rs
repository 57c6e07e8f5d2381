//! Erasures and purges of a store in a directory.

use std::sync::Arc;

use heatgrid_engine::clock::Clock;
use heatgrid_engine::model::{Erasure, ErasureId, Site};
use heatgrid_engine::purge::EvidenceError;
use heatgrid_server::ask::erasure_request;
use heatgrid_server::privacy::url::PageRules;
use heatgrid_server::wire::erasure::{
    CertificateJson, ErasureJson, KeysJson, PreviewJson, TakenJson, WrittenErasure,
};
use heatgrid_server::wire::evidence::EvidenceJson;
use heatgrid_server::wire::purge::PurgePlanJson;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Copies, Target, TargetError};

impl Target {
    /// Takes a request to erase, or only counts what it would cover.
    pub(crate) fn request_erasure(
        &self,
        site: &str,
        written: &WrittenErasure,
        dry_run: bool,
    ) -> Result<Value, TargetError> {
        let site = self.find(site)?;
        let rules = PageRules::of(&site.settings);
        let request = erasure_request(&self.store, &rules, site.id, written)?;
        if dry_run {
            return Ok(value(&PreviewJson::of(&self.store.dry_run(&request)?)));
        }
        Ok(value(&TakenJson::of(&self.store.erase(&request)?, self.clock.now_ms())))
    }

    /// The erasures of a site, the oldest first.
    pub(crate) fn erasures(&self, site: &str) -> Result<Value, TargetError> {
        let site = self.find(site)?;
        Ok(self.store.erasures(site.id).iter().map(|erasure| self.shown(erasure)).collect())
    }

    /// One erasure of a site.
    pub(crate) fn erasure(&self, site: &str, id: &str) -> Result<Value, TargetError> {
        let id = self.erasure_of(&*self.find(site)?, id)?;
        Ok(self.store.erasure(id).map_or(Value::Null, |erasure| self.shown(&erasure)))
    }

    /// Calls an erasure off.
    pub(crate) fn cancel_erasure(&self, site: &str, id: &str) -> Result<Value, TargetError> {
        let id = self.erasure_of(&*self.find(site)?, id)?;
        Ok(self.shown(&*self.store.cancel_erasure(id)?))
    }

    /// The certificate of a finished erasure.
    pub(crate) fn certificate(&self, site: &str, id: &str) -> Result<Value, TargetError> {
        let id = self.erasure_of(&*self.find(site)?, id)?;
        let signed = self.store.certificate(id).ok_or(TargetError::NotCertified)?;
        Ok(value(&CertificateJson::of(&signed)?))
    }

    /// The list of files behind a certificate, also of a site that is gone.
    pub(crate) fn evidence(&self, id: &str) -> Result<Value, TargetError> {
        let of = id.parse().map_err(|_| EvidenceError::NotCertified)?;
        Ok(value(&EvidenceJson::of(id.to_owned(), &self.store.evidence(of)?)))
    }

    /// The public keys that certificates are signed with.
    pub(crate) fn certificate_keys(&self) -> Result<Value, TargetError> {
        Ok(value(&KeysJson::of(&self.store.certificate_keys()?)))
    }

    /// What a purge would do, here and to backups at `targets`.
    pub(crate) fn purge_plan(&self, targets: Vec<Copies>, now: bool) -> Result<Value, TargetError> {
        self.store.set_targets(targets.into_iter().map(Copies::into_target).collect());
        Ok(value(&PurgePlanJson::of(&self.store.purge_plan(now).map_err(Arc::new)?)))
    }

    /// Removes from every file what erasures mask, and from backups at `targets`.
    pub(crate) fn purge(&self, targets: Vec<Copies>, now: bool) -> Result<Value, TargetError> {
        self.store.set_targets(targets.into_iter().map(Copies::into_target).collect());
        self.watched("purging", || self.store.purge(now))?;
        let status = self.store.status();
        Ok(
            json!({"segments": status.segments, "segment_bytes": status.segment_bytes, "open": status.erasures.open}),
        )
    }

    fn shown(&self, erasure: &Erasure) -> Value {
        value(&ErasureJson::of(erasure, self.clock.now_ms()))
    }

    fn erasure_of(&self, site: &Site, id: &str) -> Result<ErasureId, TargetError> {
        let found = id.parse().ok().and_then(|id| self.store.erasure(id));
        let found = found.filter(|erasure| erasure.site == site.id);
        found.map(|erasure| erasure.id).ok_or_else(|| TargetError::UnknownErasure(id.to_owned()))
    }
}

fn value(shown: &impl Serialize) -> Value {
    serde_json::to_value(shown).expect("what is shown is valid JSON")
}
