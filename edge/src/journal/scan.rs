//! What is found in a journal's folder when it is opened.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::segment::{FORMAT, HEADER_LENGTH, Header, HeaderError, RECORD_HEADER_LENGTH, decode_record};

/// Ending of segment files.
const SEGMENT: &str = "seg";

/// Ending of files that were segments and cannot be used.
const DAMAGED: &str = "damaged";

/// A segment that was found.
#[derive(Debug)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// What its header says.
    pub header: Header,
    /// Count of good records from the first on.
    pub records: u64,
    /// Length of header and good records.
    pub good_bytes: u64,
    /// Bytes after them that cannot be read.
    pub torn_bytes: u64,
}

/// Gives the name of a segment's file.
#[must_use]
pub fn file_name(header: &Header) -> String {
    format!("{:016x}-{}-{:020}.{SEGMENT}", header.generation, header.journal, header.first_seq)
}

/// Finds the segments of a folder in the order in which they were written.
///
/// A file without a good header is put aside under another name; their count comes back too.
///
/// # Errors
/// [`JournalError`] when the folder cannot be read, or a newer version of the program wrote a segment.
pub fn scan(dir: &Path) -> Result<(Vec<Found>, u64), JournalError> {
    let (mut found, mut put_aside) = (Vec::new(), 0);
    for entry in fs::read_dir(dir).map_err(JournalError::io("read folder", dir))? {
        let path = entry.map_err(JournalError::io("read folder", dir))?.path();
        if path.extension().is_none_or(|ending| ending != SEGMENT) {
            continue;
        }
        let bytes = fs::read(&path).map_err(JournalError::io("read", &path))?;
        match Header::decode(&bytes) {
            Ok(header) => found.push(measure(path, header, &bytes)),
            Err(HeaderError::Newer(format)) => return Err(JournalError::Newer { path, found: format, known: FORMAT }),
            Err(HeaderError::Damaged) => {
                let aside = path.with_extension(DAMAGED);
                fs::rename(&path, &aside).map_err(JournalError::io("put aside", &path))?;
                tracing::warn!(path = %aside.display(), "journal segment without a good header is put aside");
                put_aside += 1;
            }
        }
    }
    found.sort_by_key(|segment| (segment.header.generation, segment.header.first_seq));
    Ok((found, put_aside))
}

fn measure(path: PathBuf, header: Header, bytes: &[u8]) -> Found {
    let (mut records, mut offset) = (0, HEADER_LENGTH);
    while let Some(payload) = decode_record(&bytes[offset..]) {
        records += 1;
        offset += RECORD_HEADER_LENGTH + payload.len();
    }
    let (good_bytes, torn_bytes) = (offset as u64, (bytes.len() - offset) as u64);
    Found { path, header, records, good_bytes, torn_bytes }
}
