//! The HTTP client under ACME: blocking calls on threads that may block. It speaks to the directory that an admin chose
//! and to nobody else.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::{bad, provider};
use crate::ServeError;

type Bytes = actix_web::web::Bytes;

const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST: u64 = 1 << 20;

pub struct Http(Agent);

impl Http {
    /// `roots`: PEM of the authorities that the directory's own certificate may come from; the public ones when missing.
    pub fn new(roots: Option<&Path>) -> Result<Http, ServeError> {
        let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider());
        if let Some(path) = roots {
            let pem = std::fs::read(path).map_err(|e| bad(path, &e))?;
            let certificates = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
                Ok(_) => None,
                Err(error) => Some(Err(bad(path, &error))),
            });
            let certificates = certificates.collect::<Result<Vec<Certificate<'static>>, _>>()?;
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .https_only(true)
            .tls_config(tls.build());
        Ok(Http(config.build().into()))
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let agent = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            // Only what an answer holds can be taken out whole.
            let body = BytesResponse::from(Response::new(body)).body.into_bytes().await.map_err(Error::Other)?;
            let answered = tokio::task::spawn_blocking(move || {
                let mut answer = agent.run(Request::from_parts(parts, body.to_vec()))?;
                let bytes = answer.body_mut().with_config().limit(LONGEST).read_to_vec()?;
                Ok::<_, ureq::Error>(Response::from_parts(answer.into_parts().0, BodyWrapper::from(bytes)))
            });
            match answered.await {
                Ok(Ok(answer)) => Ok(BytesResponse::from(answer)),
                Ok(Err(error)) => Err(Error::Other(Box::new(error))),
                Err(error) => Err(Error::Other(Box::new(error))),
            }
        })
    }
}
