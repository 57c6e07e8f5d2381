//! Every setting: name, shape, default and meaning. `--print-config`, `--help`, flags, variables and file keys come from here.

/// What a setting's text must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value.
    Value,
    /// A list: an array in the file, separated by commas elsewhere.
    List,
    /// `true` or `false`; the bare flag is true.
    Switch,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Key in the file; `--like-this` as a flag, `HEATGRID_LIKE_THIS` as a variable.
    pub name: &'static str,
    /// What its text looks like.
    pub shape: Shape,
    /// Value when nobody says otherwise; empty is unset.
    pub default: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

const fn value(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, shape: Shape::Value, default, meaning }
}

const fn list(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, shape: Shape::List, default, meaning }
}

const fn switch(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, shape: Shape::Switch, default: "false", meaning }
}

/// All settings, in the order they are shown.
pub static SETTINGS: &[Setting] = &[
    value("data", "heatgrid-data", "Directory of the store; made when absent."),
    value(
        "region",
        "local",
        "Region of the store, 1 to 8 letters a-z; decided by the first start. Data never leaves it.",
    ),
    value("listen", "127.0.0.1:8080", "Address of trackers, queries and, without admin_listen, operators."),
    value(
        "admin_listen",
        "",
        "Address of query and operator routes; trackers then cannot reach them on listen.",
    ),
    list("query_allow", "", "Networks (CIDR) that may use query routes; empty is any."),
    list("operator_allow", "", "Networks (CIDR) that may use operator routes; empty is any."),
    value("tls_cert", "", "PEM file with the certificate chain; read again when it changes."),
    value("tls_key", "", "PEM file with the private key."),
    switch("insecure", "Listen on a public address without TLS and without a trusted proxy."),
    list(
        "trusted_proxies",
        "",
        "Networks (CIDR) of proxies whose X-Forwarded-For and country header are believed.",
    ),
    value(
        "country_header",
        "",
        "Header in which a trusted proxy tells the visitor's country, such as cf-ipcountry.",
    ),
    value("country_database", "", "MaxMind DB file (.mmdb) with countries; read again when it changes."),
    list(
        "bots",
        "bot,crawl,spider,slurp,headless,lighthouse,preview,monitor",
        "A user agent that contains one of these (any case) is a bot; its events are dropped and counted.",
    ),
    value("max_connections", "20000", "Open connections; more are closed at once."),
    value("max_requests", "512", "Requests worked on at a time; more are answered 503 with Retry-After."),
    value(
        "header_seconds",
        "10",
        "Time for a request's headers to arrive, also on a connection that is silent.",
    ),
    value("header_bytes", "16384", "Bytes of a request's headers; more are answered 431."),
    value("body_seconds", "30", "Time between two pieces of a request's body."),
    value("idle_seconds", "75", "Time that a connection may wait for its next request."),
    value("drain_seconds", "20", "Time for requests to finish after SIGTERM."),
    value(
        "collect_per_address",
        "200",
        "Tracker requests a second from one address (a /64 in IPv6), which an office or a provider may share: 1,000 visitors send 200; more are answered 429.",
    ),
    value("collect_per_site", "20000", "Tracker requests a second for one site; more are answered 429."),
    value(
        "tokens_per_address",
        "3",
        "Wrong tokens a second from one address, ten times as many at once; more are answered 429.",
    ),
    value("bulk_requests", "4", "Bulk requests taken at a time; more are answered 503 with Retry-After."),
    value(
        "query_rows",
        "200000000",
        "Rows that one question may read, a few seconds of one processor; more is answered 422.",
    ),
    value("memtable_mib", "64", "Memory for events that are not in a segment yet, in MiB."),
    value("wal_file_mib", "64", "Size of one log file, in MiB."),
    value("flush_minutes", "15", "Age at which events leave the log for a segment, on a quiet store too."),
    value("read_with", "map", "How segments are read: map (memory-mapped) or read (pread)."),
    value("background_mib_per_second", "200", "Disk budget of compaction and retention, in MiB a second."),
    value("disk_reserve_mib", "1024", "Disk space that only purging may use, in MiB."),
    value(
        "snapshot_days",
        "30",
        "Days that a snapshot is kept, 1 to 83: what expires has then left every copy after 90.",
    ),
    value("snapshot_every_hours", "0", "Hours between snapshots that are made by themselves; 0 makes none."),
    value("snapshot_keep", "14", "Of the snapshots that are made by themselves, so many are kept."),
    list(
        "backup_targets",
        "",
        "Where backups go: directories, or buckets as s3://bucket/prefix, with ?expires_days=N if the bucket keeps old versions for so many days. Each is of one store and in its region.",
    ),
    value("backup_every_hours", "0", "Hours between backups that are made by themselves; 0 makes none."),
    value(
        "backup_days",
        "30",
        "Days that a backup is kept, 1 to 83: what expires has then left every copy after 90.",
    ),
    value("backup_keep", "30", "Of the backups at a target, so many are kept."),
    value("s3_endpoint", "", "Address of the S3 service, if it is not Amazon's."),
    value("s3_region", "us-east-1", "Region that requests to the S3 service are signed for."),
    value(
        "s3_credentials",
        "",
        "File with the id of an access key on its first line and its secret on the second.",
    ),
    value("s3_ca_file", "", "Certificates (PEM) that the S3 service is trusted by beside the machine's."),
    switch("s3_plain_http", "Speak to an S3 service on another machine without TLS."),
    value(
        "s3_encryption",
        "AES256",
        "How the S3 service is asked to encrypt what it keeps: AES256, aws:kms, aws:kms=KEY, or none.",
    ),
    value("log_format", "text", "Log lines as text or json."),
    value("log_level", "info", "Least level that is logged: error, warn, info, debug."),
];
