//! What handlers take as their first argument. To take it is to have checked it.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use heatgrid_engine::model::{Role, Site, SiteName, SiteScope};

use super::Principal;
use crate::api::off_the_runtime;
use crate::app::App;
use crate::audit::Entry;
use crate::http::problem::{INTERNAL, INVALID_NAME, NO_RIGHT, NOT_FOUND, Problem};
use crate::privacy::visitor::Visitor;

/// The client of a request, behind trusted proxies.
#[derive(Clone, Copy)]
pub struct Client(pub Visitor);

impl FromRequestParts<App> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Client, Problem> {
        let ConnectInfo(peer) = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .expect("the listener names the peer of every request");
        Ok(Client(app.access.visitor(*peer, &parts.headers)))
    }
}

/// What a caller may do with a site.
pub trait Right: Send + Sync + 'static {
    /// Roles that have it.
    const ROLES: &'static [Role];
    /// Whether it is held to the networks of queries, and written to the audit when an operator uses it.
    const READS: bool;
    /// What it is, for who has it not.
    const NAME: &'static str;
}

/// Queries.
pub struct Read;
/// Bulk ingest.
pub struct Write;
/// Settings, tokens, erasures, the audit.
pub struct Own;

impl Right for Read {
    const ROLES: &'static [Role] = &[Role::Reader, Role::Owner, Role::Operator];
    const READS: bool = true;
    const NAME: &'static str = "reading the site's data takes a reader's, owner's or operator's token";
}

impl Right for Write {
    const ROLES: &'static [Role] = &[Role::Writer, Role::Owner, Role::Operator];
    const READS: bool = false;
    const NAME: &'static str = "adding events takes a writer's, owner's or operator's token";
}

impl Right for Own {
    const ROLES: &'static [Role] = &[Role::Owner, Role::Operator];
    const READS: bool = true;
    const NAME: &'static str = "this takes an owner's or operator's token";
}

/// The right `R` to the site of the path (`{site}`).
pub struct SiteAccess<R> {
    /// The site.
    pub site: Arc<Site>,
    /// The right to read its data.
    pub scope: SiteScope,
    /// Who has it.
    pub by: Principal,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<App> for SiteAccess<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<SiteAccess<R>, Problem> {
        let Client(client) = Client::from_request_parts(parts, app).await?;
        if R::READS {
            app.access.check_query_network(&client)?;
        }
        let by = principal(parts, app, &client)?;
        let site = site(parts, app, &by).await?;
        if !R::ROLES.contains(&by.role()) {
            return Err(Problem::new(&NO_RIGHT, R::NAME));
        }
        if R::READS && by.role() == Role::Operator {
            audit(parts, app, &by, Some(&site)).await?;
        }
        Ok(SiteAccess { scope: SiteScope::granted(site.id), site, by, right: PhantomData })
    }
}

/// An operator. What one changes is in the audit.
pub struct Operator {
    /// Who it is.
    pub by: Principal,
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Operator, Problem> {
        let Signed { by } = Signed::from_request_parts(parts, app).await?;
        if by.role() != Role::Operator {
            return Err(Problem::new(&NO_RIGHT, "this takes an operator's token"));
        }
        if !parts.method.is_safe() {
            audit(parts, app, &by, None).await?;
        }
        Ok(Operator { by })
    }
}

/// Anybody with a token.
pub struct Signed {
    /// Who it is.
    pub by: Principal,
}

impl FromRequestParts<App> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Signed, Problem> {
        let Client(client) = Client::from_request_parts(parts, app).await?;
        app.access.check_query_network(&client)?;
        Ok(Signed { by: principal(parts, app, &client)? })
    }
}

fn principal(parts: &Parts, app: &App, client: &Visitor) -> Result<Principal, Problem> {
    app.access.principal(app.store.accounts(), &parts.headers, client, app.clock.now_ms() / 1_000)
}

/// The site of the path, if the caller may know of it. A closed, a foreign and an unknown one are all the same.
async fn site(parts: &mut Parts, app: &App, by: &Principal) -> Result<Arc<Site>, Problem> {
    let params = RawPathParams::from_request_parts(parts, app)
        .await
        .map_err(|_| Problem::new(&INVALID_NAME, "the path is not valid UTF-8"))?;
    let (_, name) = params
        .iter()
        .find(|(param, _)| *param == "site")
        .expect("the path of a route with SiteAccess has a {site}");
    let name = SiteName::new(name).map_err(|error| Problem::new(&INVALID_NAME, format!("site: {error}")))?;
    let site = app.store.accounts().by_name(name.as_str()).filter(|site| by.may_see(site.id));
    site.ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such site, or the token is not for it"))
}

/// Writes what an operator is about to do, and returns when that is durable: before it is done.
async fn audit(parts: &Parts, app: &App, by: &Principal, site: Option<&Arc<Site>>) -> Result<(), Problem> {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let entry = Entry {
        at: app.clock.now_ms() / 1_000,
        by: by.name().to_owned(),
        route: format!("{} {route}", parts.method),
        site: site.map(|site| site.id),
    };
    let audit = Arc::clone(&app.audit);
    off_the_runtime(move || audit.write(&entry)).await.map_err(|error| {
        tracing::error!(%error, "the audit cannot be written: operators are refused until it can");
        Problem::new(
            &INTERNAL,
            "the audit cannot be written, so that operators are refused; see the server's log",
        )
    })
}
