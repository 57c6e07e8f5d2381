//! Where backups go, as people write it: a path, `file:PATH`, or `s3://bucket/prefix`, and how buckets are reached.

use std::fmt;
use std::net::IpAddr;
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
        /// Days for which it keeps what was deleted or replaced, if it does; its operator says so.
        expires_days: Option<u32>,
    },
}

/// A text that is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a backup target is a directory, such as /var/backups/heatgrid, or a bucket, such as s3://bucket/prefix, or s3://bucket/prefix?expires_days=30 if the bucket keeps old versions for so many days"
)]
pub struct BadAddress;

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Address, BadAddress> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (rest, expires_days) = match rest.split_once('?') {
                None => (rest, None),
                Some((rest, setting)) => {
                    let days = setting.strip_prefix("expires_days=").and_then(|days| days.parse().ok());
                    (rest, Some(days.ok_or(BadAddress)?))
                }
            };
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/');
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'/');
            let ok = !bucket.is_empty()
                && rest.bytes().all(allowed)
                && prefix.split('/').all(|part| !matches!(part, "." | ".."))
                && !prefix.contains("//");
            return match ok {
                true => {
                    Ok(Address::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned(), expires_days })
                }
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

impl Address {
    /// Days for which it is said to keep what was deleted or replaced.
    #[must_use]
    pub fn expires_days(&self) -> Option<u32> {
        match self {
            Address::Directory(_) => None,
            Address::Bucket { expires_days, .. } => *expires_days,
        }
    }
}

impl fmt::Display for Address {
    /// The place alone: how long it keeps old versions may change.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Directory(path) => write!(f, "{}", path.display()),
            Address::Bucket { bucket, prefix, .. } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Address::Bucket { bucket, prefix, .. } => write!(f, "s3://{bucket}/{prefix}"),
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
    /// Certificates that the service's is trusted by beside those of the machine, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether the service may be spoken to without TLS from another machine.
    pub plain_http: bool,
    /// How the service is asked to encrypt what it keeps.
    pub encryption: Encryption,
}

impl S3Options {
    /// Whether what is sent to the service can be read on the way.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let Some(plain) = self.endpoint.as_deref().and_then(|endpoint| endpoint.strip_prefix("http://"))
        else {
            return false;
        };
        let host = plain.split('/').next().unwrap_or_default();
        let host = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let host = host.map_or(plain.split('/').next().unwrap_or_default(), |(host, _)| host);
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        !(host == "localhost" || address.is_ok_and(|address| address.is_loopback()))
    }
}

/// How a service is asked to encrypt what it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It is not asked to.
    None,
    /// With a key of its own.
    Service,
    /// With a key of its key service; `None` is the bucket's.
    Kms(Option<String>),
}

/// A text that says nothing of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("encryption is AES256, aws:kms, aws:kms=KEY, or none")]
pub struct BadEncryption;

impl FromStr for Encryption {
    type Err = BadEncryption;

    fn from_str(text: &str) -> Result<Encryption, BadEncryption> {
        match (text, text.strip_prefix("aws:kms=")) {
            ("none", _) => Ok(Encryption::None),
            ("AES256", _) => Ok(Encryption::Service),
            ("aws:kms", _) => Ok(Encryption::Kms(None)),
            (_, Some(key)) if !key.is_empty() => Ok(Encryption::Kms(Some(key.to_owned()))),
            _ => Err(BadEncryption),
        }
    }
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
            ("s3://bucket/a?expires_days=30", "s3://bucket/a"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "file:",
            "s3://",
            "s3:///a",
            "s3://b/../c",
            "s3://b/a//c",
            "https://a.example",
            "s3://b/?x",
            "s3://b?expires_days=",
            "s3://b?expires_days=-1",
        ] {
            assert_eq!(text.parse::<Address>(), Err(BadAddress), "{text}");
        }
        let days = |text: &str| text.parse::<Address>().unwrap().expires_days();
        assert_eq!((days("s3://b?expires_days=30"), days("s3://b"), days("/b")), (Some(30), None, None));
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_open() {
        let exposed = |endpoint: &str| {
            let endpoint = Some(endpoint.to_owned());
            let (region, encryption) = ("us-east-1".to_owned(), Encryption::Service);
            S3Options { endpoint, region, credentials: None, ca_file: None, plain_http: false, encryption }
                .is_exposed()
        };
        for endpoint in
            ["http://127.0.0.1:9000", "http://[::1]:9000/", "http://localhost", "https://s3.example"]
        {
            assert!(!exposed(endpoint), "{endpoint}");
        }
        for endpoint in [
            "http://s3.example",
            "http://10.0.0.1:9000",
            "http://localhost.example",
            "http://127.0.0.1.example:1",
        ] {
            assert!(exposed(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn encryption_is_one_of_three_or_none() {
        let of = |text: &str| text.parse::<Encryption>();
        assert_eq!(of("none"), Ok(Encryption::None));
        assert_eq!((of("AES256"), of("aws:kms")), (Ok(Encryption::Service), Ok(Encryption::Kms(None))));
        assert_eq!(of("aws:kms=arn:x"), Ok(Encryption::Kms(Some("arn:x".to_owned()))));
        for text in ["", "aes256", "aws:kms=", "yes"] {
            assert_eq!(of(text), Err(BadEncryption), "{text}");
        }
    }
}
