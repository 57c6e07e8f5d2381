//! What the settings mean.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use heatgrid_engine::backup::{KeepOptions, expiry};
use heatgrid_engine::disk::Access;
use heatgrid_engine::model::Region;
use heatgrid_engine::model::limits::COPY_DAYS;
use heatgrid_engine::snapshot::SnapshotOptions;
use ipnet::IpNet;

use super::raw::Raw;
use super::{ConfigError, Origin};
use crate::backup::{Address, S3Options};

/// A configuration that can be used as it is.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the store.
    pub data: PathBuf,
    /// Whether somebody chose the directory.
    pub data_given: bool,
    /// Region of the store.
    pub region: Region,
    /// Address of trackers (and of the rest, if `admin_listen` is unset).
    pub listen: SocketAddr,
    /// Address of query and operator routes.
    pub admin_listen: Option<SocketAddr>,
    /// Networks that may query; empty is any.
    pub query_allow: Vec<IpNet>,
    /// Networks that may operate; empty is any.
    pub operator_allow: Vec<IpNet>,
    /// Certificate and key.
    pub tls: Option<Tls>,
    /// Proxies whose headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Header with the country, lower case.
    pub country_header: Option<String>,
    /// MaxMind DB with countries.
    pub country_database: Option<PathBuf>,
    /// Parts of a bot's user agent, lower case.
    pub bots: Vec<String>,
    /// Open connections at most.
    pub max_connections: usize,
    /// Requests worked on at a time at most.
    pub max_requests: usize,
    /// Time for headers to arrive.
    pub header_time: Duration,
    /// Bytes of headers at most.
    pub header_bytes: usize,
    /// Time between two pieces of a body.
    pub body_time: Duration,
    /// Time between two requests.
    pub idle_time: Duration,
    /// Time to finish after SIGTERM.
    pub drain_time: Duration,
    /// Tracker requests a second from one address.
    pub collect_per_address: u32,
    /// Tracker requests a second for one site.
    pub collect_per_site: u32,
    /// Wrong tokens a second from one address.
    pub tokens_per_address: u32,
    /// Bulk requests taken at a time.
    pub bulk_requests: usize,
    /// Rows that one question may read.
    pub query_rows: u64,
    /// Memory of the memtable.
    pub memtable_bytes: u64,
    /// Size of a log file.
    pub wal_file_bytes: u64,
    /// Age at which the memtable is flushed.
    pub flush_after: Duration,
    /// How segments are read.
    pub access: Access,
    /// Budget of background work.
    pub background_bytes_per_second: u64,
    /// Disk kept free for purging.
    pub disk_reserve_bytes: u64,
    /// When snapshots come and go.
    pub snapshots: SnapshotOptions,
    /// Where backups go, and when.
    pub backups: BackupConfig,
    /// Shape of log lines.
    pub log_format: LogFormat,
    /// Least level that is logged.
    pub log_level: tracing::Level,
}

/// Where backups go, and when.
#[derive(Clone, Debug)]
pub struct BackupConfig {
    /// Where.
    pub targets: Vec<Address>,
    /// Between two that are made by themselves, if any are.
    pub every: Option<Duration>,
    /// How many are kept, and for how long.
    pub keep: KeepOptions,
    /// How buckets are reached.
    pub s3: S3Options,
}

impl BackupConfig {
    fn check(raw: &Raw) -> Result<BackupConfig, ConfigError> {
        let every = raw.within("backup_every_hours", "0 to 744 hours", 0, 744)?;
        let most_days = raw.within("backup_days", "1 to 83 days", 1, u64::from(COPY_DAYS))? as u32;
        let targets: Vec<Address> =
            raw.list("backup_targets", "a list of directories or s3://bucket/prefix")?;
        for target in &targets {
            if let Some(days) = target.expires_days() {
                expiry::check(days, Some(most_days))
                    .map_err(|source| ConfigError::TooLongKept { target: target.to_string(), source })?;
            }
        }
        Ok(BackupConfig {
            targets,
            every: (every > 0).then(|| Duration::from_secs(3_600 * every)),
            keep: KeepOptions {
                most_days,
                keep: raw.within("backup_keep", "1 to 10,000", 1, 10_000)? as usize,
            },
            s3: S3Options {
                endpoint: raw.optional("s3_endpoint", "an address such as https://s3.example")?,
                region: raw.one("s3_region", "a region's name")?,
                credentials: raw.optional("s3_credentials", "a path")?,
                ca_file: raw.optional("s3_ca_file", "a path")?,
                plain_http: raw.one("s3_plain_http", "true or false")?,
                encryption: raw.one("s3_encryption", "AES256, aws:kms, aws:kms=KEY or none")?,
            },
        })
    }
}

/// Files of the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM, leaf first.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// Shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

impl Config {
    /// Checks every value, then what they say together.
    pub(super) fn check(raw: &Raw) -> Result<Config, ConfigError> {
        let config = Config {
            data: raw.one("data", "a path")?,
            data_given: *raw.get("data").1 != Origin::Default,
            region: raw.with("region", "1 to 8 letters a-z, such as eu", |text| Region::new(text).ok())?,
            listen: raw.one("listen", "an address with a port, such as 127.0.0.1:8080")?,
            admin_listen: raw.optional("admin_listen", "an address with a port, such as 127.0.0.1:8081")?,
            query_allow: raw.list("query_allow", NETWORKS)?,
            operator_allow: raw.list("operator_allow", NETWORKS)?,
            tls: match (raw.optional("tls_cert", "a path")?, raw.optional("tls_key", "a path")?) {
                (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
                (None, None) => None,
                _ => {
                    return Err(ConfigError::Contradiction(
                        "tls_cert and tls_key belong together: give both or neither",
                    ));
                }
            },
            trusted_proxies: raw.list("trusted_proxies", NETWORKS)?,
            country_header: raw
                .optional::<String>("country_header", "a header's name")?
                .map(|name| name.to_ascii_lowercase()),
            country_database: raw.optional("country_database", "a path")?,
            bots: raw
                .list::<String>("bots", "a list of words")?
                .iter()
                .map(|word| word.to_ascii_lowercase())
                .collect(),
            max_connections: raw.within("max_connections", "1 to 1,000,000", 1, 1_000_000)? as usize,
            max_requests: raw.within("max_requests", "1 to 100,000", 1, 100_000)? as usize,
            header_time: raw.seconds("header_seconds")?,
            header_bytes: raw.within("header_bytes", "8,192 to 1,048,576", 8_192, 1 << 20)? as usize,
            body_time: raw.seconds("body_seconds")?,
            idle_time: raw.seconds("idle_seconds")?,
            drain_time: raw.seconds("drain_seconds")?,
            collect_per_address: raw.rate("collect_per_address")?,
            collect_per_site: raw.rate("collect_per_site")?,
            tokens_per_address: raw.rate("tokens_per_address")?,
            bulk_requests: raw.within("bulk_requests", "1 to 64", 1, 64)? as usize,
            query_rows: raw.within("query_rows", "1 to 1,000,000,000,000", 1, 1_000_000_000_000)?,
            memtable_bytes: raw.within("memtable_mib", "1 to 16,384", 1, 16_384)? << 20,
            wal_file_bytes: raw.within("wal_file_mib", "1 to 4,096", 1, 4_096)? << 20,
            flush_after: Duration::from_secs(60 * raw.within("flush_minutes", "1 to 1,440", 1, 1_440)?),
            access: raw.with("read_with", "map or read", |text| match text {
                "map" => Some(Access::Map),
                "read" => Some(Access::Read),
                _ => None,
            })?,
            background_bytes_per_second: raw.within(
                "background_mib_per_second",
                "1 to 1,000,000",
                1,
                1_000_000,
            )? << 20,
            disk_reserve_bytes: raw.within("disk_reserve_mib", "0 to 1,000,000,000", 0, 1_000_000_000)? << 20,
            snapshots: SnapshotOptions {
                most_days: raw.within("snapshot_days", "1 to 83 days", 1, u64::from(COPY_DAYS))? as u32,
                every_hours: raw.within("snapshot_every_hours", "0 to 744 hours", 0, 744)? as u32,
                keep: raw.within("snapshot_keep", "1 to 1,000", 1, 1_000)? as usize,
            },
            backups: BackupConfig::check(raw)?,
            log_format: raw.with("log_format", "text or json", |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?,
            log_level: raw.one("log_level", "error, warn, info or debug")?,
        };
        config.check_together(raw)?;
        Ok(config)
    }

    fn check_together(&self, raw: &Raw) -> Result<(), ConfigError> {
        if self.country_header.is_some() && self.trusted_proxies.is_empty() {
            return Err(ConfigError::Contradiction(
                "country_header is believed only from trusted_proxies: name the proxies that set it",
            ));
        }
        if self.admin_listen == Some(self.listen) {
            return Err(ConfigError::Contradiction(
                "admin_listen is the same address as listen: leave it out, or give it another port",
            ));
        }
        let insecure: bool = raw.one("insecure", "true or false")?;
        for (key, address) in [("listen", Some(self.listen)), ("admin_listen", self.admin_listen)] {
            let Some(address) = address else { continue };
            if !address.ip().is_loopback()
                && self.tls.is_none()
                && self.trusted_proxies.is_empty()
                && !insecure
            {
                return Err(ConfigError::Exposed { origin: raw.get(key).1.clone(), listen: address });
            }
        }
        Ok(())
    }
}

const NETWORKS: &str = "a list of networks such as 10.0.0.0/8 or 2001:db8::/32";

impl Raw {
    fn with<T>(
        &self,
        key: &'static str,
        wanted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let (text, origin) = self.get(key);
        read(text.trim()).ok_or_else(|| ConfigError::Value {
            origin: origin.clone(),
            key,
            wanted,
            got: text.to_owned(),
        })
    }

    fn one<T: FromStr>(&self, key: &'static str, wanted: &'static str) -> Result<T, ConfigError> {
        self.with(key, wanted, |text| if text.is_empty() { None } else { text.parse().ok() })
    }

    fn optional<T: FromStr>(
        &self,
        key: &'static str,
        wanted: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        if self.get(key).0.trim().is_empty() { Ok(None) } else { self.one(key, wanted).map(Some) }
    }

    fn list<T: FromStr>(&self, key: &'static str, wanted: &'static str) -> Result<Vec<T>, ConfigError> {
        self.with(key, wanted, |text| {
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| item.parse().ok())
                .collect()
        })
    }

    fn within(
        &self,
        key: &'static str,
        wanted: &'static str,
        low: u64,
        high: u64,
    ) -> Result<u64, ConfigError> {
        self.with(key, wanted, |text| text.parse().ok().filter(|number| (low..=high).contains(number)))
    }

    fn seconds(&self, key: &'static str) -> Result<Duration, ConfigError> {
        self.within(key, "1 to 3,600 seconds", 1, 3_600).map(Duration::from_secs)
    }

    fn rate(&self, key: &'static str) -> Result<u32, ConfigError> {
        self.within(key, "1 to 10,000,000 a second", 1, 10_000_000).map(|rate| rate as u32)
    }
}
