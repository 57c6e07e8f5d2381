//! Retention: what is older than a site keeps leaves the disk, whole months first, then the edge.

pub mod ages;
pub mod plan;
