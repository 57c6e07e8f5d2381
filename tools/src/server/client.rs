//! One call after another, by token.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

use super::ServerError;
use super::error::Refusal;

/// Most bytes of an answer: grids of everything are smaller, and nothing else comes near.
const ANSWER_BYTES: u64 = 1 << 30;
/// Items asked for at once of a list.
const LIST_ITEMS: &str = "1000";

/// A server, and who asks it.
pub(crate) struct Server {
    agent: Agent,
    address: Url,
    token: String,
}

impl Server {
    /// The server at an address, asked with a token. Nothing is sent yet.
    pub(crate) fn new(address: &str, token: Option<String>) -> Result<Server, ServerError> {
        let bad = || ServerError::Address(address.to_owned());
        let url = Url::parse(address).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(bad());
        }
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(crypto)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("heatgrid/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        Ok(Server { agent, address: url, token: token.ok_or(ServerError::NoToken)? })
    }

    /// The JSON answer to a GET.
    pub(crate) fn get(&self, path: &[&str]) -> Result<Value, ServerError> {
        self.json("GET", path, &[], None)
    }

    /// The JSON answer to a call; null where the answer is empty.
    pub(crate) fn json(
        &self,
        method: &str,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, ServerError> {
        let answer = self.call(method, path, query, body)?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|_| self.strange())
    }

    /// The answer to a call as bytes.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Vec<u8>, ServerError> {
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        self.send(method, &self.url(path, query), &[("content-type", "application/json")], &body)
            .and_then(|answer| self.content(answer))
    }

    /// A whole list, page by page.
    pub(crate) fn list(&self, path: &[&str]) -> Result<Value, ServerError> {
        let mut all = Vec::new();
        let mut next = Some(self.url(path, &[("limit", LIST_ITEMS)]));
        while let Some(url) = next {
            let answer = self.send("GET", &url, &[], &[])?;
            next = answer.headers().get("link").and_then(|link| self.next_of(link.to_str().ok()?));
            match serde_json::from_slice(&self.content(answer)?) {
                Ok(Value::Array(items)) => all.extend(items),
                _ => return Err(self.strange()),
            }
        }
        Ok(Value::Array(all))
    }

    /// The answer to a body of any type.
    pub(super) fn post(
        &self,
        path: &[&str],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<u8>, ServerError> {
        self.send("POST", &self.url(path, &[]), headers, body).and_then(|answer| self.content(answer))
    }

    /// An answer that this version does not know.
    pub(super) fn strange(&self) -> ServerError {
        ServerError::Answer { server: self.name() }
    }

    /// The address as it is told to people.
    pub(super) fn name(&self) -> String {
        self.address.origin().ascii_serialization()
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The address of the next part of a list. Only the server itself is asked on, whatever its answer says.
    fn next_of(&self, link: &str) -> Option<Url> {
        let target =
            link.split(',').find(|part| part.contains("rel=\"next\"") || part.contains("rel=next"))?;
        let written = target.trim().strip_prefix('<')?.split('>').next()?;
        let url = self.address.join(written).ok()?;
        (url.origin() == self.address.origin()).then_some(url)
    }

    fn send(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response<Body>, ServerError> {
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let connection =
            |source: ureq::Error| ServerError::Connection { server: self.name(), source: Box::new(source) };
        let request = request.body(body).map_err(|error| connection(error.into()))?;
        let answer = self.agent.run(request).map_err(connection)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(ServerError::Refused { server: self.name(), refusal: self.refusal(answer) })
    }

    fn refusal(&self, answer: Response<Body>) -> Refusal {
        let status = answer.status().as_u16();
        let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let content = self.content(answer).unwrap_or_default();
        // A proxy in between may answer in its own words.
        let said: Refusal = serde_json::from_slice(&content).unwrap_or_default();
        Refusal { status, retry_after_seconds: header, ..said }
    }

    fn content(&self, answer: Response<Body>) -> Result<Vec<u8>, ServerError> {
        let mut content = Vec::new();
        let read = answer.into_body().into_reader().take(ANSWER_BYTES).read_to_end(&mut content);
        match read {
            Ok(_) => Ok(content),
            Err(error) => {
                let source = Box::new(ureq::Error::Io(error));
                Err(ServerError::Connection { server: self.name(), source })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> Server {
        Server::new(address, Some("t".into())).unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    #[test]
    fn a_path_is_one_segment_a_part_whatever_is_in_it() {
        let url = server("http://127.0.0.1:1/below").url(&["v1", "sites", "a/../b"], &[("limit", "7")]);
        assert_eq!(url.as_str(), "http://127.0.0.1:1/below/v1/sites/a%2F..%2Fb?limit=7");
    }

    #[test]
    fn a_list_goes_on_only_at_the_same_server() {
        let server = server("https://a.example");
        let next = server.next_of("</v1/sites?cursor=x>; rel=\"next\"").unwrap();
        assert_eq!(next.as_str(), "https://a.example/v1/sites?cursor=x");
        assert!(server.next_of("<https://b.example/v1/sites>; rel=\"next\"").is_none());
        assert!(server.next_of("</v1/sites>; rel=\"prev\"").is_none());
    }

    #[test]
    fn an_address_and_a_token_are_needed() {
        for address in ["", "a.example", "ftp://a.example", "mailto:a@b.example"] {
            assert!(
                matches!(Server::new(address, Some("t".into())), Err(ServerError::Address(_))),
                "{address}"
            );
        }
        assert!(matches!(Server::new("http://a.example", None), Err(ServerError::NoToken)));
    }
}
