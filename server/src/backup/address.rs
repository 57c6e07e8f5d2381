//! Where backups go, as people write it: a path, `file:PATH`, or `s3://bucket/prefix`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where backups go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A directory, made if it is not there.
    Directory(PathBuf),
    /// A bucket, and what stands before the names of objects.
    Bucket {
        /// The bucket.
        bucket: String,
        /// Without `/` at its ends; may be empty.
        prefix: String,
    },
}

/// A text that is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a backup target is a directory, such as /var/backups/heatgrid, or a bucket, such as s3://bucket/prefix"
)]
pub struct BadAddress;

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Address, BadAddress> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/');
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'/');
            let ok = !bucket.is_empty()
                && rest.bytes().all(allowed)
                && prefix.split('/').all(|part| !matches!(part, "." | ".."))
                && !prefix.contains("//");
            return match ok {
                true => Ok(Address::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() }),
                false => Err(BadAddress),
            };
        }
        let path = text.strip_prefix("file://").or_else(|| text.strip_prefix("file:")).unwrap_or(text);
        match path.is_empty() || path.contains("://") {
            true => Err(BadAddress),
            false => Ok(Address::Directory(path.into())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Directory(path) => write!(f, "{}", path.display()),
            Address::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Address::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// How buckets are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Options {
    /// Address of the service; `None` is Amazon's.
    pub endpoint: Option<String>,
    /// Region that requests are signed for.
    pub region: String,
    /// File with the access key's id on its first line and the secret on its second.
    pub credentials: Option<PathBuf>,
    /// Whether the service may be spoken to without TLS.
    pub plain_http: bool,
    /// Whether objects need not be encrypted by the service.
    pub unencrypted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_directory_or_a_bucket() {
        for (text, shown) in [
            ("/var/backups/heatgrid", "/var/backups/heatgrid"),
            ("file:///var/backups", "/var/backups"),
            ("file:backups", "backups"),
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "s3://bucket"),
            ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        for text in
            ["", "file:", "s3://", "s3:///a", "s3://b/../c", "s3://b/a//c", "https://a.example", "s3://b/?x"]
        {
            assert_eq!(text.parse::<Address>(), Err(BadAddress), "{text}");
        }
    }
}
