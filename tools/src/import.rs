//! Reads a file of events into batches: each is stored whole or not at all, and a file that stops can go on.

use std::fmt;
use std::io::{self, Read};

use heatgrid_engine::model::Batch;
use heatgrid_server::intake::{Intake, Lines, Tally};
use heatgrid_server::wire::event::LineError;

/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;

/// How a file is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Most lines of one batch.
    pub(crate) batch_lines: usize,
    /// Lines at the beginning that are passed over: an import before stored them.
    pub(crate) skip_lines: u64,
}

/// What of a file is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Lines from the beginning, those passed over too.
    pub(crate) lines: u64,
    /// Batches.
    pub(crate) batches: u64,
    /// What became of the events in them.
    pub(crate) tally: Tally,
}

/// An import that stopped.
#[derive(Debug)]
pub(crate) struct Stopped<E> {
    /// What had been stored, and stays.
    pub(crate) stored: Stored,
    /// Why it stopped.
    pub(crate) cause: Cause<E>,
}

/// Why an import stopped.
#[derive(Debug)]
pub(crate) enum Cause<E> {
    /// A line is no event.
    Line(u64, LineError),
    /// The file cannot be read.
    Read(io::Error),
    /// A batch cannot be stored.
    Store(E),
}

/// Reads `content` to its end, and stores what `intake` makes of it.
pub(crate) fn import<E>(
    content: &mut dyn Read,
    intake: &mut Intake<'_>,
    cut: Cut,
    store: &mut impl FnMut(Batch) -> Result<(), E>,
) -> Result<Stored, Box<Stopped<E>>> {
    let mut stored = Stored { lines: cut.skip_lines, ..Stored::default() };
    match read(content, intake, cut, store, &mut stored) {
        Ok(()) => Ok(stored),
        Err(cause) => Err(Box::new(Stopped { stored, cause })),
    }
}

fn read<E>(
    content: &mut dyn Read,
    intake: &mut Intake<'_>,
    cut: Cut,
    store: &mut impl FnMut(Batch) -> Result<(), E>,
    stored: &mut Stored,
) -> Result<(), Cause<E>> {
    let mut lines = Lines::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut take = |number: u64, line: &[u8]| {
        if number <= cut.skip_lines {
            return Ok(());
        }
        if intake.lines() >= cut.batch_lines || intake.is_full(line.len()) {
            flush(intake, store, stored, number - 1)?;
        }
        intake.line(line).map_err(|error| Cause::Line(number, error))
    };
    loop {
        match content.read(&mut piece) {
            Ok(0) => break,
            Ok(bytes) => fed(lines.feed(&piece[..bytes], &mut take), &lines)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Cause::Read(error)),
        }
    }
    fed(lines.finish(&mut take), &lines)?;
    flush(intake, store, stored, lines.number().max(cut.skip_lines))
}

/// Gives an error of the cutting itself, which comes without one, its line.
fn fed<E>(result: Result<(), Cause<E>>, lines: &Lines) -> Result<(), Cause<E>> {
    result.map_err(|cause| match cause {
        Cause::Line(0, error) => Cause::Line(lines.number(), error),
        other => other,
    })
}

fn flush<E>(
    intake: &mut Intake<'_>,
    store: &mut impl FnMut(Batch) -> Result<(), E>,
    stored: &mut Stored,
    lines: u64,
) -> Result<(), Cause<E>> {
    let batch = intake.take();
    if batch.events > 0 {
        store(batch).map_err(Cause::Store)?;
        stored.batches += 1;
    }
    stored.lines = lines;
    stored.tally = intake.tally().clone();
    Ok(())
}

impl<E> From<LineError> for Cause<E> {
    fn from(error: LineError) -> Cause<E> {
        Cause::Line(0, error)
    }
}

impl<E: fmt::Display> fmt::Display for Stopped<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Line(number, error) => write!(f, "line {number}: {error}")?,
            Cause::Read(error) => write!(f, "cannot be read on: {error}")?,
            Cause::Store(error) => write!(f, "cannot be stored: {error}")?,
        }
        match self.stored.lines {
            0 => f.write_str("\nnothing of the file is stored"),
            lines => write!(
                f,
                "\nlines 1 to {lines} are stored ({} events accepted); go on with --skip-lines {lines}",
                self.stored.tally.accepted()
            ),
        }
    }
}

#[cfg(test)]
mod tests;
