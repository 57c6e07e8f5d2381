//! The words of the product: what is counted, where, when, and for whom. No bytes, no files, no clock.

pub mod limits;

mod batch;
mod cell;
mod copy;
mod country;
mod day;
mod erasure;
mod grid;
mod layer;
mod mask;
mod rare;
mod row;
mod scope;
mod selection;
mod site;
mod text_hash;
mod token;
mod work;
mod zone;

pub use batch::{Batch, BatchBuilder, BatchId, Event, IdempotencyKey, InvalidEvent, PageOfBatch, PageRows};
pub use cell::{CELL_PX, Cell, CellSize};
pub use copy::CopyName;
pub use country::{Country, CountrySet};
pub use day::{Day, DayRange, HourOfSite, Month};
pub use erasure::{
    DEADLINE_DAYS, Erasure, ErasureId, ErasureRequest, ErasureState, GRACE_HOURS, InvalidErasureId,
    LAST_DAYS, Loss, Matched, NamedKind, NamedPages, PURGE_DAYS, Reason,
};
pub use grid::{Grid, GridCell};
pub use layer::{Device, Kind, KindSet, Layer, Viewport, ViewportRange};
pub use mask::{Cover, MaskRule, MaskRules, PageMask, PageSelection, RuleIndex, SiteMask, Tombstone};
pub use rare::CountryTotals;
pub use row::{HourRow, Row, RowKey};
pub use scope::SiteScope;
pub use selection::{Fixed, LayerSelection, ViewportSet};
pub use site::{
    AsDrawn, InvalidName, PageLimits, PathRules, QueryParams, Region, Seq, Site, SiteId, SiteMap, SiteName,
    SiteSettings,
};
pub use text_hash::{TextHash, TextHasher};
pub use token::{Role, Token, TokenId};
pub use work::Work;
pub use zone::{UnknownZone, Zone};
