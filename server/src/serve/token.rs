//! The operator's token: made at the first start, in a file for its owner only.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use heatgrid_engine::model::Role;

use crate::access::{BadOperatorToken, NewSecret, OperatorToken};

/// File in the store's directory.
const FILE: &str = "operator.token";

/// An operator token that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The variable's value cannot be used.
    #[error("HEATGRID_OPERATOR_TOKEN cannot be used: {0}")]
    Variable(BadOperatorToken),
    /// The file's content cannot be used.
    #[error("{path} cannot be used: {source}; remove it, and the next start makes another", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: BadOperatorToken,
    },
    /// The file cannot be read or made.
    #[error("cannot read or make {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system has no random bytes to give.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// The token that was `given`, else that of the directory, which is made if need be.
pub(super) fn operator_token(directory: &Path, given: Option<&str>) -> Result<OperatorToken, TokenError> {
    if let Some(text) = given {
        return OperatorToken::of(text).map_err(TokenError::Variable);
    }
    let path = directory.join(FILE);
    let failed = |source| TokenError::File { path: path.clone(), source };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let secret = NewSecret::of(Role::Operator)?;
            write(directory, &path, secret.text()).map_err(failed)?;
            tell(&path, secret.text());
            secret.text().to_owned()
        }
        Err(error) => return Err(failed(error)),
    };
    OperatorToken::of(&text).map_err(|source| TokenError::Content { path: path.clone(), source })
}

/// Whole or not at all: a crash must not leave half a token that the next start believes.
fn write(directory: &Path, path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(directory)?.sync_all()
}

/// The token itself only where a person reads it: logs are kept and shipped.
fn tell(path: &Path, text: &str) {
    eprintln!("heatgrid-server: the operator's token is in {}", path.display());
    if io::IsTerminal::is_terminal(&io::stderr()) {
        eprintln!("heatgrid-server: it is {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_start_makes_a_token_for_its_owner_only_and_the_next_ones_keep_it() {
        let directory = tempfile::tempdir().unwrap();
        operator_token(directory.path(), None).unwrap();
        let path = directory.path().join(FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("operator_") && text.ends_with('\n'));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        operator_token(directory.path(), None).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_token_that_is_given_overrides_the_file_and_makes_none() {
        let directory = tempfile::tempdir().unwrap();
        operator_token(directory.path(), Some("chosen-by-somebody")).unwrap();
        assert!(!directory.path().join(FILE).exists());
        assert!(matches!(operator_token(directory.path(), Some("short")), Err(TokenError::Variable(_))));
        std::fs::write(directory.path().join(FILE), "short\n").unwrap();
        assert!(matches!(operator_token(directory.path(), None), Err(TokenError::Content { .. })));
    }
}
