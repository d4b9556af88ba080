//! A ZIP archive of files that are not compressed, which is all that a workbook needs.
//!
//! Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

/// 1980-01-01, the first day that an archive knows: the same report is the same file.
const DATE: u16 = 0x21;
/// Version needed: 2.0.
const VERSION: u16 = 20;
/// Names are in UTF-8.
const FLAGS: u16 = 0x0800;

/// Packs files, each with its path. Together they are below 4 GiB.
pub(super) fn archive(files: &[(String, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for (path, text) in files {
        let at = length(bytes.len());
        let mut entry = Vec::new();
        for field in [VERSION, FLAGS, 0, 0, DATE] {
            entry.extend(field.to_le_bytes());
        }
        for field in [crc32fast::hash(text.as_bytes()), length(text.len()), length(text.len())] {
            entry.extend(field.to_le_bytes());
        }
        for field in [short(path.len()), 0] {
            entry.extend(field.to_le_bytes());
        }
        bytes.extend(0x0403_4b50_u32.to_le_bytes());
        bytes.extend(&entry);
        bytes.extend(path.as_bytes());
        bytes.extend(text.as_bytes());
        directory.extend(0x0201_4b50_u32.to_le_bytes());
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&entry);
        // Comment, disk, attributes.
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let (at, size, count) = (length(bytes.len()), length(directory.len()), short(files.len()));
    bytes.extend(directory);
    bytes.extend(0x0605_4b50_u32.to_le_bytes());
    for field in [0, 0, count, count] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(size.to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a report is far below 4 GiB")
}

fn short(count: usize) -> u16 {
    u16::try_from(count).expect("a workbook has a few files with short names")
}
