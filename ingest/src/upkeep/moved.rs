//! Sites that moved after a backup was made: a restore undoes no handover.

use std::path::Path;

use rusqlite::Connection;
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::copy;
use super::site::{BringError, bring, let_go};
use crate::store::{self, Custody, beside};

/// What became of the sites that moved after the backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moved {
    /// Sites that were handed over, and stay so.
    pub handed_over: Vec<SiteName>,
    /// Sites that were taken in.
    pub taken_in: Vec<TakenIn>,
}

/// A site that was taken in after the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenIn {
    /// The site.
    pub site: SiteName,
    /// How many readings came along out of the replaced database, or why it could not be brought: then it is as the
    /// backup has it, or not there.
    pub brought: Result<u64, String>,
}

/// Does in the copy of a backup what happened to the custody of sites in the replaced database since.
///
/// `custodies` are those of the replaced database, which is at `replaced`.
pub(super) fn follow(
    copied: &Connection,
    copy_path: &Path,
    replaced: &Path,
    custodies: Vec<(SiteName, Custody)>,
    now: UnixMillis,
) -> rusqlite::Result<Moved> {
    let mut moved = Moved::default();
    for (site, custody) in custodies {
        let known = store::custody(copied, &site)?;
        let handovers = known.map_or(0, |known| known.handovers);
        let is_gone = known.is_some_and(|known| !known.is_here);
        if !custody.is_here && custody.handovers > handovers {
            let_go(copied, &site)?;
            store::set_custody(copied, &site, custody)?;
            moved.handed_over.push(site);
        } else if custody.is_here && (custody.handovers > handovers || (custody.handovers == handovers && is_gone)) {
            let file = beside(copy_path, ".site");
            let brought = bring(copied, replaced, &site, custody, &file, now);
            // It was made for this alone.
            let _ = copy::remove(&file);
            moved.taken_in.push(TakenIn { site, brought: brought.map_err(|error| in_words(&error)) });
        }
    }
    Ok(moved)
}

fn in_words(error: &BringError) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}
