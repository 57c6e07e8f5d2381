//! What every operation of a kind has in common, so that no file repeats it: refusals, and the request's id.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

use crate::http::problem::{self, Kind};

/// Problems that any request may end in.
const ALWAYS: [&Kind; 4] = [&problem::TIMEOUT, &problem::INTERNAL, &problem::BUSY, &problem::STOPPED];
/// Those of requests that need a token.
const WITH_TOKEN: [&Kind; 3] = [&problem::NO_TOKEN, &problem::NO_RIGHT, &problem::RATE];
/// Those of requests that name something in their path.
const WITH_NAME: [&Kind; 2] = [&problem::INVALID_NAME, &problem::NOT_FOUND];
/// Those of requests with parameters.
const WITH_QUERY: [&Kind; 1] = [&problem::INVALID_QUERY];
/// Those of requests with a body.
const WITH_BODY: [&Kind; 3] = [&problem::INVALID_BODY, &problem::TOO_LARGE, &problem::MEDIA_TYPE];

/// Adds to every operation what it has in common with others.
pub(super) fn add(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, method, operation);
        }
    }
}

/// The operations of a path, by method in small letters.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, .. } = item;
    [
        ("get", get),
        ("put", put),
        ("post", post),
        ("delete", delete),
        ("options", options),
        ("head", head),
        ("patch", patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete(path: &str, method: &str, operation: &mut Operation) {
    operation.operation_id = Some(identifier(path, method));
    let has_query = operation.parameters.iter().flatten().any(
        |parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query),
    );
    let groups = [
        (&ALWAYS[..], true),
        (&WITH_TOKEN, operation.security.as_ref().is_some_and(|security| !security.is_empty())),
        (&WITH_NAME, path.contains('{')),
        (&WITH_QUERY, has_query),
        (&WITH_BODY, operation.request_body.is_some()),
    ];
    let mut titles = BTreeMap::<String, Vec<&str>>::new();
    for kind in groups.iter().filter(|(_, applies)| *applies).flat_map(|(kinds, _)| *kinds) {
        titles.entry(kind.status.as_str().to_owned()).or_default().push(kind.title);
    }
    let answers = &mut operation.responses.responses;
    for (status, titles) in titles {
        answers.entry(status).or_insert_with(|| RefOr::T(refusal(&titles.join("; "))));
    }
    // Before anything of a request is known: the connection answers this itself, without a body.
    let too_long = Response::new("The request's line and headers are larger than `header_bytes`");
    answers.entry("431".into()).or_insert(RefOr::T(too_long));
    for (_, answer) in answers.iter_mut().filter(|(status, _)| *status != "431") {
        if let RefOr::T(answer) = answer {
            as_problem(answer);
            let id = HeaderBuilder::new().description(Some("Made here for every request")).build();
            answer.headers.insert("X-Request-Id".into(), RefOr::T(id));
        }
    }
}

/// A name for the operation that nothing else has: the handler's own, such as `list`, is used in many files.
fn identifier(path: &str, method: &str) -> String {
    let words = path.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    // A path with a last slash is another one than that without.
    let slash = path.ends_with('/').then_some("slash");
    std::iter::once(method).chain(words).chain(slash).collect::<Vec<_>>().join("_")
}

fn refusal(description: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content(problem::PROBLEM_JSON, body).build()
}

/// Where a file says that the body is a `Problem`, the media type is that of problems.
fn as_problem(answer: &mut Response) {
    let is_problem = answer.content.get("application/json").is_some_and(|content| {
        let content = match content {
            RefOr::T(content) => content.schema.as_ref(),
            RefOr::Ref(_) => None,
        };
        matches!(content, Some(RefOr::Ref(schema)) if schema.ref_location.ends_with("/Problem"))
    });
    if is_problem && let Some(body) = answer.content.shift_remove("application/json") {
        answer.content.insert(problem::PROBLEM_JSON.into(), body);
    }
}
