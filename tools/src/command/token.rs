//! `heatgrid token`: who may read, write and own a site. At a server only: it decides what a token is.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::{DONE, Failure};
use crate::output;
use crate::place::Where;

/// Tokens of a site.
#[derive(Subcommand)]
pub(crate) enum Token {
    /// Make a token, and show it: it is shown nowhere again
    Create(Create),
    /// The tokens of a site: names, roles, last days of use
    List(List),
    /// Revoke a token at once
    Revoke(Revoke),
}

/// A new token.
#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// Name of the token
    #[arg(long)]
    name: String,
    /// reader, writer or owner
    #[arg(long)]
    role: String,
    /// When it ends, such as 2027-01-01T00:00:00Z (default: never)
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The tokens of a site.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A token that goes.
#[derive(Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// Name of the token
    #[arg(long)]
    name: String,
}

impl Token {
    /// Does it. The status to end with.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Token::Create(Create { place, site, name, role, expires_at, json }) => {
                let mut wanted = json!({"name": name, "role": role});
                if let Some(time) = expires_at {
                    wanted["expires_at"] = time.into();
                }
                let token = place.server()?.create_token(&site, &wanted)?;
                output::print(&if json {
                    output::json(&token)
                } else {
                    format!("{}\n", output::plain(&token["token"])).into_bytes()
                })?;
            }
            Token::List(List { place, site, json }) => {
                let tokens = place.server()?.tokens(&site)?;
                output::print(&if json {
                    output::json(&tokens)
                } else {
                    let columns = ["name", "role", "created_at", "expires_at", "last_used"];
                    output::table_of_objects(&columns, &tokens).into_bytes()
                })?;
            }
            Token::Revoke(Revoke { place, site, name }) => place.server()?.revoke_token(&site, &name)?,
        }
        Ok(DONE)
    }
}
