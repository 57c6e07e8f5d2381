//! The tracker's door beside the router. Nearly all requests are for it, and each layer of the router costs boxed futures
//! and copies of what stands behind it. What those layers do is done here by the same functions in the same order: a
//! measurement and an id, an answer when something panics, a place, a clock on the body. The router has the route too, for
//! the other methods and for the OpenAPI document.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;

use super::{Doors, collect};
use crate::access::Access;
use crate::app::App;
use crate::http::limits::Places;
use crate::http::{Observation, unpanicked};
use crate::meters::{Meters, Route};

/// `POST /v1/collect`.
pub(super) struct Direct {
    doors: Arc<Doors>,
    access: Arc<Access>,
    places: Arc<Places>,
    meters: Arc<Meters>,
    route: Arc<Route>,
}

impl Direct {
    pub(super) fn of(app: &App) -> Direct {
        Direct {
            doors: Arc::clone(&app.doors),
            access: Arc::clone(&app.access),
            places: Arc::clone(&app.places),
            route: app.meters.of_route(collect::ROUTE),
            meters: Arc::clone(&app.meters),
        }
    }

    /// Whether a request is for it.
    pub(super) fn takes<B>(&self, request: &Request<B>) -> bool {
        request.method() == Method::POST && request.uri().path() == collect::ROUTE
    }

    pub(super) async fn answer(&self, request: Box<Request<Incoming>>, peer: SocketAddr) -> Response {
        // The rest of the head is let go of: its path alone would hold the room in which all of it was read.
        let (Parts { method, mut headers, .. }, body) = request.into_parts();
        let observed = Observation::begin(&method);
        let response = unpanicked(pin!(self.take(&mut headers, body, peer))).await;
        observed.end(&self.meters, &self.route, response)
    }

    async fn take(&self, headers: &mut HeaderMap, body: Incoming, peer: SocketAddr) -> Response {
        let place = match self.places.take() {
            Ok(place) => place,
            Err(problem) => return problem.into_response(),
        };
        let visitor = self.access.visitor(peer, headers);
        collect::answer(&self.doors, &visitor, headers, self.places.timed(body), place).await
    }
}
