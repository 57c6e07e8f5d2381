//! What the questions have in common in the OpenAPI document: each can be asked in a body as well, and names its answer.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

/// Completes a document with one question, whose parameters are the schema `question`.
pub(super) fn complete(mut document: OpenApi, question: &str) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let Some(get) = &mut item.get else { continue };
        add_headers(get);
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refusal = ResponseBuilder::new().description("The question reads too much");
        add(get, "422", refusal.content("application/json", problem));
        item.post = Some(in_body(get, question));
        add(get, "304", ResponseBuilder::new().description("The same as If-None-Match names"));
    }
    document
}

/// The same question asked in a body.
fn in_body(get: &Operation, question: &str) -> Operation {
    let mut post = get.clone();
    post.summary = post.summary.map(|summary| format!("{summary}, asked in a body"));
    let why = "The same parameters as those of GET, which keeps them out of the logs of proxies.";
    post.description = Some(why.to_owned());
    if let Some(parameters) = &mut post.parameters {
        parameters.retain(|parameter| {
            matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path)
        });
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(question))).build();
    let body = RequestBodyBuilder::new().content("application/json", content).build();
    post.request_body = Some(RefOr::T(body));
    post
}

fn add_headers(operation: &mut Operation) {
    if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") {
        let headers = &mut answer.headers;
        headers.insert("ETag".into(), RefOr::T(header("Names what is said, not when")));
        let withheld = header("`true`: converted_click was left out");
        headers.insert("Heatgrid-Withheld".into(), RefOr::T(withheld));
    }
}

fn header(description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    HeaderBuilder::new().schema(Some(text)).description(Some(description)).build()
}

fn add(operation: &mut Operation, status: &str, answer: ResponseBuilder) {
    operation.responses.responses.insert(status.into(), RefOr::T(answer.build()));
}
