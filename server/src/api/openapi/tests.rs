use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// Method and path of every operation of the document.
fn documented() -> BTreeSet<(String, String)> {
    let mut document = document();
    let operations = document.paths.paths.iter_mut().flat_map(|(path, item)| {
        common::operations(item).map(|(method, _)| (method.to_owned(), path.clone())).collect::<Vec<_>>()
    });
    operations.collect()
}

/// Method and path of every `.route("path", method(..))` of the sources.
fn mounted(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("demo") {
            // The demo's shop is somebody's website, and no part of the interface.
        } else if path.is_dir() {
            mounted(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            // What stands behind is tests, which mount what they like.
            let source = std::fs::read_to_string(&path).unwrap();
            routes_of(source.split("#[cfg(test)]\nmod tests {").next().unwrap(), found);
        }
    }
}

fn routes_of(source: &str, found: &mut BTreeSet<(String, String)>) {
    for call in source.split(".route(").skip(1) {
        let mut depth = 1;
        let end = call.char_indices().find(|(_, char)| {
            depth += match char {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        let call = &call[..end.map_or(call.len(), |(at, _)| at)];
        let mut quoted = call.trim_start().splitn(3, '"');
        let (Some(""), Some(path), Some(methods)) = (quoted.next(), quoted.next(), quoted.next()) else {
            panic!("a path is written as a literal: .route({call})");
        };
        for method in ["get", "post", "put", "patch", "delete"] {
            let called = format!("{method}(");
            let is_word =
                |at: usize| !methods[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_');
            if methods.match_indices(&called).any(|(at, _)| is_word(at)) {
                found.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
}

#[test]
fn every_mounted_route_is_in_the_document_and_no_other() {
    let mut mounted_routes = BTreeSet::new();
    mounted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut mounted_routes);
    let documented = documented();
    let missing: Vec<_> = mounted_routes.difference(&documented).collect();
    assert!(missing.is_empty(), "mounted, but not in PARTS of api/openapi: {missing:#?}");
    let invented: Vec<_> = documented.difference(&mounted_routes).collect();
    assert!(invented.is_empty(), "documented, but not mounted: {invented:#?}");
}

#[test]
fn every_operation_says_what_it_answers_to_whom() {
    let mut document = document();
    assert_eq!(serde_json::to_value(&document).unwrap()["openapi"], "3.1.0");
    let mut identifiers = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in common::operations(item) {
            let answers = &operation.responses.responses;
            assert!(operation.summary.is_some(), "{method} {path} has no doc comment");
            assert!(identifiers.insert(operation.operation_id.clone()), "{method} {path}");
            assert!(answers.keys().any(|status| status.starts_with(['2', '3'])), "{method} {path}");
            let named = path.matches('{').count();
            let parameters = operation.parameters.iter().flatten();
            let described = parameters.filter(|parameter| match parameter {
                RefOr::T(parameter) => parameter.parameter_in == utoipa::openapi::path::ParameterIn::Path,
                RefOr::Ref(_) => false,
            });
            assert_eq!(described.count(), named, "{method} {path}: its path's parameters");
            if path.starts_with("/v1/admin/") || path.contains("{site}") {
                assert!(operation.security.is_some(), "{method} {path} needs a token");
            }
        }
    }
}
