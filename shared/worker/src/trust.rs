//! Whom functions believe to be AWS: first the roots of Amazon Trust Services, which are compiled in; as soon as a server
//! shows a certificate that these do not cover, the roots of the machine. See docs/decisions/0005-roots.md.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;

/// Amazon Root CA 1 to 4 and Starfield Services Root CA G2: "Amazon Trust Services", <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// One HTTP client for all services: connections are kept for the life of the environment.
///
/// Its connector is made here, once. Left to itself, the SDK makes one for each client to see whether it can, and a third
/// at the first request.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    let connector = http_connector();
    http_client_fn(move |_, _| connector.clone())
}

/// What is below it, for whoever calls somebody other than AWS. A first call whose server shows a certificate that the roots of
/// Amazon do not cover fails; the same call succeeds from then on.
#[must_use]
pub fn http_connector() -> SharedHttpConnector {
    let amazon = connector(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS));
    SharedHttpConnector::new(Trust(Arc::new(Roots { amazon, system: OnceLock::new() })))
}

fn connector(roots: TrustStore) -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(super::clients::CONNECT_TIMEOUT).build();
    // A context without roots of its own choosing cannot fail to build.
    let context = TlsContext::builder().with_trust_store(roots).build().unwrap_or_default();
    Connector::builder()
        .connector_settings(settings)
        .pool_idle_timeout(Duration::from_mins(1))
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build()
}

#[derive(Debug)]
struct Roots {
    amazon: Connector,
    /// Made when it is needed: reading a hundred certificates takes a third of a cold start.
    system: OnceLock<Connector>,
}

#[derive(Debug, Clone)]
struct Trust(Arc<Roots>);

impl HttpConnector for Trust {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Some(system) = self.0.system.get() {
            return system.call(request);
        }
        let (call, roots) = (self.0.amazon.call(request), Arc::clone(&self.0));
        HttpConnectorFuture::new(async move {
            let answer = call.await;
            // The SDK repeats a request whose connection failed; the repetition finds the roots of the machine.
            if answer.as_ref().is_err_and(is_unknown_certificate) {
                roots.system.get_or_init(|| connector(TrustStore::default()));
            }
            answer
        })
    }
}

fn is_unknown_certificate(error: &ConnectorError) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        next = match error.downcast_ref::<io::Error>() {
            // `source` of such an error passes over what it wraps.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;

    #[test]
    fn the_roots_can_be_read() {
        let certificates = String::from_utf8_lossy(AMAZON_ROOTS).matches("BEGIN CERTIFICATE").count();
        assert_eq!(certificates, 5);
        connector(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS));
    }

    #[test]
    fn an_unknown_certificate_is_found_however_deep_it_is_wrapped() {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, unknown));
        assert!(is_unknown_certificate(&ConnectorError::io(wrapped.into())));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(!is_unknown_certificate(&ConnectorError::io(refused.into())));
    }
}
