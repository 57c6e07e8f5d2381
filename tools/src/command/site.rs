//! `heatgrid site`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::settings::Settings;
use crate::failure::{DONE, Failure};
use crate::output;
use crate::place::Where;

/// Sites.
#[derive(Subcommand)]
pub(crate) enum Site {
    /// Every site
    List(List),
    /// One site with its settings
    Show(Show),
    /// Make a site
    Create(Box<Create>),
    /// Give a site other settings (at a server)
    Change(Box<Create>),
    /// Close a site and erase it; it can be taken back for 72 hours (at a server)
    Delete(Delete),
}

/// Every site.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One site.
#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A site that goes.
#[derive(Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    /// The name again: what is deleted is gone from every copy in 90 days
    #[arg(long, value_name = "SITE")]
    confirm: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A site and its settings.
#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Site {
    /// Does it. The status to end with.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        match self {
            Site::List(List { place, json }) => {
                let sites = place.existing()?.sites()?;
                output::print(&if json { output::json(&sites) } else { table(&sites).into_bytes() })?;
            }
            Site::Show(Show { place, site, json }) => {
                show(&place.existing()?.site(&site)?, json)?;
            }
            Site::Create(create) => {
                let Create { place, site, settings, json } = *create;
                let place = place.existing_or_new(settings.region())?;
                let site = place.create_site(&settings.written(&site))?;
                place.close()?;
                show(&site, json)?;
            }
            Site::Change(change) => {
                let Create { place, site, settings, json } = *change;
                let mut written = settings.written(&site).to_json();
                // The name is in the path, and what was not written stays as it is.
                if let Some(members) = written.as_object_mut() {
                    members.retain(|name, value| name != "site" && !value.is_null());
                }
                show(&place.server()?.change_site(&site, &written)?, json)?;
            }
            Site::Delete(Delete { place, site, confirm, json }) => {
                if confirm != site {
                    return Err(Failure::Unconfirmed { name: site });
                }
                show(&place.server()?.delete_site(&site)?, json)?;
            }
        }
        Ok(DONE)
    }
}

fn show(site: &Value, json: bool) -> Result<(), Failure> {
    output::print(&if json { output::json(site) } else { output::table_of_object(site).into_bytes() })?;
    Ok(())
}

fn table(sites: &Value) -> String {
    output::table_of_objects(&["site", "region", "timezone", "retention_days", "created_at", "key"], sites)
}
