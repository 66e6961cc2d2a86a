//! Whom we believe to be the host of an address: whoever has a certificate of one of the machine's roots.
//!
//! The machine's, not compiled-in ones: code that reads them is part of every function anyway (the AWS clients fall back
//! on it), they are renewed with the machine rather than with our next release, and an operator can add or remove one
//! (`SSL_CERT_FILE`). They are read at the first `https` call, once for each client.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[derive(Default)]
pub(crate) struct Tls(OnceLock<TlsConnector>);

impl Tls {
    #[cfg(test)]
    pub(crate) fn trusting(roots: RootCertStore) -> io::Result<Self> {
        Ok(Self(OnceLock::from(connector(roots)?)))
    }

    pub(crate) async fn handshake(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        // URLs write IPv6 addresses in brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        self.connector()?.connect(name, stream).await
    }

    fn connector(&self) -> io::Result<&TlsConnector> {
        if let Some(connector) = self.0.get() {
            return Ok(connector);
        }
        let connector = connector(machine_roots()?)?;
        Ok(self.0.get_or_init(|| connector))
    }
}

fn machine_roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        return Err(io::Error::other(format!("no root certificates on this machine: {}", errors.join("; "))));
    }
    Ok(roots)
}

fn connector(roots: RootCertStore) -> io::Result<TlsConnector> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
