//! What every disk must do, and what only the real one does.

mod conformance;
mod real;
