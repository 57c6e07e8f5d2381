//! Routes, one file a resource, and which listener each is reached on.

mod admin;
mod browser;
mod certificates;
mod collect;
mod erasures;
mod events;
pub mod faults;
mod health;
mod keys;
mod listing;
mod openapi;
mod posthog;
mod query;
mod sites;
mod tokens;
mod work;

use std::sync::Arc;

use axum::{Router, middleware};

use crate::app::App;
use crate::dashboard;
use crate::http::limits::take_place;
use crate::http::observed;
use crate::web;

pub use browser::{Doors, Shared};
pub use events::Bulk;
pub use health::starting;
pub use query::Queries;
pub use work::off_the_runtime;

/// The routes of each listener.
pub struct Listeners {
    /// What anybody may reach.
    pub public: Router,
    /// What readers and operators reach, if they have a listener of their own.
    pub private: Option<Router>,
}

/// Puts the routes of a server together.
#[must_use]
pub fn listeners(app: &App) -> Listeners {
    let public = visitors().merge(writers());
    let private = readers(app).merge(operators());
    if app.config.admin_listen.is_some() {
        let private = private.merge(writers());
        Listeners {
            public: finish(public, health::routes(), app),
            private: Some(finish(private, health::routes_of_operators(), app)),
        }
    } else {
        Listeners { public: finish(public.merge(private), health::routes(), app), private: None }
    }
}

/// Health is asked for beside the places that everything else needs one of.
fn finish(routes: Router<App>, health: Router<App>, app: &App) -> Router {
    let shed = middleware::from_fn_with_state(Arc::clone(&app.places), take_place);
    observed(routes.layer(shed).merge(health), &app.meters).with_state(app.clone())
}

/// Without a token: what visitors' browsers ask for.
fn visitors() -> Router<App> {
    Router::new()
        .merge(collect::routes())
        .merge(posthog::routes())
        .merge(certificates::routes())
        .merge(web::routes())
}

/// With a writer's token.
fn writers() -> Router<App> {
    events::routes()
}

/// With a reader's token.
fn readers(app: &App) -> Router<App> {
    openapi::routes().merge(query::routes(app)).merge(dashboard::routes())
}

/// With an operator's or owner's token.
fn operators() -> Router<App> {
    sites::routes()
        .merge(erasures::routes())
        .merge(keys::routes())
        .merge(tokens::routes())
        .merge(admin::routes())
}
