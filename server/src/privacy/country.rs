//! From an address to a country; then the address is gone.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use axum::http::HeaderMap;
use heatgrid_engine::model::Country;
use parking_lot::RwLock;

use super::visitor::Visitor;

/// Where countries come from: a trusted proxy's header, else the operator's own database, else nowhere.
#[derive(Debug)]
pub struct Countries {
    header: Option<String>,
    database: Option<Database>,
}

#[derive(Debug)]
struct Database {
    path: PathBuf,
    current: RwLock<(maxminddb::Reader<Vec<u8>>, Option<SystemTime>)>,
}

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the country database {path}: {source}", path = path.display())]
pub struct DatabaseError {
    path: PathBuf,
    source: maxminddb::MaxMindDbError,
}

impl Countries {
    /// With the settings `country_header` and `country_database`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn new(header: Option<String>, database: Option<PathBuf>) -> Result<Countries, DatabaseError> {
        let database = match database {
            None => None,
            Some(path) => Some(Database { current: RwLock::new(read(&path)?), path }),
        };
        Ok(Countries { header, database })
    }

    /// Reads the database again if its file changed; the old one stays when the new one cannot be read.
    ///
    /// # Errors
    /// When the new file cannot be read.
    pub fn refresh(&self) -> Result<bool, DatabaseError> {
        let Some(database) = &self.database else { return Ok(false) };
        if database.current.read().1 == modified(&database.path) {
            return Ok(false);
        }
        let new = read(&database.path)?;
        *database.current.write() = new;
        Ok(true)
    }

    /// The visitor's country; `ZZ` when nobody knows.
    #[must_use]
    pub fn of(&self, visitor: &Visitor, headers: &HeaderMap) -> Country {
        let told = self.header.as_deref().filter(|_| visitor.through_proxy()).and_then(|name| {
            // Proxies use XX (unknown) and T1 (Tor), which are not countries.
            headers
                .get(name)?
                .to_str()
                .ok()?
                .trim()
                .parse()
                .ok()
                .filter(|country: &Country| country.to_string() != "XX")
        });
        told.or_else(|| self.look_up(visitor)).unwrap_or(Country::ZZ)
    }

    fn look_up(&self, visitor: &Visitor) -> Option<Country> {
        let current = self.database.as_ref()?.current.read();
        let found = current.0.lookup(visitor.address()).ok()?;
        let code: &str = found.decode_path(&maxminddb::path!["country", "iso_code"]).ok()??;
        code.parse().ok()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

fn read(path: &Path) -> Result<(maxminddb::Reader<Vec<u8>>, Option<SystemTime>), DatabaseError> {
    let stamp = modified(path);
    let reader = maxminddb::Reader::open_readfile(path)
        .map_err(|source| DatabaseError { path: path.into(), source })?;
    Ok((reader, stamp))
}
