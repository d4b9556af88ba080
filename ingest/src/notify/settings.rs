//! `[[webhook]]` and `[[email]]` of a configuration.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use tankline_domain::alarm::Priority;
use tankline_domain::names::SiteName;
use tankline_domain::settings::Section;
use tankline_runtime::mqtt::Tls;
use tankline_runtime::secret::{Secret, read_guarded_secret_file};
use url::{Host, Url};

use super::target::{EmailConfig, Keep, Security, Target, Way, WebhookConfig};
use super::{Occasion, Selection};
use crate::local_time::UtcOffset;

/// A signature is worth no more than its secret.
const SHORTEST_SECRET: usize = 16;

/// Reads who is to be told of alarms; reports everything that is wrong.
///
/// Files are relative to `folder`; `sites` are those that there are, absent when that is not known. E-mails tell local
/// time.
pub fn targets(root: &Section<'_>, folder: &Path, sites: Option<&[SiteName]>, utc_offset: UtcOffset) -> Vec<Target> {
    let mut names = HashSet::new();
    let mut found = Vec::new();
    let webhooks = root.list("webhook").into_iter().map(|section| (section, webhook as Read));
    let emails = root.list("email").into_iter().map(|section| (section, email as Read));
    for (section, way) in webhooks.chain(emails) {
        let (name, common) = (name(&section, &mut names), common(&section, sites));
        let way = way(&section, folder, utc_offset);
        section.finish();
        if let (Some(name), Some((selection, keep, timeout)), Some(way)) = (name, common, way) {
            found.push(Target { name, selection, keep, timeout, way });
        }
    }
    found
}

type Read = fn(&Section<'_>, &Path, UtcOffset) -> Option<Way>;

fn name(section: &Section<'_>, names: &mut HashSet<String>) -> Option<String> {
    let name = section.required::<String>("name")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        section.problem("name", "must be 1 to 64 of the characters A-Z a-z 0-9 _ - .");
        return None;
    }
    if !names.insert(name.clone()) {
        section.problem("name", "is the name of another webhook or email; each has a name of its own");
        return None;
    }
    Some(name)
}

fn common(section: &Section<'_>, sites: Option<&[SiteName]>) -> Option<(Selection, Keep, Duration)> {
    let (default, keep) = (Selection::default(), Keep::default());
    let occasions = section.optional::<Vec<String>>("events").map(|words| occasions(section, &words));
    let priorities = [Priority::Low, Priority::Medium, Priority::High, Priority::Critical];
    let minimum_priority = section.choice("minimum_priority", &priorities.map(|one| (one.name(), one)));
    let wanted: BTreeSet<SiteName> = section.or("sites", Vec::new()).into_iter().collect();
    let sites = sites.unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(|site| !sites.is_empty() && !sites.contains(site)) {
        let known = sites.iter().map(SiteName::as_str).collect::<Vec<_>>().join(", ");
        section.problem("sites", format!("site {unknown} is not described here; known are {known}"));
    }
    let max_rows = section.within("max_rows", 1..=1_000_000, keep.max_rows);
    let days = section.within("max_days", 1..=365_u64, keep.max_age.as_secs() / 86_400);
    let timeout = Duration::from_millis(section.within("timeout_ms", 100..=600_000_u64, 15_000));
    let selection = Selection {
        occasions: occasions.unwrap_or(default.occasions),
        minimum_priority: minimum_priority?,
        sites: wanted,
    };
    Some((selection, Keep { max_rows, max_age: Duration::from_secs(days * 86_400) }, timeout))
}

fn occasions(section: &Section<'_>, words: &[String]) -> BTreeSet<Occasion> {
    let known = || Occasion::ALL.map(|(word, _)| word).join(", ");
    if words.is_empty() {
        section.problem("events", format!("is empty; take some of {}", known()));
    }
    let mut found = BTreeSet::new();
    for word in words {
        match Occasion::ALL.iter().find(|(known, _)| known == word) {
            Some((_, occasion)) => _ = found.insert(*occasion),
            None => section.problem("events", format!("{word:?} is none; known are {}", known())),
        }
    }
    found
}

fn webhook(section: &Section<'_>, folder: &Path, _: UtcOffset) -> Option<Way> {
    let url = section.required::<String>("url").and_then(|text| webhook_url(section, &text));
    if !section.has("secret_file") {
        section.problem("secret_file", "is missing; name a file with the secret that requests are signed with");
    }
    let secret = secret(section, "secret_file", folder);
    if secret.as_ref().is_some_and(|secret| secret.expose().len() < SHORTEST_SECRET) {
        let advice =
            format!("holds a secret of less than {SHORTEST_SECRET} characters; make one: openssl rand -hex 32");
        section.problem("secret_file", advice);
    }
    let authorities = section.optional::<PathBuf>("ca_file").map(|path| folder.join(path));
    let url = url?;
    let tls = match (url.scheme(), &authorities) {
        ("https", _) => Some(Tls::load(authorities.as_deref(), None).map_err(|error| {
            let key = if authorities.is_some() { "ca_file" } else { "url" };
            section.problem(key, in_full(&error));
        })),
        (_, Some(_)) => {
            section.problem("ca_file", "has no use with http; write https in url");
            None
        }
        (_, None) => None,
    };
    Some(Way::Webhook(WebhookConfig { url, secret: secret?, tls: tls.transpose().ok()? }))
}

fn webhook_url(section: &Section<'_>, text: &str) -> Option<Url> {
    let wanted = "must read https://host/path, or http:// on a network of your own";
    match Url::parse(text) {
        Err(error) => section.problem("url", format!("{wanted}: {error}")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => section.problem("url", wanted),
        // The value is not to be shown.
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            section.problem_here("url must not hold a user or password; the receiver knows us by the signature")
        }
        Ok(url) => return Some(url),
    }
    None
}

fn email(section: &Section<'_>, folder: &Path, utc_offset: UtcOffset) -> Option<Way> {
    let host = section.required::<String>("host");
    let host = host.filter(|host| {
        let fine = Host::parse(host).is_ok();
        if !fine {
            section.problem("host", "must be the name or address of a mail server");
        }
        fine
    });
    let choices = [("starttls", Security::StartTls), ("tls", Security::Tls), ("none", Security::None)];
    let security = section.choice("security", &choices);
    let port = section.within("port", 1..=u16::MAX, security.map_or(0, Security::port));
    let authorities = section.optional::<PathBuf>("ca_file").and_then(|path| authorities(section, &folder.join(path)));
    let user = section.optional::<String>("user");
    let password = secret(section, "password_file", folder);
    if user.is_some() != section.has("password_file") {
        let (missing, there) = if user.is_some() { ("password_file", "user") } else { ("user", "password_file") };
        section.problem(missing, format!("is missing; {there} is there"));
    }
    let from = section.required::<String>("from").and_then(|text| mailbox(section, "from", &text));
    let to: Option<Vec<_>> = section
        .required::<Vec<String>>("to")
        .map(|texts| texts.iter().filter_map(|text| mailbox(section, "to", text)).collect());
    if to.as_ref().is_some_and(Vec::is_empty) {
        section.problem("to", "is empty; name at least one address");
    }
    let gather = Duration::from_secs(section.within("gather_s", 0..=3600_u64, 5));
    let spacing = Duration::from_secs(section.within("at_most_every_s", 0..=86_400_u64, 60));
    let how_to_acknowledge = section.optional::<String>("how_to_acknowledge");
    let (host, security) = (host?, security?);
    if security == Security::None && user.is_some() && !is_here(&host) {
        section.problem("security", "must be starttls or tls where a password is sent to another machine");
    }
    let login = user.and_then(|user| Some((user, password?)));
    Some(Way::Email(Box::new(EmailConfig {
        host,
        port,
        security,
        authorities,
        login,
        from: from?,
        to: to?,
        gather,
        spacing,
        utc_offset,
        how_to_acknowledge,
    })))
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn mailbox(section: &Section<'_>, key: &str, text: &str) -> Option<Mailbox> {
    let parsed = text.parse().map_err(|error| {
        section.problem(key, format!("{text:?} is no address ({error}); write name@host or Name <name@host>"));
    });
    parsed.ok()
}

fn authorities(section: &Section<'_>, path: &Path) -> Option<Vec<u8>> {
    // Loaded once as for a webhook, which finds everything that may be wrong with it.
    let checked = Tls::load(Some(path), None).map_err(|error| in_full(&error));
    let read = checked.and_then(|_| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display())));
    read.map_err(|wrong| section.problem("ca_file", wrong)).ok()
}

fn secret(section: &Section<'_>, key: &str, folder: &Path) -> Option<Secret> {
    let path = folder.join(section.optional::<PathBuf>(key)?);
    read_guarded_secret_file(&path).map_err(|error| section.problem(key, in_full(&error))).ok()
}

fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;

    use serde_json::{Value, json};
    use tankline_domain::settings::{Document, Problems, Reader};

    use super::*;

    fn read(root: Value, folder: &Path) -> Result<Vec<Target>, Problems> {
        let document = Document { origin: "ingest.toml".into(), root, from_environment: BTreeMap::new() };
        let reader = Reader::new(&document);
        let root = reader.root();
        let found = targets(&root, folder, Some(&["lindong".parse().unwrap()]), UtcOffset::default());
        root.finish();
        reader.finish().map(|()| found)
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "0123456789abcdef\n").unwrap();
        std::fs::write(folder.path().join("short"), "short\n").unwrap();
        for name in ["secret", "short"] {
            std::fs::set_permissions(folder.path().join(name), PermissionsExt::from_mode(0o600)).unwrap();
        }
        std::fs::write(folder.path().join("open"), "0123456789abcdef\n").unwrap();
        std::fs::set_permissions(folder.path().join("open"), PermissionsExt::from_mode(0o644)).unwrap();
        folder
    }

    #[test]
    fn little_has_to_be_said() {
        let folder = folder();
        let found = read(
            json!({
                "webhook": [{"name": "hook", "url": "http://10.0.0.7:9000/alarms", "secret_file": "secret"}],
                "email": [{"name": "night", "host": "mail.example", "from": "Tanks <t@a.example>", "to": ["n@a.example"],
                           "events": ["annunciated", "cleared"], "minimum_priority": "high", "sites": ["lindong"]}],
            }),
            folder.path(),
        );
        let found = found.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(found[0].selection, Selection::default());
        assert_eq!(found[1].selection.occasions.len(), 2);
        assert_eq!(found[1].selection.minimum_priority, Priority::High);
        let Way::Email(email) = &found[1].way else { panic!("no e-mail") };
        assert_eq!((email.security, email.port), (Security::StartTls, 587));
        assert_eq!((email.gather, email.spacing), (Duration::from_secs(5), Duration::from_secs(60)));
    }

    #[test]
    fn secret_that_everybody_can_read_is_refused() {
        let folder = folder();
        for section in ["webhook", "email"] {
            let key = if section == "webhook" { "secret_file" } else { "password_file" };
            let mut target = json!({"name": "a", key: "open"});
            let rest = if section == "webhook" {
                json!({"url": "http://10.0.0.7:9000/alarms"})
            } else {
                json!({"host": "mail.example", "from": "t@a.example", "to": ["n@a.example"], "user": "u"})
            };
            target.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            let said = read(json!({section: [target]}), folder.path()).unwrap_err().to_string();
            assert!(said.contains(key) && said.contains("(mode 644); chmod o= it"), "{said}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let folder = folder();
        let said = read(
            json!({
                "webhook": [
                    {"name": "a", "url": "ftp://x", "secret_file": "none", "minimum_priority": "urgent", "retries": 3},
                    {"name": "a", "url": "https://u:p@x/", "secret_file": "short", "events": ["raised"], "sites": ["elsewhere"]},
                    {"name": "b c", "url": "http://x/", "ca_file": "ca.pem"},
                ],
                "email": [
                    {"name": "d", "host": "mail.example", "security": "none", "user": "u", "password_file": "secret",
                     "from": "nobody", "to": []},
                    {"name": "e", "host": "", "user": "u", "from": "a@b.example", "to": ["a@b.example"], "max_days": 0},
                ],
            }),
            folder.path(),
        );
        let said = said.unwrap_err().to_string();
        for expected in [
            "webhook[a].url = \"ftp://x\": must read https://host/path",
            "webhook[a].secret_file = \"none\": cannot read the secret file",
            "webhook[a].minimum_priority = \"urgent\": must be one of \"low\", \"medium\", \"high\", \"critical\"",
            "webhook[a].retries = 3: is not a key here",
            "webhook[a].name = \"a\": is the name of another webhook or email",
            "must not hold a user or password",
            "holds a secret of less than 16 characters; make one: openssl rand -hex 32",
            "\"raised\" is none; known are annunciated, cleared, acknowledged, set-aside",
            "site elsewhere is not described here; known are lindong",
            "must be 1 to 64 of the characters",
            "secret_file: is missing; name a file",
            "has no use with http; write https in url",
            "must be starttls or tls where a password is sent to another machine",
            "\"nobody\" is no address",
            "is empty; name at least one address",
            "must be the name or address of a mail server",
            "email[e].password_file: is missing; user is there",
            "email[e].max_days = 0: must be 1 to 365",
        ] {
            assert!(said.contains(expected), "{expected}\nis not in\n{said}");
        }
        assert!(!said.contains("u:p"), "{said}");
    }
}
