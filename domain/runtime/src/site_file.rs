//! The description of a site, read from its file.

use std::path::Path;

use crate::document;
use tankline_domain::settings::Problems;
use tankline_domain::site::{self, Site};

/// Environment variables that begin so lie over the keys of the site's file.
pub const VARIABLES: &str = "TANKLINE_SITE";

/// Reads and checks the description of a site; strapping tables lie beside it.
///
/// # Errors
/// [`Problems`] with all that is wrong with the file.
pub fn load(file: &Path) -> Result<Site, Problems> {
    let document = document::load(file, VARIABLES)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    site::parse(&document, &|table| {
        let table = folder.join(table);
        std::fs::read_to_string(&table).map_err(|error| format!("{} cannot be read: {error}", table.display()))
    })
}
