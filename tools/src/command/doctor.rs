//! `heatgrid doctor`: what an operator should see to.

use clap::Args;
use serde_json::{Value, json};

use crate::failure::{DONE, FOUND, Failure};
use crate::output;
use crate::place::Where;

/// Looks at a store, open or not, and says what an operator should see to; status 3 if there is anything.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Looks, and prints what it found.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let status = self.place.existing()?.status()?;
        let problems = problems(&status);
        output::print(&match (self.json, problems.is_empty()) {
            (true, _) => output::json(&json!({"problems": problems})),
            (false, true) => b"nothing to see to\n".to_vec(),
            (false, false) => {
                problems.iter().map(|problem| format!("{problem}\n")).collect::<String>().into_bytes()
            }
        })?;
        Ok(if problems.is_empty() { DONE } else { FOUND })
    }
}

/// What a status says is wrong.
fn problems(status: &Value) -> Vec<String> {
    let texts = |of: &Value| of.as_array().into_iter().flatten().map(output::plain).collect::<Vec<_>>();
    let mut problems = texts(&status["warnings"]);
    problems.extend(status["stopped"].as_str().map(str::to_owned));
    problems.extend(texts(&status["opening"]["log_damage"]));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_status_warns_of_is_told() {
        assert!(problems(&json!({"warnings": [], "opening": {"log_damage": []}})).is_empty());
        let status = json!({"warnings": ["a"], "stopped": "b", "opening": {"log_damage": ["c"]}});
        assert_eq!(problems(&status), ["a", "b", "c"]);
    }
}
