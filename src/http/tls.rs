//! TLS: certificate and key from files, taken up again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::errors::one_line;
use crate::store::lock;
use crate::store::read::Stamp;

/// How often the files are looked at. Certificates are renewed weeks before they expire.
const LOOK: Duration = Duration::from_secs(2);

/// What is spoken over TLS, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read, or is not what it has to be.
    #[error("cannot use {}, which has to be {what} in PEM", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it has to be.
        what: &'static str,
        /// Why not.
        source: rustls_pki_types::pem::Error,
    },
    /// Both are in order, and not made for each other.
    #[error("the certificate and its key do not fit together")]
    Pair(#[source] rustls::Error),
}

/// A certificate, its key, and what is spoken with them.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    config: Mutex<Arc<ServerConfig>>,
}

impl Tls {
    /// From a certificate chain and its key, both in PEM.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            config: Mutex::new(read(certificate, key)?),
        })))
    }

    /// Shakes hands.
    pub async fn accept<S>(&self, socket: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&lock(&self.0.config));
        TlsAcceptor::from(config).accept(socket).await
    }

    /// Takes up the files again whenever they change, for ever. While they cannot be used, the old ones are.
    pub async fn keep_fresh(self) {
        let mut known = self.stamps();
        let mut told = known;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.stamps();
            if now == known {
                continue;
            }
            match read(&self.0.certificate, &self.0.key) {
                Ok(config) => {
                    *lock(&self.0.config) = config;
                    known = now;
                    tracing::info!("took up the new certificate");
                }
                // Perhaps the key is written next, or may be read soon. Each state is told of once.
                Err(error) if std::mem::replace(&mut told, now) != now => {
                    tracing::warn!("keeping the old certificate: {}", one_line(&error));
                }
                Err(_) => {}
            }
        }
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        [&self.0.certificate, &self.0.key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some(Stamp::of(&metadata))
        })
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |path: &Path, what| {
        let path = path.to_owned();
        move |source| TlsError::File { path, what, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(wrong(certificate, "a certificate chain"))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(wrong(key, "a private key"))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config = builder
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}
