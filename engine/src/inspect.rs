//! Inspection: what a store's files hold, and whether every byte of them is as it was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::accounts::{Accounts, AccountsError};
use crate::disk::{Access, Disk, DiskError};
use crate::format::extent::Section;
use crate::format::names::{Directory, FileName};
use crate::ledger::{Ledger, LedgerError};
use crate::manifest::{self, Manifest, ManifestError};
use crate::model::SiteId;
use crate::segment::{Segment, SegmentEntry, SegmentError};
use crate::wal::{self, WalError, WalReport};
use crate::window::Windows;

/// One segment, by its directories: no block is read.
#[derive(Clone, Debug)]
pub struct SegmentInspection {
    /// What the manifest knows of it.
    pub entry: SegmentEntry,
    /// Where its bytes are.
    pub bytes: SectionBytes,
    /// Its blocks.
    pub blocks: u64,
    /// Its pages, counted for each site.
    pub pages: u64,
    /// Its sites, ascending.
    pub sites: Vec<SiteInspection>,
}

/// Bytes of a segment by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SectionBytes {
    /// Columns of cells, totals, days and countries.
    pub blocks: u64,
    /// Page dictionaries.
    pub pages: u64,
    /// Strip directories, with their indexes.
    pub strips: u64,
    /// Roll-ups and country totals.
    pub rollups: u64,
    /// Hour totals, with their indexes.
    pub hours: u64,
    /// Block indexes.
    pub block_index: u64,
    /// Headers, file index, footer and padding.
    pub rest: u64,
}

/// What one segment has of one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteInspection {
    /// The site.
    pub site: SiteId,
    /// Its pages.
    pub pages: u32,
    /// Its blocks.
    pub blocks: u32,
    /// Its summary rows.
    pub cells: u64,
    /// Its detail rows.
    pub rows: u64,
    /// Its events.
    pub events: u64,
    /// Bytes of its extent.
    pub length_bytes: u64,
}

/// Looks into a segment.
///
/// # Errors
/// When one of its directories is damaged.
pub fn segment(segment: &Segment) -> Result<SegmentInspection, SegmentError> {
    let mut inspection = SegmentInspection {
        entry: segment.entry().clone(),
        bytes: SectionBytes::default(),
        blocks: 0,
        pages: 0,
        sites: Vec::new(),
    };
    let mut counted = 0;
    for site in segment.sites()? {
        let Some(extent) = segment.extent(site)? else { continue };
        let header = extent.header();
        let of = |section: Section| header.section_bytes[section as usize];
        let bytes = &mut inspection.bytes;
        bytes.blocks += header.blocks_bytes;
        bytes.pages += of(Section::Pages);
        bytes.strips += header.strips_bytes + of(Section::StripIndex);
        bytes.rollups += of(Section::Rollups) + of(Section::Countries);
        bytes.hours += header.hours_bytes + of(Section::HourIndex);
        bytes.block_index += of(Section::BlockIndex);
        counted += header.blocks_bytes + header.strips_bytes + header.hours_bytes;
        counted += header.section_bytes.iter().sum::<u64>();
        inspection.blocks += u64::from(header.blocks);
        inspection.pages += u64::from(header.pages);
        inspection.sites.push(SiteInspection {
            site,
            pages: header.pages,
            blocks: header.blocks,
            cells: header.cells,
            rows: header.rows,
            events: header.events,
            length_bytes: extent.length_bytes(),
        });
    }
    inspection.bytes.rest = segment.entry().length_bytes.saturating_sub(counted);
    Ok(inspection)
}

/// Something that is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// A call failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is no manifest.
    #[error("there is no manifest; put it back, or restore a backup into an empty directory")]
    NoManifest,
    /// The accounts cannot be read.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The evidence of a purge cannot be read.
    #[error(transparent)]
    Evidence(#[from] LedgerError),
    /// A segment, or a piece of one, is damaged or missing.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The log cannot be read.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The log has damage in the middle.
    #[error("the log is damaged: {0}")]
    Rot(wal::Rot),
    /// A file that no manifest lists. It costs room, and the next start removes it.
    #[error("{file} ({length_bytes} bytes) is left from a crash; the next start removes it")]
    Orphan {
        /// Which.
        file: FileName,
        /// Its bytes.
        length_bytes: u64,
    },
    /// A file that was put aside because it could not be read.
    #[error(
        "{file} ({length_bytes} bytes) was put aside because it could not be read; save what can be, then remove it"
    )]
    Quarantined {
        /// Which.
        file: FileName,
        /// Its bytes.
        length_bytes: u64,
    },
}

impl Finding {
    /// Whether an answer may be missing or refused because of it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        !matches!(self, Finding::Orphan { .. })
    }
}

/// What was verified.
#[derive(Debug, Default)]
pub struct Verification {
    /// Everything that is not as it should be.
    pub findings: Vec<Finding>,
    /// Segments that were read.
    pub segments: u64,
    /// Bytes of them.
    pub segment_bytes: u64,
    /// Events that segments hold.
    pub events: u64,
    /// What the log holds.
    pub wal: Option<WalReport>,
}

/// How far a verification is: bytes of segments that were read, and that are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub done_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Reads every file of a directory again and compares manifest and files. Writes nothing.
///
/// The store may be open in this process, and is then `serving`: its log, which grows and is trimmed meanwhile, is
/// left out, and a segment that is merged away meanwhile is no finding.
pub fn verify(
    disk: &Arc<dyn Disk>,
    access: Access,
    serving: bool,
    progress: &mut dyn FnMut(Progress),
) -> Verification {
    let mut done = Verification::default();
    let manifest = match manifest::load(&**disk) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => return Verification { findings: vec![Finding::NoManifest], ..done },
        Err(error) => return Verification { findings: vec![error.into()], ..done },
    };
    verify_segments(&**disk, access, &manifest, &mut done, progress);
    verify_files(&**disk, serving, &mut done);
    match Ledger::verify_evidence(&**disk) {
        Ok(unreadable) => done.findings.extend(unreadable.into_iter().map(Finding::Evidence)),
        Err(error) => done.findings.push(error.into()),
    }
    if serving {
        return done;
    }
    if let Err(error) = Accounts::verify(&**disk) {
        done.findings.push(error.into());
    }
    let mut windows = Windows::new(manifest.window_key);
    match wal::replay(&**disk, manifest.wal_floor, &mut windows, &mut |_| {}) {
        Ok(replayed) => {
            done.findings.extend(replayed.report.rot.iter().cloned().map(Finding::Rot));
            done.wal = Some(replayed.report);
        }
        Err(error) => done.findings.push(error.into()),
    }
    done
}

fn verify_segments(
    disk: &dyn Disk,
    access: Access,
    manifest: &Manifest,
    done: &mut Verification,
    progress: &mut dyn FnMut(Progress),
) {
    let total_bytes = manifest.reachable().map(|entry| entry.length_bytes).sum();
    let mut found: BTreeMap<u64, Vec<Finding>> = BTreeMap::new();
    let mut finished_bytes = 0;
    for entry in manifest.reachable() {
        let mut read_bytes = 0;
        let mut tell = |bytes: u64| {
            read_bytes += bytes;
            progress(Progress { done_bytes: finished_bytes + read_bytes, total_bytes });
        };
        let verified = Segment::open(disk, entry, access)
            .map_err(|error| vec![error])
            .and_then(|segment| segment.verify(&mut tell));
        if let Err(errors) = verified {
            found.insert(entry.number, errors.into_iter().map(Finding::Segment).collect());
        }
        finished_bytes += entry.length_bytes;
        (done.segments, done.segment_bytes) = (done.segments + 1, finished_bytes);
        done.events = done.events.saturating_add(entry.events);
        progress(Progress { done_bytes: finished_bytes, total_bytes });
    }
    if let Ok(Some(now)) = manifest::load(disk) {
        found.retain(|number, _| now.reachable().any(|entry| entry.number == *number));
    }
    done.findings.extend(found.into_values().flatten());
}

/// Files that should not be there.
fn verify_files(disk: &dyn Disk, serving: bool, done: &mut Verification) {
    let quarantined = disk.list(Directory::Quarantine).and_then(|files| {
        done.findings.extend(
            files.into_iter().map(|(file, length_bytes)| Finding::Quarantined { file, length_bytes }),
        );
        // What an open store has begun looks like an orphan.
        if serving { Ok(Vec::new()) } else { disk.list(Directory::Segments) }
    });
    // Read after the list, so that what was made live meanwhile is known.
    let manifest = manifest::load(disk);
    match (quarantined, manifest) {
        (Ok(files), Ok(Some(manifest))) => {
            let listed = |file| manifest.reachable().any(|entry| FileName::Segment(entry.number) == file);
            let orphans = files.into_iter().filter(|(file, _)| !listed(*file));
            done.findings.extend(orphans.map(|(file, length_bytes)| Finding::Orphan { file, length_bytes }));
        }
        (Err(error), _) => done.findings.push(error.into()),
        (_, Err(error)) => done.findings.push(error.into()),
        (_, Ok(None)) => done.findings.push(Finding::NoManifest),
    }
}
