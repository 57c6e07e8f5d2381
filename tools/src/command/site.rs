//! `heatgrid site`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Where;
use super::settings::Settings;
use crate::failure::{DONE, Failure};
use crate::output;

/// Sites.
#[derive(Subcommand)]
pub(crate) enum Site {
    /// Every site
    List(List),
    /// One site with its settings
    Show(Show),
    /// Make a site
    Create(Box<Create>),
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

/// A new site.
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
                let sites = place.existing()?.sites();
                output::print(&if json { output::json(&sites) } else { table(&sites).into_bytes() })?;
            }
            Site::Show(Show { place, site, json }) => {
                show(&place.existing()?.site(&site)?, json)?;
            }
            Site::Create(create) => {
                let Create { place, site, settings, json } = *create;
                let target = place.existing_or_new(settings.region())?;
                let site = target.create_site(&settings.written(&site))?;
                target.close()?;
                show(&site, json)?;
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
    let columns = ["site", "region", "timezone", "retention_days", "created_at", "key"];
    let lines = sites.as_array().into_iter().flatten();
    output::table(
        columns.map(str::to_owned).to_vec(),
        lines.map(|site| columns.map(|column| output::plain(&site[column])).to_vec()),
    )
}
