//! What is wrong with a question, and what to write instead.

use heatgrid_engine::query::InvalidQuestion;

use crate::privacy::url::InvalidUrl;

/// Why a question cannot be asked. Values are not repeated: they may be URLs, and errors reach logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuestion {
    /// There is no such number, on purpose.
    #[error(
        "there are no visitors, users or sessions to count: heatgrid keeps counters of events and nothing that \
         tells one visitor from another; ask for kind=view"
    )]
    Visitors,
    /// A body that is no JSON object of parameters.
    #[error("the body is not a JSON object of parameters (line {line}, column {column})")]
    Syntax {
        /// Line of the body, from 1.
        line: usize,
        /// Column of the line, from 1.
        column: usize,
    },
    /// No question has this parameter.
    #[error("a parameter is unknown; there are {}", known.join(", "))]
    Unknown {
        /// Those that are known.
        known: &'static [&'static str],
    },
    /// A parameter is there twice.
    #[error("{name} is there twice")]
    Twice {
        /// Its name.
        name: &'static str,
    },
    /// A parameter of other questions.
    #[error("{name} has no meaning here")]
    NotHere {
        /// Its name.
        name: &'static str,
    },
    /// A parameter is missing.
    #[error("{name} is missing: {expected}")]
    Missing {
        /// Its name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A value that is not what it has to be.
    #[error("{name} is {expected}")]
    Value {
        /// The parameter's name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// Two parameters of which one says what the other does.
    #[error("either {one} or {other}, not both")]
    Both {
        /// One of them.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// `page` is not the URL of a page.
    #[error("page: {0}")]
    Page(#[from] InvalidUrl),
    /// The engine would not answer it.
    #[error(transparent)]
    Question(#[from] InvalidQuestion),
}
