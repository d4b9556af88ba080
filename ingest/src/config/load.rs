//! Reading the configuration file; everything that is wrong is said at once.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tankline_domain::settings::{Document, Problems, Reader, Section};
use tankline_domain::site::Site;
use tankline_runtime::mqtt::BrokerSettings;
use tankline_runtime::secret::{Secret, read_secret_file};
use tankline_runtime::{document, site_file};
use url::Url;

use super::report::report;
use super::{BrokerConfig, Config, DEFAULT_HTTP, HistorianConfig, Retention, TextFields};
use crate::access::Tokens;
use crate::notify;

/// What the environment variables begin with that are laid over the file.
pub const ENV_PREFIX: &str = "TANKLINE_INGEST";

/// Reads the configuration, the site descriptions and the secret files that it names.
///
/// Paths in the file are relative to the file.
///
/// # Errors
/// [`Problems`] with all that is wrong, in whichever file.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let document = document::load(path, ENV_PREFIX)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&document, folder)
}

fn parse(document: &Document, folder: &Path) -> Result<Config, Problems> {
    let reader = Reader::new(document);
    let root = reader.root();
    let (sites, site_problems) = sites(&root, folder);
    let database = root.required::<PathBuf>("database").map(|path| folder.join(path));
    let broker = broker(root.section("broker"), folder);
    let (http, tokens_file) = http(root.section("http"), folder);
    let retention = retention(root.section("retention"));
    let historian = root.optional_section("influxdb").map(|section| historian(section, folder));
    let dead_letter_max_rows = root.within("dead_letter_max_rows", 1..=1_000_000, Config::DEAD_LETTER_MAX_ROWS);
    let report_section = root.section("report");
    let report = report(&report_section);
    report_section.finish();
    let names: Vec<_> = sites.iter().map(|site| site.name().clone()).collect();
    let targets = notify::targets(&root, folder, site_problems.is_none().then_some(&names), report.utc_offset);
    root.finish();
    let outcome = match (reader.finish(), site_problems) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(problems)) | (Err(problems), None) => Err(problems),
        (Err(problems), Some(more)) => Err(problems.and(more)),
    };
    outcome?;
    Ok(Config {
        sites,
        database: database.expect("a missing database is a problem"),
        broker: broker.expect("a missing broker is a problem"),
        http,
        tokens_file,
        retention,
        historian: historian.map(|historian| historian.expect("a missing part of the historian is a problem")),
        dead_letter_max_rows,
        targets,
        report,
    })
}

fn sites(root: &Section<'_>, folder: &Path) -> (Vec<Site>, Option<Problems>) {
    let Some(paths) = root.required::<Vec<PathBuf>>("sites") else { return (Vec::new(), None) };
    if paths.is_empty() {
        root.problem("sites", "is empty; name the file of at least one site description");
    }
    let (mut sites, mut problems): (Vec<Site>, Option<Problems>) = (Vec::new(), None);
    let mut names = HashSet::new();
    for path in paths {
        match site_file::load(&folder.join(&path)) {
            Ok(site) => {
                if !names.insert(site.name().clone()) {
                    root.problem("sites", format!("{}: site {} is listed twice", path.display(), site.name()));
                }
                sites.push(site);
            }
            Err(more) => {
                problems = Some(match problems {
                    None => more,
                    Some(earlier) => earlier.and(more),
                });
            }
        }
    }
    (sites, problems)
}

fn broker(section: Section<'_>, folder: &Path) -> Option<BrokerConfig> {
    let settings = BrokerSettings::take(&section, folder);
    let client_id = section.or("client_id", BrokerConfig::DEFAULT_CLIENT_ID.to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if client_id.is_empty() || client_id.len() > 64 || !client_id.chars().all(plain) {
        section.problem("client_id", "must be 1 to 64 of the characters A-Z a-z 0-9 _ - .");
    }
    if client_id.contains('.') && !client_id.starts_with(BrokerConfig::DEFAULT_CLIENT_ID) {
        tracing::warn!(
            client_id,
            "a client_id that reads {{site}}.{{edge}} is an edge's to a tankline-broker without users: begin it with \
             tankline-ingest"
        );
    }
    section.finish();
    Some(BrokerConfig { settings: settings?, client_id })
}

fn http(section: Section<'_>, folder: &Path) -> (Option<SocketAddr>, Option<PathBuf>) {
    let enabled = section.or("enabled", true);
    let listen = section.or("listen", DEFAULT_HTTP);
    let tokens_file = section.optional::<PathBuf>("tokens_file").map(|path| folder.join(path));
    if let Some(Err(error)) = tokens_file.as_deref().map(Tokens::read) {
        section.problem("tokens_file", in_words(&error));
    }
    section.finish();
    (enabled.then_some(listen), tokens_file)
}

fn retention(section: Section<'_>) -> Retention {
    let default = Retention::default();
    let raw_days = section.within("raw_days", 1..=36_500, default.raw_days);
    let unsent_days = section.within("unsent_days", 1..=36_500, default.unsent_days.max(raw_days));
    if unsent_days < raw_days {
        section.problem("unsent_days", format!("must be at least raw_days, which is {raw_days}"));
    }
    let alarm_days = section.within("alarm_days", 1..=36_500, default.alarm_days);
    section.finish();
    Retention { raw_days, unsent_days, alarm_days }
}

fn historian(section: Section<'_>, folder: &Path) -> Option<HistorianConfig> {
    let url = section.required::<String>("url").and_then(|text| match historian_url(&text) {
        Ok(url) => Some(url),
        Err(wrong) => {
            section.problem("url", wrong);
            None
        }
    });
    let org = section.or("org", String::new());
    let bucket = section.required::<String>("bucket");
    let token = secret(&section, "token_file", folder);
    if token.as_ref().is_some_and(|token| !token.expose().bytes().all(|byte| (0x20..0x7f).contains(&byte))) {
        section.problem("token_file", "holds a token with characters that HTTP does not allow");
    }
    let batch_lines = section.within("batch_lines", 1..=HistorianConfig::MAX_BATCH_LINES, 5000);
    let in_flight = section.within("in_flight", 1..=64_usize, 4);
    let timeout = Duration::from_millis(section.within("timeout_ms", 100..=600_000_u64, 10_000));
    let text_fields = if section.or("text_fields", true) { TextFields::Written } else { TextFields::LeftOut };
    // Dashboards take nothing for true that was written more than 30 s ago.
    let figures_interval_s = section.within("figures_interval_s", 0..=10_u64, HistorianConfig::FIGURES_INTERVAL_S);
    let figures_interval = (figures_interval_s > 0).then(|| Duration::from_secs(figures_interval_s));
    section.finish();
    let (url, bucket) = (url?, bucket?);
    Some(HistorianConfig { url, org, bucket, token, batch_lines, in_flight, timeout, text_fields, figures_interval })
}

fn historian_url(text: &str) -> Result<Url, String> {
    let wanted = "must read http://host:port or https://host:port";
    let url = Url::parse(text).map_err(|error| format!("{wanted}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wanted.to_owned());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{wanted}; nothing follows, the path of the write interface is added"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password; the token has a token_file".to_owned());
    }
    Ok(url)
}

fn secret(section: &Section<'_>, key: &str, folder: &Path) -> Option<Secret> {
    let path = folder.join(section.optional::<PathBuf>(key)?);
    match read_secret_file(&path) {
        Ok(secret) => Some(secret),
        Err(error) => {
            section.problem(key, in_words(&error));
            None
        }
    }
}

/// Says an error with its cause.
fn in_words(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
