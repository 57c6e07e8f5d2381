//! Property tests against the plain map: whatever a store goes through, every answer is the map's.

mod held;
mod script;

use proptest::prelude::*;

use held::Held;
use script::{Step, plan};

/// Scripts of a run.
fn cases() -> u32 {
    if crate::explore::long() { 5_000 } else { 600 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_that_of_a_plain_map(plan in plan()) {
        let mut held = Held::new(&plan.sites);
        for step in &plan.steps {
            match step {
                Step::Append { site, batch } => held.append(*site, batch),
                Step::Flush => held.flush(),
                Step::Compact => held.compact(),
                Step::Expire => held.expire(),
                Step::Reopen => held.reopen(),
                Step::Wait { minutes } => held.wait(*minutes),
                Step::Ask { site, question } => held.check(*site, question),
            }
        }
        held.check_totals();
        held.reopen();
        held.check_totals();
    }
}
