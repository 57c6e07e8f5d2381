//! How far down pages were seen.

use heatgrid_engine::model::CELL_PX;
use heatgrid_engine::query::{Attention, ScrollReach};
use serde::Serialize;
use utoipa::ToSchema;

use super::Head;
use super::text::{Csv, json_line, ndjson};
use crate::wire::format::{Format, NoSuchForm};

/// Reach by depth, and how long each depth was looked at.
#[derive(Clone, Debug)]
pub struct ScrollAnswer<'a> {
    /// What was asked.
    pub head: Head<'a>,
    /// The answer.
    pub reach: &'a ScrollReach,
    /// Seconds by depth.
    pub attention: &'a Attention,
}

/// A row in which some views ended: `reached` views came down to `y_px` at least, and none ended between this row
/// and the one listed before.
#[derive(Serialize, ToSchema)]
struct Reach {
    y_px: u32,
    reached: u64,
    share: f64,
}

/// A row in which some views ended, or from which rows were on the screen for another time.
#[derive(Serialize)]
struct Step {
    y_px: u32,
    reached: u64,
    share: f64,
    seconds: u64,
}

/// From `y_px` to the next one listed, each row was on the screen for so many seconds.
#[derive(Serialize, ToSchema)]
struct Seconds {
    y_px: u32,
    seconds: u64,
}

/// Reach and attention as JSON.
#[derive(Serialize, ToSchema)]
#[schema(as = Scroll)]
pub struct ScrollBody<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    views: u64,
    scrolls: u64,
    reach: Vec<Reach>,
    attention: Vec<Seconds>,
}

impl ScrollAnswer<'_> {
    /// The answer as bytes; as CSV and NDJSON with a row wherever reach or attention changes.
    ///
    /// # Errors
    /// When it has no such form.
    pub fn write(&self, format: Format) -> Result<Vec<u8>, NoSuchForm> {
        match format {
            Format::Json => Ok(json_line(&ScrollBody {
                head: &self.head,
                views: self.reach.views,
                scrolls: self.reach.scrolls(),
                reach: self.reach(),
                attention: self.seconds(),
            })),
            Format::Ndjson => Ok(ndjson(self.steps())),
            Format::Csv => {
                let mut csv = Csv::with_header("y_px,reached,share,seconds");
                for step in self.steps() {
                    csv.number(step.y_px).number(step.reached).number(step.share).number(step.seconds).end();
                }
                Ok(csv.into_bytes())
            }
            Format::Png | Format::Points | Format::Bin => Err(NoSuchForm(format)),
        }
    }

    fn reach(&self) -> Vec<Reach> {
        let scrolls = self.reach.scrolls() as f64;
        let reached = self.reach.reached();
        let ended = self.reach.deepest.iter().enumerate().filter(|(_, deepest)| **deepest > 0);
        let reach =
            |(row, _)| Reach { y_px: y_px(row), reached: reached[row], share: reached[row] as f64 / scrolls };
        ended.map(reach).collect()
    }

    /// Both lists as one.
    fn steps(&self) -> Vec<Step> {
        let (reach, seconds) = (self.reach(), self.seconds());
        let mut depths: Vec<u32> =
            reach.iter().map(|step| step.y_px).chain(seconds.iter().map(|step| step.y_px)).collect();
        depths.sort_unstable();
        depths.dedup();
        let (mut reach, mut seconds) = (reach.iter().peekable(), seconds.iter().peekable());
        let mut on_screen = 0;
        let step = |y_px| {
            // How many came down to here is what the next row says in which a view ended.
            while reach.next_if(|step| step.y_px < y_px).is_some() {}
            while let Some(step) = seconds.next_if(|step| step.y_px <= y_px) {
                on_screen = step.seconds;
            }
            let (reached, share) = reach.peek().map_or((0, 0.0), |step| (step.reached, step.share));
            Step { y_px, reached, share, seconds: on_screen }
        };
        depths.into_iter().map(step).collect()
    }

    fn seconds(&self) -> Vec<Seconds> {
        let all = &self.attention.seconds;
        let mut steps: Vec<Seconds> = Vec::new();
        let end = (!all.is_empty()).then_some(0);
        for (row, seconds) in all.iter().copied().chain(end).enumerate() {
            if steps.last().is_none_or(|last| last.seconds != seconds) {
                steps.push(Seconds { y_px: y_px(row), seconds });
            }
        }
        steps
    }
}

/// There are 32,768 rows at most.
fn y_px(row: usize) -> u32 {
    row as u32 * CELL_PX
}
