//! Whose readings a folder has.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tankline_domain::names::{EdgeName, SiteName};

use super::error::JournalError;
use super::storage::Storage;

/// Name of its file.
pub(super) const OWNER: &str = "owner";

/// Length of its file at most: two names of 64 characters, a CRC, and what is between them.
pub(super) const OWNER_LENGTH: u64 = 144;

/// The edge whose readings a folder has. Under another name they would become those of other tanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its site.
    pub site: SiteName,
    /// Its name.
    pub edge: EdgeName,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "edge {} of site {}", self.edge, self.site)
    }
}

/// What a folder says of its owner.
enum Said {
    Nothing,
    Owner(Owner),
    /// It cannot be asked now.
    Unreadable,
}

impl Owner {
    /// Says who owns a folder that is not somebody else's. Changes nothing.
    ///
    /// A folder that says nothing, because it is new, older than this file, or damaged, is nobody's.
    ///
    /// # Errors
    /// [`JournalError::OtherOwner`].
    pub fn check(&self, storage: &dyn Storage, dir: &Path) -> Result<(), JournalError> {
        self.compare(dir, &Self::read(storage, dir))
    }

    /// Makes a folder that is nobody's this edge's.
    pub(super) fn claim(&self, storage: &dyn Storage, dir: &Path) -> Result<(), JournalError> {
        let said = Self::read(storage, dir);
        self.compare(dir, &said)?;
        if matches!(said, Said::Nothing) {
            let path = Self::path(dir);
            let write = || {
                let mut file = storage.create(&path)?;
                file.write_at(0, self.encode().as_bytes())?;
                file.sync()?;
                storage.sync_folder(dir)
            };
            // A disk that takes nothing gets no readings either; the next start tries again.
            if let Err(error) = write() {
                tracing::warn!(path = %path.display(), %error, "the journal's owner cannot be written down");
            }
        }
        Ok(())
    }

    /// Gives the place of its file in a journal's folder.
    pub(super) fn path(dir: &Path) -> PathBuf {
        dir.join(OWNER)
    }

    fn compare(&self, dir: &Path, said: &Said) -> Result<(), JournalError> {
        match said {
            Said::Owner(found) if found != self => {
                Err(JournalError::OtherOwner { path: dir.to_owned(), found: found.clone(), wanted: self.clone() })
            }
            _ => Ok(()),
        }
    }

    fn read(storage: &dyn Storage, dir: &Path) -> Said {
        let bytes = match storage.read(&Self::path(dir), 0, OWNER_LENGTH as usize) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Said::Nothing,
            Err(_) => return Said::Unreadable,
        };
        str::from_utf8(&bytes).ok().and_then(Self::decode).map_or(Said::Nothing, Said::Owner)
    }

    fn encode(&self) -> String {
        let text = format!("{} {}", self.site, self.edge);
        let crc = crc32fast::hash(text.as_bytes());
        format!("{text} {crc:08x}\n")
    }

    fn decode(text: &str) -> Option<Self> {
        let (text, crc) = text.strip_suffix('\n')?.rsplit_once(' ')?;
        if crc != format!("{:08x}", crc32fast::hash(text.as_bytes())) {
            return None;
        }
        let (site, edge) = text.split_once(' ')?;
        Some(Self { site: site.parse().ok()?, edge: edge.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulated::Machine;
    use super::*;

    fn owner(site: &str, edge: &str) -> Owner {
        Owner { site: site.parse().unwrap(), edge: edge.parse().unwrap() }
    }

    #[test]
    fn owners_come_back_whole_or_not_at_all() {
        let longest = owner(&"s".repeat(64), &"e".repeat(64));
        for owner in [owner("lindong", "rtu-01"), longest] {
            let text = owner.encode();
            assert!(text.len() as u64 <= OWNER_LENGTH);
            assert_eq!(Owner::decode(&text), Some(owner));
            for bit in 0..text.len() * 8 {
                let mut bytes = text.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(str::from_utf8(&bytes).ok().and_then(Owner::decode), None, "bit {bit}");
            }
        }
    }

    #[test]
    fn folder_that_is_nobodys_is_claimed_once_and_refused_to_others() {
        let (machine, dir) = (Machine::new(), Path::new("/journal"));
        let (first, second) = (owner("lindong", "rtu-01"), owner("lindong", "rtu-02"));
        first.check(&machine, dir).unwrap();
        assert!(machine.files().is_empty(), "a look changes nothing");
        first.claim(&machine, dir).unwrap();
        let operations = machine.operations();
        first.claim(&machine, dir).unwrap();
        assert_eq!(machine.operations(), operations + 1, "it is read only");
        for refused in [second.check(&machine, dir), second.claim(&machine, dir)] {
            let said = refused.unwrap_err().to_string();
            assert!(said.starts_with("journal: /journal has the readings of edge rtu-01 of site lindong"), "{said}");
        }
    }
}
