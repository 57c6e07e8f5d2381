//! The server's certificate, read again when its files change.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::Tls;

/// Certificate and key, as the files say now.
#[derive(Debug)]
pub struct TlsIdentity {
    files: Tls,
    current: RwLock<(Arc<CertifiedKey>, Stamp)>,
}

/// Tells whether the files are still those that were read.
type Stamp = [Option<std::time::SystemTime>; 2];

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that is no PEM, or cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// A chain without certificates.
    #[error("{path} holds no certificate", path = .0.display())]
    Empty(PathBuf),
    /// A key that does not fit the certificate, or is of an unknown sort.
    #[error("certificate and key cannot be used together: {0}")]
    Rejected(#[from] rustls::Error),
}

impl TlsIdentity {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub fn read(files: Tls) -> Result<TlsIdentity, TlsError> {
        let stamp = stamp(&files);
        let key = certified_key(&files)?;
        Ok(TlsIdentity { files, current: RwLock::new((Arc::new(key), stamp)) })
    }

    /// Reads the files again if they changed; the old certificate stays when the new one cannot be used.
    ///
    /// # Errors
    /// When the new files cannot be used. They are looked at again when they have changed again, as they do between
    /// the writing of the one and the other.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let stamp = stamp(&self.files);
        if self.current.read().1 == stamp {
            return Ok(false);
        }
        let read = certified_key(&self.files);
        let mut current = self.current.write();
        current.1 = stamp;
        current.0 = Arc::new(read?);
        Ok(true)
    }

    /// What rustls needs to serve it: TLS 1.2 and 1.3, HTTP/1.1.
    ///
    /// # Errors
    /// When the cryptography provider refuses its own defaults.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for TlsIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().0))
    }
}

fn stamp(files: &Tls) -> Stamp {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|m| m.modified()).ok())
}

fn certified_key(files: &Tls) -> Result<CertifiedKey, TlsError> {
    let failed = |path: &PathBuf| {
        let path = path.clone();
        move |source| TlsError::File { path, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .map_err(failed(&files.certificate))?
        .collect::<Result<_, _>>()
        .map_err(failed(&files.certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(failed(&files.key))?;
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match()?;
    Ok(certified)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, write};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::*;

    const FIRST: [&str; 2] =
        [include_str!("../../tests/http/tls/first.crt"), include_str!("../../tests/http/tls/first.key")];
    const SECOND: [&str; 2] =
        [include_str!("../../tests/http/tls/second.crt"), include_str!("../../tests/http/tls/second.key")];

    /// Writes a file as if at a second of its own.
    fn put(path: &Path, text: &str, second: u64) {
        write(path, text).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn a_certificate_that_cannot_be_used_is_told_once_and_the_old_one_stays() {
        let directory = tempfile::tempdir().unwrap();
        let files = Tls { certificate: directory.path().join("crt"), key: directory.path().join("key") };
        put(&files.certificate, FIRST[0], 1);
        put(&files.key, FIRST[1], 1);
        let identity = TlsIdentity::read(files.clone()).unwrap();
        let leaf = || identity.current.read().0.cert[0].clone();
        let first = leaf();
        assert!(!identity.refresh().unwrap());
        put(&files.certificate, "no certificate", 2);
        assert!(matches!(identity.refresh(), Err(TlsError::Empty(_))));
        put(&files.certificate, SECOND[0], 3);
        assert!(matches!(identity.refresh(), Err(TlsError::Rejected(_))), "the key is still the first one's");
        assert!(!identity.refresh().unwrap(), "it is told once");
        assert_eq!(leaf(), first);
        put(&files.key, SECOND[1], 4);
        assert!(identity.refresh().unwrap());
        assert_ne!(leaf(), first);
    }
}
