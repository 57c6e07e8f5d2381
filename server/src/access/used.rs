//! On which day each token was last used: noted at once, written in batches.

use std::collections::HashMap;

use heatgrid_engine::accounts::{Accounts, AccountsError};
use heatgrid_engine::model::{Day, Token, TokenId};
use parking_lot::Mutex;

/// What is not written yet. There are no more entries than tokens.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<HashMap<TokenId, Day>>);

impl Used {
    /// Notes that a token is used at the Unix second `now`.
    pub(super) fn note(&self, token: &Token, now: u64) {
        let today = Day::from_number(u16::try_from(now / 86_400).unwrap_or(u16::MAX));
        if token.last_used < Some(today) {
            self.0.lock().insert(token.id, today);
        }
    }

    /// The day of a token that is not written yet.
    pub(super) fn noted(&self, token: TokenId) -> Option<Day> {
        self.0.lock().get(&token).copied()
    }

    /// Writes what was noted.
    pub(super) fn write(&self, accounts: &Accounts) -> Result<(), AccountsError> {
        let noted: Vec<(TokenId, Day)> = self.0.lock().iter().map(|(id, day)| (*id, *day)).collect();
        accounts.use_tokens(&noted)?;
        // What was noted meanwhile stays.
        let mut waiting = self.0.lock();
        for (id, day) in noted {
            if waiting.get(&id) == Some(&day) {
                waiting.remove(&id);
            }
        }
        Ok(())
    }
}
