//! Retention: what is older than a site keeps leaves the disk, whole months first, then the edge.

pub mod guard;
pub mod plan;
