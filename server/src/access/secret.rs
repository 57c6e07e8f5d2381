//! The secret of a token: made here, shown once, known afterwards by its hash only.

use std::fmt::Write;

use heatgrid_engine::model::Role;
use subtle::ConstantTimeEq;

/// Fewest bytes of an operator token that somebody chose: shorter ones can be guessed.
const CHOSEN_BYTES: usize = 16;

/// BLAKE3 of a secret. It is random and long, so that no salt is needed.
pub(super) fn hash(secret: &[u8]) -> [u8; 32] {
    blake3::hash(secret).into()
}

/// A secret that was just made.
pub struct NewSecret(String);

impl NewSecret {
    /// `<role>_` and 256 random bits in hexadecimal digits.
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn of(role: Role) -> Result<NewSecret, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let mut text = format!("{}_", role.name());
        random.iter().for_each(|byte| write!(text, "{byte:02x}").expect("writing to a string cannot fail"));
        Ok(NewSecret(text))
    }

    /// The secret, to be shown once.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash(self.0.as_bytes())
    }
}

/// An operator token that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an operator token has at least {CHOSEN_BYTES} visible ASCII characters and no spaces")]
pub struct BadOperatorToken;

/// The operator token of the directory or the environment, by its hash.
pub struct OperatorToken([u8; 32]);

impl OperatorToken {
    /// Of a text.
    ///
    /// # Errors
    /// When it is too short, or could not stand in a header.
    pub fn of(text: &str) -> Result<OperatorToken, BadOperatorToken> {
        let fits = text.len() >= CHOSEN_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(OperatorToken(hash(text.as_bytes()))) } else { Err(BadOperatorToken) }
    }

    /// Whether `secret` is it, in a time that tells nothing.
    pub(super) fn is(&self, secret: &[u8]) -> bool {
        self.0.ct_eq(&hash(secret)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_begins_with_its_role_and_is_known_by_its_hash() {
        let secret = NewSecret::of(Role::Writer).unwrap();
        assert!(secret.text().starts_with("writer_") && secret.text().len() == 7 + 64);
        assert_ne!(secret.text(), NewSecret::of(Role::Writer).unwrap().text());
        assert_eq!(secret.hash(), hash(secret.text().as_bytes()));
    }

    #[test]
    fn an_operator_token_is_compared_by_its_hash_and_is_not_short() {
        let token = OperatorToken::of("0123456789abcdef").unwrap();
        assert!(token.is(b"0123456789abcdef") && !token.is(b"0123456789abcdeF") && !token.is(b""));
        for bad in ["", "short", "0123456789 abcdef", "0123456789abcde\u{e9}"] {
            assert_eq!(OperatorToken::of(bad).err(), Some(BadOperatorToken), "{bad}");
        }
    }
}
