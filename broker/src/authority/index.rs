//! The list of what an authority has signed.

use std::fmt::Write;
use std::path::Path;

use tankline_domain::units::UnixMillis;
use tankline_runtime::mqtt::ENDS_SOON_MS;

use super::{AuthorityError, files};

const HEAD: &str = "# serial, name, ends and revoked (milliseconds since 1970, or -)\n";

/// One certificate that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Its number, hexadecimal.
    pub serial: String,
    /// Whose it is.
    pub name: String,
    /// The last moment at which it holds.
    pub not_after: UnixMillis,
    /// When it was revoked.
    pub revoked: Option<UnixMillis>,
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Holds,
    /// It holds for less than 30 days more.
    EndsSoon,
    /// It holds no more.
    Ended,
    /// It was revoked.
    Revoked,
}

impl Issued {
    /// Tells how the certificate stands.
    #[must_use]
    pub fn standing(&self, now: UnixMillis) -> Standing {
        let left = self.not_after.get().saturating_sub(now.get());
        match self.revoked {
            Some(_) => Standing::Revoked,
            None if left < 0 => Standing::Ended,
            None if left < ENDS_SOON_MS => Standing::EndsSoon,
            None => Standing::Holds,
        }
    }
}

/// All of them, in the order in which they were signed.
#[derive(Debug, Default)]
pub(super) struct Index(Vec<Issued>);

impl Index {
    pub(super) fn read(path: &Path) -> Result<Self, AuthorityError> {
        let text = files::read(path)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty());
        let issued = lines.map(|(index, line)| {
            parse(line).ok_or_else(|| AuthorityError::Content {
                path: path.to_owned(),
                wrong: format!("line {} does not read: serial name ends revoked", index + 1),
            })
        });
        issued.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), AuthorityError> {
        let mut text = HEAD.to_owned();
        for Issued { serial, name, not_after, revoked } in &self.0 {
            let revoked = revoked.map_or_else(|| "-".to_owned(), |at| at.get().to_string());
            let line = writeln!(text, "{serial} {name} {} {revoked}", not_after.get());
            line.expect("writing to a text does not fail");
        }
        files::replace(path, &text)
    }

    pub(super) fn add(&mut self, issued: Issued) {
        self.0.push(issued);
    }

    /// Marks all of a name, or the one of a number; those that were revoked before keep their time.
    pub(super) fn revoke(&mut self, name_or_serial: &str, now: UnixMillis) -> Vec<Issued> {
        let is_meant = |issued: &&mut Issued| issued.name == name_or_serial || issued.serial == name_or_serial;
        let meant = self.0.iter_mut().filter(is_meant);
        meant
            .map(|issued| {
                issued.revoked.get_or_insert(now);
                issued.clone()
            })
            .collect()
    }

    pub(super) fn revoked(&self) -> impl Iterator<Item = (&str, UnixMillis)> {
        self.0.iter().filter_map(|issued| Some((issued.serial.as_str(), issued.revoked?)))
    }

    pub(super) fn into_all(self) -> Vec<Issued> {
        self.0
    }
}

fn parse(line: &str) -> Option<Issued> {
    let [serial, name, not_after, revoked] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let revoked = if revoked == "-" { None } else { Some(UnixMillis::new(revoked.parse().ok()?)) };
    let is_hex = serial.len() % 2 == 0 && serial.bytes().all(|byte| byte.is_ascii_hexdigit());
    let not_after = UnixMillis::new(not_after.parse().ok()?);
    is_hex.then(|| Issued { serial: serial.to_owned(), name: name.to_owned(), not_after, revoked })
}
