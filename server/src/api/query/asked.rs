//! A question as it arrives: who asks which site, then what.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Uri};
use heatgrid_engine::model::{Site, SiteScope};

use crate::access::{Read, SiteAccess};
use crate::app::App;
use crate::http::limits::whole_body;
use crate::http::problem::{INVALID_QUERY, MEDIA_TYPE, Problem};
use crate::wire::question::Written;

/// Bytes of a question in a body: some pages' worth of text for every parameter.
const BODY_BYTES: usize = 64 << 10;

/// A question, and the right to ask it.
pub(super) struct Question {
    pub(super) site: Arc<Site>,
    pub(super) scope: SiteScope,
    pub(super) written: Written,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

impl FromRequest<App> for Question {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Question, Problem> {
        let (mut parts, body) = request.into_parts();
        let SiteAccess { site, scope, .. } = SiteAccess::<Read>::from_request_parts(&mut parts, app).await?;
        let query = parts.uri.query().unwrap_or_default();
        let written = if parts.method == Method::POST {
            if !query.is_empty() {
                let detail =
                    "a POST has its parameters in the body, so that no log sees them; leave the query out";
                return Err(Problem::new(&INVALID_QUERY, detail));
            }
            check_type(&parts.headers)?;
            Written::from_body(&whole_body(body, BODY_BYTES).await?)?
        } else {
            Written::from_query(query)?
        };
        let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
        Ok(Question { site, scope, written, method, uri, headers })
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let media = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match media.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::new(&MEDIA_TYPE, "a question is a JSON object; send it as application/json")),
    }
}
