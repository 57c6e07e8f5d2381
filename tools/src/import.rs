//! Reads a file of events into batches: each is stored whole or not at all, and a file that stops can go on.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use heatgrid_engine::model::Batch;
use heatgrid_server::intake::{Intake, Lines};
use heatgrid_server::wire::event::LineError;

use crate::failure::Failure;

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
    /// Events that are counted.
    pub(crate) accepted: u64,
    /// Events that are not, by reason.
    pub(crate) dropped: BTreeMap<String, u64>,
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

/// Where batches of lines go: each is stored whole or not at all.
pub(crate) trait Sink {
    /// Why a batch cannot be stored.
    type Error;

    /// Lines in the batch so far.
    fn lines(&self) -> usize;

    /// Whether the batch has no room for a line of `next_bytes`.
    fn is_full(&self, next_bytes: usize) -> bool;

    /// Takes a line, the `number`th of the file from 1, into the batch.
    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), LineError>;

    /// Stores the batch, says in `stored` what became of it, and begins another.
    fn store(&mut self, stored: &mut Stored) -> Result<(), Self::Error>;
}

/// Reads `content` to its end, and stores what is in it.
pub(crate) fn import<S: Sink>(
    content: &mut dyn Read,
    sink: &mut S,
    cut: Cut,
) -> Result<Stored, Box<Stopped<S::Error>>> {
    let mut stored = Stored { lines: cut.skip_lines, ..Stored::default() };
    match read(content, sink, cut, &mut stored) {
        Ok(()) => Ok(stored),
        Err(cause) => Err(Box::new(Stopped { stored, cause })),
    }
}

fn read<S: Sink>(
    content: &mut dyn Read,
    sink: &mut S,
    cut: Cut,
    stored: &mut Stored,
) -> Result<(), Cause<S::Error>> {
    let mut lines = Lines::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut take = |number: u64, line: &[u8]| {
        if number <= cut.skip_lines {
            return Ok(());
        }
        if sink.lines() >= cut.batch_lines || sink.is_full(line.len()) {
            flush(sink, stored, number - 1)?;
        }
        sink.line(number, line).map_err(|error| Cause::Line(number, error))
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
    flush(sink, stored, lines.number().max(cut.skip_lines))
}

/// Gives an error of the cutting itself, which comes without one, its line.
fn fed<E>(result: Result<(), Cause<E>>, lines: &Lines) -> Result<(), Cause<E>> {
    result.map_err(|cause| match cause {
        Cause::Line(0, error) => Cause::Line(lines.number(), error),
        other => other,
    })
}

fn flush<S: Sink>(sink: &mut S, stored: &mut Stored, lines: u64) -> Result<(), Cause<S::Error>> {
    if sink.lines() > 0 {
        sink.store(stored).map_err(Cause::Store)?;
    }
    stored.lines = lines;
    Ok(())
}

/// A sink that makes batches here and hands them to `store`.
pub(crate) struct Filling<'a, F> {
    /// Makes the batches.
    pub(crate) intake: Intake<'a>,
    /// Stores one.
    pub(crate) store: F,
}

impl<E, F: FnMut(Batch) -> Result<(), E>> Sink for Filling<'_, F> {
    type Error = E;

    fn lines(&self) -> usize {
        self.intake.lines()
    }

    fn is_full(&self, next_bytes: usize) -> bool {
        self.intake.is_full(next_bytes)
    }

    fn line(&mut self, _: u64, line: &[u8]) -> Result<(), LineError> {
        self.intake.line(line)
    }

    fn store(&mut self, stored: &mut Stored) -> Result<(), E> {
        let batch = self.intake.take();
        if batch.events > 0 {
            (self.store)(batch)?;
            stored.batches += 1;
        }
        // The tally goes over all batches.
        let tally = self.intake.tally();
        stored.accepted = tally.accepted();
        stored.dropped = tally.dropped().map(|(reason, events)| (reason.name().to_owned(), events)).collect();
        Ok(())
    }
}

impl<E: Into<Failure>> Stopped<E> {
    /// The same, whatever the batches went to.
    pub(crate) fn failed(self) -> Stopped<Failure> {
        let cause = match self.cause {
            Cause::Line(number, error) => Cause::Line(number, error),
            Cause::Read(error) => Cause::Read(error),
            Cause::Store(error) => Cause::Store(error.into()),
        };
        Stopped { stored: self.stored, cause }
    }
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
                self.stored.accepted
            ),
        }
    }
}

#[cfg(test)]
mod tests;
