//! `tankline-broker rights`: the rights in the words of another broker.

use std::path::PathBuf;

use clap::Args;
use tankline_broker::{Foreign, Rights};
use tankline_domain::topic::client_id;
use tankline_runtime::exit::Failure;
use tankline_runtime::site_file;

/// What the centre is called.
const CENTRE: &str = "tankline-ingest";

#[derive(Debug, Args)]
pub struct RightsArgs {
    /// Which broker they are for: mosquitto, nats, rmqtt or emqx.
    #[arg(long = "for", value_name = "BROKER")]
    broker: Foreign,
    /// The description of a site, whose edges are let in; may stand several times.
    #[arg(long, value_name = "FILE", required = true)]
    site: Vec<PathBuf>,
    /// Another name that is let in beside tankline-ingest: a viewer, unless the rights file gives it a role; may stand
    /// several times.
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// A rights file, as for this broker.
    #[arg(long, value_name = "FILE")]
    rights: Option<PathBuf>,
}

/// Prints the rights.
pub fn run(args: &RightsArgs) -> Result<(), Failure> {
    let rights = args.rights.as_deref().map(Rights::read_file).transpose()?.unwrap_or_default();
    let mut names = Vec::new();
    for file in &args.site {
        let site = site_file::load(file)?;
        names.extend(site.edges().into_iter().map(|edge| client_id(site.name(), edge)));
    }
    names.push(CENTRE.to_owned());
    names.extend(args.name.iter().cloned());
    let text = args.broker.write(&rights, &names).map_err(anyhow::Error::from)?;
    print!("{text}");
    Ok(())
}
