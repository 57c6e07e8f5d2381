//! What is kept of a visit, and what is not: the privacy policy as code.

pub mod consent;
pub mod country;
pub mod origin;
mod pattern;
mod personal;
pub mod url;
pub mod visitor;

pub use pattern::{is_exclusion, pattern_text};
