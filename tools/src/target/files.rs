//! The files of a store, looked at without opening it: nothing is repaired, cut or moved.

use std::path::Path;
use std::sync::Arc;

use heatgrid_engine::disk::{Access, Disk, RealDisk};
use heatgrid_engine::format::names::{Directory, FileName};
use heatgrid_engine::inspect::{self, Progress, SegmentInspection};
use heatgrid_engine::manifest;
use heatgrid_engine::segment::{Segment, SegmentEntry};
use serde_json::{Value, json};

use super::{TargetError, must_exist};

/// The files of a store that nobody has open.
pub(crate) struct Files(Arc<dyn Disk>);

impl Files {
    /// The files of the store in `directory`.
    pub(crate) fn of(directory: &Path) -> Result<Files, TargetError> {
        must_exist(directory)?;
        Ok(Files(Arc::new(RealDisk::open(directory)?)))
    }

    /// What the manifest says, what is in each segment, and which other files there are.
    pub(crate) fn inspect(&self) -> Result<Value, TargetError> {
        let Some(manifest) = manifest::load(&*self.0)? else {
            return Err(TargetError::NoManifest);
        };
        let segments = &manifest.segments;
        let inside: Vec<Value> = segments.iter().map(|entry| self.segment(entry)).collect();
        let mut others = Vec::new();
        for directory in Directory::ALL {
            for (file, length_bytes) in self.0.list(directory)? {
                if !manifest.reachable().any(|entry| FileName::Segment(entry.number) == file) {
                    others.push(json!({"file": file.to_string(), "length_bytes": length_bytes}));
                }
            }
        }
        Ok(json!({
            "manifest": {
                "edition": manifest.edition,
                "region": manifest.region.as_str(),
                "wal_floor": manifest.wal_floor.0,
                "purged_through": manifest.purged_through.0,
                "next_file": manifest.next_file,
            },
            "segments": inside,
            "other_files": others,
        }))
    }

    /// Reads and checks manifest, accounts, log and every byte of every segment; tells `progress` how far it is.
    pub(crate) fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Value {
        // Read, not mapped: a page that cannot be read is then an error and not a signal.
        let verified = inspect::verify(&self.0, Access::Read, false, progress);
        let log = verified.wal.unwrap_or_default();
        let texts = |damage: bool| {
            let some = verified.findings.iter().filter(move |finding| finding.is_damage() == damage);
            some.map(ToString::to_string).collect::<Vec<_>>()
        };
        json!({
            "segments": verified.segments,
            "segment_bytes": verified.segment_bytes,
            "segment_events": verified.events,
            "log_files": log.files,
            "log_batches": log.batches,
            "unfinished_writes": log.cuts.len(),
            "remarks": texts(false),
            "problems": texts(true),
        })
    }

    fn segment(&self, entry: &SegmentEntry) -> Value {
        let mut shown = json!({
            "file": FileName::Segment(entry.number).to_string(),
            "month": entry.header.month.to_string(),
            "level": entry.level,
            "length_bytes": entry.length_bytes,
            "sites": entry.sites,
            "cells": entry.cells,
            "rows": entry.rows,
            "events": entry.events,
            "first_day": entry.first_day.to_string(),
            "last_day": entry.last_day.to_string(),
            "seq_lo": entry.header.seq_lo.0,
            "seq_hi": entry.header.seq_hi.0,
            "purged_through": entry.header.purged_through.0,
        });
        let inside =
            Segment::open(&*self.0, entry, Access::Read).and_then(|segment| inspect::segment(&segment));
        match inside {
            Ok(inside) => add(&mut shown, &inside),
            Err(damage) => shown["damage"] = damage.to_string().into(),
        }
        shown
    }
}

/// What the directories of a segment say, besides what the manifest knows of it.
fn add(shown: &mut Value, inside: &SegmentInspection) {
    shown["pages"] = inside.pages.into();
    shown["blocks"] = inside.blocks.into();
    let bytes = inside.bytes;
    shown["bytes"] = json!({
        "blocks": bytes.blocks,
        "pages": bytes.pages,
        "strips": bytes.strips,
        "rollups": bytes.rollups,
        "hours": bytes.hours,
        "block_index": bytes.block_index,
        "rest": bytes.rest,
    });
}
