//! The demo station, which the program carries with it so that it can be started from any folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use tankline_domain::site::Site;
use tankline_runtime::site_file;

macro_rules! deployed {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../deploy/sites/", $path)))
    };
}

/// Description of the station.
const SITE: (&str, &str) = deployed!("lindong.toml");

/// The strapping tables that it names.
const TABLES: [(&str, &str); 1] = [deployed!("tables/t-01.csv")];

/// Writes the description of the demo station and its strapping tables into a folder; gives the path of the description.
///
/// # Errors
/// When a file cannot be written.
pub fn unpack(folder: &Path) -> io::Result<PathBuf> {
    for (path, text) in std::iter::once(SITE).chain(TABLES) {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| naming(parent, &error))?;
        // A person may have it open; a file that is the same is left alone.
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(&path, text).map_err(|error| naming(&path, &error))?;
        }
    }
    Ok(folder.join(SITE.0))
}

/// Gives the demo station itself; its files are put into a folder.
///
/// # Errors
/// When a file cannot be written, or an environment variable lies over the description that makes no sense.
pub fn demo_site(folder: &Path) -> anyhow::Result<Site> {
    let file = unpack(folder).context("cannot write the description of the station")?;
    site_file::load(&file).map_err(|problems| anyhow!("{problems}"))
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn station_that_is_carried_is_the_deployed_one_with_all_its_tables() {
        let folder = tempfile::tempdir().unwrap();
        let carried = demo_site(folder.path()).unwrap();
        let deployed = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sites/lindong.toml");
        assert_eq!(carried, site_file::load(Path::new(deployed)).unwrap());
        assert_eq!(carried.gauges().len(), 28);
    }
}
