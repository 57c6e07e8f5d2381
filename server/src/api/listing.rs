//! Lists that grow: `limit` and `cursor`, and a `Link` to where the list goes on.

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::header::LINK;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use heatgrid_engine::model::limits::LIST_ITEMS;
use serde::{Deserialize, Serialize};

use crate::http::problem::{INVALID_QUERY, Problem};

/// Items of a list when nobody says how many.
const USUAL_ITEMS: usize = 1_000;

/// Which part of a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Which part of a list is asked for, checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted<C> {
    /// Items at most, 1 to `LIST_ITEMS`.
    pub(super) limit: usize,
    /// Where the part begins.
    pub(super) cursor: Option<C>,
}

impl<S: Send + Sync, C: std::str::FromStr> FromRequestParts<S> for Wanted<C> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Wanted<C>, Problem> {
        let Query(Written { limit, cursor }) = Query::try_from_uri(&parts.uri).map_err(|_| {
            Problem::new(&INVALID_QUERY, "this list takes `limit`, a number, and `cursor`, nothing else")
        })?;
        let limit = limit.unwrap_or(USUAL_ITEMS);
        if !(1..=LIST_ITEMS).contains(&limit) {
            return Err(Problem::new(&INVALID_QUERY, format!("limit is 1 to {LIST_ITEMS}")));
        }
        let none = |_| Problem::new(&INVALID_QUERY, "cursor is none of this list; follow its Link header");
        let cursor = cursor.map(|text| text.parse().map_err(none)).transpose()?;
        Ok(Wanted { limit, cursor })
    }
}

/// A part of a list as an answer; `next` is the cursor of the following part, if there may be one.
pub(super) fn part<T: Serialize>(uri: &Uri, limit: usize, items: &[T], next: Option<String>) -> Response {
    let mut response = Json(items).into_response();
    if let Some(next) = next {
        let link = format!("<{}?limit={limit}&cursor={next}>; rel=\"next\"", uri.path());
        let link = HeaderValue::try_from(link).expect("a path and a cursor are visible ASCII");
        response.headers_mut().insert(LINK, link);
    }
    response
}
