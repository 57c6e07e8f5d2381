//! What a store must say, worked out once for many states.

use std::sync::OnceLock;

use heatgrid_engine::model::{CellSize, Country, Day, DayRange, Kind};
use heatgrid_engine::query::{Align, Step};

use super::script::{Op, batch};
use crate::truth::{Ask, AskPages, AskWindows, Question, Told};
use crate::world::World;

/// Days after which a closed month may be settled, as the stores of this test are told.
pub(crate) const GRACE_DAYS: u32 = 0;

/// A world, and everything a store that looks like it is asked.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) world: World,
    /// Batches that the script has sent, told again or not.
    pub(crate) sent: usize,
    answers: OnceLock<Vec<(usize, Question, Told)>>,
    continued: OnceLock<Vec<Expected>>,
}

impl Expected {
    pub(crate) fn new(world: World, sent: usize) -> Expected {
        Expected { world, sent, answers: OnceLock::new(), continued: OnceLock::new() }
    }

    pub(crate) fn answers(&self) -> &[(usize, Question, Told)] {
        self.answers.get_or_init(|| {
            let sites = (0..self.world.sites.len()).filter(|site| !self.world.is_closed(*site));
            let asked = sites.flat_map(|site| questions().into_iter().map(move |question| (site, question)));
            asked
                .map(|(site, question)| {
                    let told = self.world.answer(site, &question);
                    (site, question, told)
                })
                .collect()
        })
    }

    /// After `op`, which went well.
    pub(super) fn after(&self, op: Op) -> Expected {
        let mut world = self.world.clone();
        let batch = batch(op, self.sent, &world);
        let sent = self.sent + usize::from(batch.is_some());
        match (op, batch) {
            (_, Some(batch)) => drop(world.append(&batch)),
            (Op::Flush, _) => world.flush(),
            (Op::Compact, _) => drop(world.compact(GRACE_DAYS, &[])),
            (Op::Expire, _) => world.now_ms += 40 * 86_400_000,
            (Op::CreateSite, _) => world.add_site(super::script::settings(world.sites.len())),
            _ => {}
        }
        Expected::new(world, sent)
    }

    /// After a batch that was sent and is not stored.
    pub(super) fn without(&self) -> Expected {
        Expected::new(self.world.clone(), self.sent + 1)
    }

    /// What a store may look like when `op` was begun and not acknowledged.
    pub(super) fn amid(&self, op: Op) -> Vec<Expected> {
        let again = || Expected::new(self.world.clone(), self.sent);
        match op {
            // Time has passed, whatever became of the rest.
            Op::Expire => vec![self.after(op)],
            // Month by month.
            Op::Compact => {
                let worlds = self.world.partly_compacted(GRACE_DAYS, &[]);
                worlds.into_iter().map(|world| Expected::new(world, self.sent)).collect()
            }
            // A batch that is not stored can be sent again: it is the same one.
            _ => vec![again(), self.after(op)],
        }
    }

    /// After each operation of `CONTINUATION`.
    pub(super) fn continued(&self) -> &[Expected] {
        self.continued.get_or_init(|| {
            let mut course: Vec<Expected> = Vec::new();
            for op in CONTINUATION {
                course.push(course.last().unwrap_or(self).after(op));
            }
            course
        })
    }
}

/// What is done to a store that came back from a crash: it recognises what it was told, takes more, and tidies up.
pub(super) const CONTINUATION: [Op; 5] =
    [Op::AppendRepeated, Op::AppendKeyed, Op::Append, Op::Flush, Op::Compact];

/// Everything that a site is asked: each reads another part of what is stored.
fn questions() -> Vec<Question> {
    let day = |text: &str| text.parse::<Day>().expect("a day");
    let all = Ask {
        pages: AskPages::All,
        kinds: Kind::ALL.to_vec(),
        windows: AskWindows::All,
        fixed: None,
        countries: None,
        days: DayRange { from: day("2020-01-01"), to: day("2030-01-01") },
    };
    let countries = ["DE", "ZZ"].map(|text| text.parse::<Country>().expect("a country"));
    let grid = Ask { pages: AskPages::Pattern("*".into()), ..all.clone() };
    let page = Ask {
        pages: AskPages::One("shop.example/p/1".into()),
        countries: Some(countries.to_vec()),
        ..all.clone()
    };
    let hours = Ask {
        kinds: vec![Kind::Click, Kind::Move],
        days: DayRange { from: day("2026-02-01"), to: day("2030-01-01") },
        ..all.clone()
    };
    vec![
        Question::Grid(grid, CellSize::STORED, Align::None),
        Question::Grid(page, CellSize::STORED, Align::None),
        Question::Summary(all.clone()),
        Question::Series(hours, Step::Hour),
        Question::TopPages(all, 100),
    ]
}
