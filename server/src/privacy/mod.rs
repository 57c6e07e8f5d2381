//! What is kept of a visit, and what is not: the privacy policy as code.

pub mod consent;
pub mod country;
pub mod visitor;
