//! `tankline-broker ca`: a small authority for certificates.

use std::path::PathBuf;

use anyhow::bail;
use clap::{ArgGroup, Args, Subcommand};
use tankline_broker::authority::{Authority, Holder, Issued, Standing};
use tankline_domain::names::{EdgeName, SiteName};
use tankline_runtime::clock;

#[derive(Debug, Args)]
pub struct CaArgs {
    #[command(subcommand)]
    command: CaCommand,
}

#[derive(Debug, Subcommand)]
enum CaCommand {
    /// Founds an authority: ca.crt, ca.key, ca.crl and the list of what it signs. Keep the folder off the broker's machine.
    Init {
        /// Its folder.
        #[arg(long, value_name = "DIR", default_value = "ca")]
        dir: PathBuf,
        /// What it is called.
        #[arg(long, default_value = "tankline")]
        name: String,
        /// How long it holds.
        #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36500))]
        days: u32,
    },
    /// Makes a certificate and its key.
    #[command(group(ArgGroup::new("holder").required(true)))]
    Issue {
        /// The folder of the authority.
        #[arg(long, value_name = "DIR", default_value = "ca")]
        dir: PathBuf,
        /// For an edge: {site}.{edge}, as in lindong.rtu-01.
        #[arg(long, value_name = "NAME", group = "holder")]
        edge: Option<String>,
        /// For another client: tankline-ingest for the centre, or a name of the rights file.
        #[arg(long, value_name = "NAME", group = "holder")]
        client: Option<String>,
        /// For a broker: a name or address that clients reach it by; may stand several times.
        #[arg(long, value_name = "HOST", group = "holder")]
        broker: Vec<String>,
        /// How long it holds.
        #[arg(long, default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=36500))]
        days: u32,
        /// Where it is written to, as NAME.crt and NAME.key.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
    /// Revokes all certificates of a name, or one by its serial number. Copy ca.crl to the broker then.
    Revoke {
        /// The folder of the authority.
        #[arg(long, value_name = "DIR", default_value = "ca")]
        dir: PathBuf,
        /// Name or serial number.
        name: String,
    },
    /// Shows all that was signed.
    List {
        /// The folder of the authority.
        #[arg(long, value_name = "DIR", default_value = "ca")]
        dir: PathBuf,
    },
}

/// Does what was asked of the authority.
pub fn run(args: &CaArgs) -> anyhow::Result<()> {
    let now = clock::unix_ms();
    match &args.command {
        CaCommand::Init { dir, name, days } => {
            Authority::found(dir, name, now, *days)?;
            println!("{}: ca.crt is for everybody, ca.crl for the broker, ca.key for nobody else", dir.display());
        }
        CaCommand::Issue { dir, edge, client, broker, days, out } => {
            let holder = match (edge, client) {
                (Some(edge), _) => Holder::client(edge_name(edge)?)?,
                (None, Some(client)) => Holder::client(client)?,
                (None, None) => Holder::broker(broker)?,
            };
            let written = Authority::open(dir).issue(&holder, out, now, *days)?;
            let (certificate, key) = (written.certificate.display(), written.key.display());
            println!("{certificate} and {key}, until {}", written.issued.not_after);
        }
        CaCommand::Revoke { dir, name } => {
            let revoked = Authority::open(dir).revoke(name, now)?;
            let count = revoked.iter().filter(|issued| issued.revoked == Some(now)).count();
            let what = if count == 0 { "revoked before".to_owned() } else { format!("{count} revoked") };
            println!("{what}; {} is written anew: copy it to the broker", dir.join("ca.crl").display());
        }
        CaCommand::List { dir } => {
            println!("{:32}  {:24}  {:24}  STATE", "SERIAL", "ENDS", "NAME");
            for issued in Authority::open(dir).issued()? {
                let Issued { serial, name, not_after, .. } = &issued;
                let state = match issued.standing(now) {
                    Standing::Holds => "holds",
                    Standing::EndsSoon => "ends soon",
                    Standing::Ended => "ended",
                    Standing::Revoked => "revoked",
                };
                println!("{serial:32}  {:24}  {name:24}  {state}", not_after.to_string());
            }
        }
    }
    Ok(())
}

fn edge_name(name: &str) -> anyhow::Result<&str> {
    let is_edge = name
        .split_once('.')
        .is_some_and(|(site, edge)| site.parse::<SiteName>().is_ok() && edge.parse::<EdgeName>().is_ok());
    if !is_edge {
        bail!("{name:?} is no edge; {{site}}.{{edge}} is one, as in lindong.rtu-01");
    }
    Ok(name)
}
