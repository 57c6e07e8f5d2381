//! Routes, one file a resource, and which listener each is reached on.

mod admin;
mod browser;
mod certificates;
mod collect;
mod direct;
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

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use axum::{Router, middleware};
use hyper::body::Incoming;

use self::direct::Direct;
use crate::app::App;
use crate::dashboard;
use crate::http::limits::take_place;
use crate::http::{Answers, observed};
use crate::web;

pub use browser::{Doors, Shared};
pub use events::Bulk;
pub use health::starting;
pub use query::Queries;
pub use work::off_the_runtime;

/// The routes of each listener.
pub struct Listeners {
    /// What anybody may reach.
    pub public: Routes,
    /// What readers and operators reach, if they have a listener of their own.
    pub private: Option<Routes>,
}

/// The routes of a listener.
pub struct Routes {
    router: Router,
    /// The tracker's door, where visitors may knock.
    direct: Option<Direct>,
}

impl Routes {
    /// Adds other routes.
    #[must_use]
    pub fn merge(self, others: Router) -> Routes {
        Routes { router: self.router.merge(others), ..self }
    }

    /// Answers one request of the client at `peer`.
    pub async fn answer(&self, request: Box<Request<Incoming>>, peer: SocketAddr) -> Response {
        match &self.direct {
            Some(direct) if direct.takes(&request) => direct.answer(request, peer).await,
            // Boxed, because it is large and the other one is not.
            _ => Box::pin(self.router.answer(request, peer)).await,
        }
    }
}

/// Puts the routes of a server together.
#[must_use]
pub fn listeners(app: &App) -> Listeners {
    let public = visitors().merge(writers());
    let private = readers(app).merge(operators());
    if app.config.admin_listen.is_some() {
        let private = finish(private.merge(writers()), health::routes_of_operators(), app);
        Listeners {
            public: Routes { router: finish(public, health::routes(), app), direct: Some(Direct::of(app)) },
            private: Some(Routes { router: private, direct: None }),
        }
    } else {
        let router = finish(public.merge(private), health::routes(), app);
        Listeners { public: Routes { router, direct: Some(Direct::of(app)) }, private: None }
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
