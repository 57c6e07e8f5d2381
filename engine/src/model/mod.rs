//! The words of the product: what is counted, where, when, and for whom. No bytes, no files, no clock.

pub mod limits;

mod batch;
mod cell;
mod country;
mod day;
mod layer;
mod mask;
mod row;
mod scope;
mod site;
mod zone;

pub use batch::{Batch, BatchBuilder, BatchId, Event, IdempotencyKey, InvalidEvent, PageOfBatch, PageRows};
pub use cell::{CELL_PX, Cell, CellSize};
pub use country::{Country, CountrySet};
pub use day::{Day, DayRange, HourOfSite, Month};
pub use layer::{Device, Kind, KindSet, Layer, Viewport, ViewportRange};
pub use mask::{MaskRule, PageSelection, SiteMask};
pub use row::{HourRow, Row, RowKey};
pub use scope::SiteScope;
pub use site::{
    InvalidName, PageLimits, PathRules, QueryParams, Region, Seq, Site, SiteId, SiteName, SiteSettings,
};
pub use zone::{UnknownZone, Zone};
