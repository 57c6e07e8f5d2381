//! Parameters of questions for the OpenAPI document: the same names, meanings and values that questions are read by.

use heatgrid_engine::model::{Device, Kind};
use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type,
};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::ask::Route;
use crate::picture::Colormap;
use crate::wire::question::{self, Written};

/// A question of a route: its parameters in a query, or the members of a body.
macro_rules! questions {
    ($($name:ident $route:expr;)*) => {
        $(
            pub(super) struct $name;

            impl IntoParams for $name {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    parameters($route)
                }
            }

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    body($route)
                }
            }

            impl ToSchema for $name {}
        )*
    };
}

questions! {
    GridQuestion Route::Grid;
    SeriesQuestion Route::Series;
    PagesQuestion Route::Pages;
    SummaryQuestion Route::Summary;
    ScrollQuestion Route::Scroll;
}

/// Bytes that are no text.
pub(super) struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        RefOr::T(Schema::Object(ObjectBuilder::new().build()))
    }
}

impl ToSchema for Binary {}

fn parameters(route: Route) -> Vec<Parameter> {
    let parameter = |name: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Written::meaning(name))
            .schema(Some(value(route, name)))
            .build()
    };
    question::names(route).iter().map(|name| parameter(name)).collect()
}

fn body(route: Route) -> RefOr<Schema> {
    let mut body = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
    for name in question::names(route) {
        body = body.property(name, value_in_body(route, name));
    }
    RefOr::T(Schema::Object(body.build()))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn integer(least: u32, most: u32) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most))
}

fn one_of(values: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(values))
}

/// Names with commas between them.
fn some_of<'a>(names: impl Iterator<Item = &'a str>) -> ObjectBuilder {
    let any = names.collect::<Vec<_>>().join("|");
    text().pattern(Some(format!("^({any})(,({any}))*$")))
}

/// What a parameter may be, written in a query.
fn value(route: Route, name: &str) -> ObjectBuilder {
    match name {
        "page" => text().max_length(Some(2_048)).examples([json!("https://shop.example/p/42")]),
        "page_pattern" => text().max_length(Some(1_032)).examples([json!("https://shop.example/p/*")]),
        "from" | "to" | "compare_from" | "compare_to" => {
            text().pattern(Some(r"^\d{4}-\d\d-\d\d$")).examples([json!("2026-01-31")])
        }
        "kind" => some_of(kinds()).default(if route == Route::Summary { None } else { Some(json!("click")) }),
        "device" => some_of(devices()),
        "viewport" => text().pattern(Some(r"^\d{1,6}-\d{1,6}$")).examples([json!("320-767")]),
        "country" => text().pattern(Some("^[A-Za-z]{2}(,[A-Za-z]{2})*$")).examples([json!("DE,FR")]),
        "fixed" => one_of(["false", "true", "any"]).default(Some(json!("false"))),
        "cell" => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .enum_values(Some([8, 16, 32, 64]))
            .default(Some(json!(8))),
        "align" => one_of(["none", "center", "scale"]).default(Some(json!("none"))),
        "width" => integer(1, 16_384),
        "step" => one_of(["hour", "day", "month"]).default(Some(json!("day"))),
        "limit" => integer(1, 10_000).default(Some(json!(20))),
        "format" => one_of(route.forms().iter().map(|form| form.name())).default(Some(json!("json"))),
        "colormap" => one_of(Colormap::ALL.iter().map(|map| map.name())).default(Some(json!("turbo"))),
        "radius" => integer(8, 256).default(Some(json!(32))),
        "opacity" => integer(1, 100).default(Some(json!(80))),
        _ => text(),
    }
}

/// The same in a body: lists may be arrays, and `fixed` a boolean.
fn value_in_body(route: Route, name: &str) -> RefOr<Schema> {
    let items: Vec<Value> = match name {
        "kind" => kinds().map(Value::from).collect(),
        "device" => devices().map(Value::from).collect(),
        "fixed" => {
            return RefOr::T(Schema::Object(
                ObjectBuilder::new()
                    .enum_values(Some([
                        json!(false),
                        json!(true),
                        json!("false"),
                        json!("true"),
                        json!("any"),
                    ]))
                    .build(),
            ));
        }
        _ => return RefOr::T(Schema::Object(described(route, name))),
    };
    let item = text().enum_values(Some(items));
    let list = ArrayBuilder::new().items(item).min_items(Some(1));
    let either = OneOfBuilder::new().item(value(route, name)).item(list).description(Written::meaning(name));
    RefOr::T(Schema::OneOf(either.build()))
}

fn described(route: Route, name: &str) -> utoipa::openapi::Object {
    value(route, name).description(Written::meaning(name)).build()
}

fn kinds() -> impl Iterator<Item = &'static str> {
    Kind::ALL.iter().map(|kind| kind.name())
}

fn devices() -> impl Iterator<Item = &'static str> {
    Device::ALL.iter().map(|device| device.name())
}
