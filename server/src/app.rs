//! What a running server consists of, and which narrow part of it each handler is given.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use heatgrid_engine::clock::Clock;
use heatgrid_engine::store::Store;

use crate::access::{Access, OperatorToken};
use crate::api::{Bulk, Doors, Queries, Shared};
use crate::audit::Audit;
use crate::config::Config;
use crate::health::Health;
use crate::http::limits::Places;
use crate::meters::Meters;
use crate::privacy::country::Countries;
use crate::rules::Rules;

/// A running server, as its routes share it. Handlers take `State` of one of its parts, never the whole.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What a server consists of.
pub struct Parts {
    /// The data.
    pub store: Arc<Store>,
    /// What was configured.
    pub config: Arc<Config>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Who may what.
    pub access: Arc<Access>,
    /// What each site says of its URLs and visitors, made ready.
    pub rules: Arc<Rules>,
    /// From an address to a country.
    pub countries: Arc<Countries>,
    /// What operators did with the data of sites.
    pub audit: Arc<Audit>,
    /// Whether requests should come here.
    pub health: Arc<Health>,
    /// What is counted about the server itself.
    pub meters: Arc<Meters>,
    /// Questions that are answered at a time.
    pub queries: Arc<Queries>,
    /// Requests that are worked on at a time.
    pub places: Arc<Places>,
    /// The doors of browsers.
    pub doors: Arc<Doors>,
    /// The door of bulk requests.
    pub bulk: Arc<Bulk>,
}

/// What exists before a server does.
pub struct Foundation {
    /// The data.
    pub store: Arc<Store>,
    /// What was configured.
    pub config: Arc<Config>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// What operators did.
    pub audit: Audit,
    /// The token that is good for everything.
    pub operator_token: OperatorToken,
    /// From an address to a country.
    pub countries: Countries,
    /// Whether requests should come here.
    pub health: Arc<Health>,
}

impl App {
    /// Puts a server together.
    #[must_use]
    pub fn new(foundation: Foundation) -> App {
        let Foundation { store, config, clock, audit, operator_token, countries, health } = foundation;
        let (rules, countries, meters) = (Arc::default(), Arc::new(countries), Arc::new(Meters::new()));
        let queries =
            Queries::new(Arc::clone(&store), Arc::clone(&rules), Arc::clone(&clock), config.query_rows);
        let doors = Shared {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            rules: Arc::clone(&rules),
            countries: Arc::clone(&countries),
            meters: Arc::clone(&meters),
        };
        App(Arc::new(Parts {
            access: Arc::new(Access::new(operator_token, &config)),
            audit: Arc::new(audit),
            queries: Arc::new(queries),
            places: Arc::new(Places::new(config.max_requests, config.body_time)),
            doors: Arc::new(Doors::new(doors, &config)),
            bulk: Arc::new(Bulk::new(config.bulk_requests)),
            rules,
            countries,
            meters,
            health,
            store,
            config,
            clock,
        }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Lets handlers take these parts as `State`.
macro_rules! narrow {
    ($($part:ident: $what:ty,)*) => {
        $(impl FromRef<App> for $what {
            fn from_ref(app: &App) -> $what {
                Clone::clone(&app.$part)
            }
        })*
    };
}

narrow! {
    store: Arc<Store>,
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    access: Arc<Access>,
    rules: Arc<Rules>,
    countries: Arc<Countries>,
    audit: Arc<Audit>,
    health: Arc<Health>,
    meters: Arc<Meters>,
    places: Arc<Places>,
    queries: Arc<Queries>,
    doors: Arc<Doors>,
    bulk: Arc<Bulk>,
}
