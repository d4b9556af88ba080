//! Who may not come in whatever it proves.

use std::collections::HashSet;
use std::path::Path;

use tankline_domain::settings::Problems;

/// Names of users and certificates that are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Denied(HashSet<String>);

impl Denied {
    /// Reads a deny list: one name a line; lines that are empty or begin with `#` are passed over.
    ///
    /// # Errors
    /// [`Problems`] when the file cannot be read.
    pub(crate) fn read_file(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problems::of_file(path.display().to_string(), format!("the deny list cannot be read: {error}"))
        })?;
        let names = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Self(names.map(str::to_owned).collect()))
    }

    /// Tells whether a name stands on the list.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
