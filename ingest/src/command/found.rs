//! Files that need not be named because there is only one that can be meant.

use std::path::{Path, PathBuf};

/// Where site descriptions lie, the nearest first.
const FOLDERS: [&str; 4] = ["sites", "deploy/sites", "../sites", "/etc/tankline/sites"];

/// The description of the only site of a machine, as the packages' configuration names it.
const INSTALLED: &str = "/etc/tankline/site.toml";

/// No file was named, and which one is meant cannot be known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoundError {
    /// There is none.
    #[error(
        "no site is named and there is none in {} or {INSTALLED}; name its description with --site FILE",
        FOLDERS.join(", ")
    )]
    NoSite,
    /// There are several.
    #[error("no site is named and there are several: {files}; name one with --site FILE")]
    SeveralSites {
        /// The files.
        files: String,
    },
}

/// Gives the site description that is meant when none is named: the only one in the first folder that has any, or else the
/// one that is installed.
///
/// # Errors
/// [`FoundError`] when there is none there, or several.
pub(super) fn site(working_folder: &Path) -> Result<PathBuf, FoundError> {
    site_or(working_folder, Path::new(INSTALLED))
}

fn site_or(working_folder: &Path, installed: &Path) -> Result<PathBuf, FoundError> {
    let found = FOLDERS.iter().map(|folder| descriptions(&working_folder.join(folder))).find(|found| !found.is_empty());
    match found.as_deref() {
        None if installed.exists() => Ok(installed.to_owned()),
        None => Err(FoundError::NoSite),
        Some([file]) => Ok(file.clone()),
        Some(files) => {
            let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            Err(FoundError::SeveralSites { files: files.join(", ") })
        }
    }
}

fn descriptions(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_description_is_meant_where_no_folder_has_any() {
        let folder = tempfile::tempdir().unwrap();
        let installed = folder.path().join("site.toml");
        std::fs::write(&installed, "").unwrap();
        assert!(site_or(folder.path(), &installed) == Ok(installed.clone()) || Path::new(FOLDERS[3]).exists());
        std::fs::create_dir(folder.path().join("sites")).unwrap();
        std::fs::write(folder.path().join("sites/near.toml"), "").unwrap();
        assert_eq!(site_or(folder.path(), &installed), Ok(folder.path().join("sites/near.toml")));
    }

    #[test]
    fn only_description_is_meant_and_of_several_none() {
        let folder = tempfile::tempdir().unwrap();
        let sites = folder.path().join("deploy/sites");
        std::fs::create_dir_all(&sites).unwrap();
        assert!(
            matches!(site_or(folder.path(), Path::new("none.toml")), Err(FoundError::NoSite))
                || Path::new(FOLDERS[3]).exists()
        );
        std::fs::write(sites.join("table.csv"), "").unwrap();
        std::fs::write(sites.join("a.toml"), "").unwrap();
        assert_eq!(site(folder.path()), Ok(sites.join("a.toml")));
        std::fs::write(sites.join("b.toml"), "").unwrap();
        let said = site(folder.path()).unwrap_err().to_string();
        assert!(said.contains("a.toml, ") && said.contains("b.toml; name one with --site FILE"), "{said}");
        std::fs::create_dir(folder.path().join("sites")).unwrap();
        std::fs::write(folder.path().join("sites/near.toml"), "").unwrap();
        assert_eq!(site(folder.path()), Ok(folder.path().join("sites/near.toml")));
    }
}
