//! The files of the journal.
//!
//! A segment is a header of 48 bytes and records. All numbers are little-endian.
//!
//! | header | bytes | | record | bytes |
//! |---|---|---|---|---|
//! | magic `TANKJRNL` | 8 | | length of the payload | 4 |
//! | format, 1 | 2 | | CRC-32 of the payload | 4 |
//! | 0 | 2 | | payload: a reading as JSON | length |
//! | CRC-32 of the rest of the header | 4 | | | |
//! | journal id | 8 | | | |
//! | generation of the journal | 8 | | | |
//! | first sequence number | 8 | | | |
//! | hash of the machine's boot id | 8 | | | |
//!
//! The record with the number n of a segment has the sequence number first + n.

use tankline_domain::message::JournalId;

/// Length of the header.
pub const HEADER_LENGTH: usize = 48;

/// Length of what stands before each payload.
pub const RECORD_HEADER_LENGTH: usize = 8;

/// Newest format that is known.
pub const FORMAT: u16 = 1;

/// Longest payload that is believed.
pub const MAX_PAYLOAD: usize = 64 * 1024;

const MAGIC: &[u8; 8] = b"TANKJRNL";

/// What the header of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The journal.
    pub journal: JournalId,
    /// Counts the journals that this folder has had; the highest is the current one.
    pub generation: u64,
    /// Sequence number of the first record.
    pub first_seq: u64,
    /// Hash of the boot id of the machine that wrote it.
    pub boot: u64,
}

/// Why a header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// It is damaged, or none at all.
    Damaged,
    /// A newer version of the program wrote it.
    Newer(u16),
}

impl Header {
    /// Writes the header.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        let numbers = [self.journal.get(), self.generation, self.first_seq, self.boot];
        for (place, number) in bytes[16..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes[16..]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header.
    ///
    /// # Errors
    /// [`HeaderError`]; of a newer format nothing but its number is read.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let bytes: &[u8; HEADER_LENGTH] = bytes.first_chunk().ok_or(HeaderError::Damaged)?;
        if bytes[..8] != MAGIC[..] {
            return Err(HeaderError::Damaged);
        }
        let format = u16::from_le_bytes([bytes[8], bytes[9]]);
        if format == 0 {
            return Err(HeaderError::Damaged);
        }
        if format > FORMAT {
            return Err(HeaderError::Newer(format));
        }
        if crc32fast::hash(&bytes[16..]).to_le_bytes() != bytes[12..16] {
            return Err(HeaderError::Damaged);
        }
        let number = |index: usize| {
            let place = bytes[16..].chunks_exact(8).nth(index).and_then(|place| place.try_into().ok());
            place.map_or(0, u64::from_le_bytes)
        };
        let (journal, generation) = (JournalId::new(number(0)), number(1));
        Ok(Self { journal, generation, first_seq: number(2), boot: number(3) })
    }
}

/// Writes a record.
pub fn encode_record(payload: &[u8], into: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("payloads are short");
    into.extend(length.to_le_bytes());
    into.extend(crc32fast::hash(payload).to_le_bytes());
    into.extend(payload);
}

/// Reads the record at the beginning of the bytes; `None` when it is torn, damaged or not there.
#[must_use]
pub fn decode_record(bytes: &[u8]) -> Option<&[u8]> {
    let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_LENGTH>()?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let length = usize::try_from(length).ok().filter(|length| (1..=MAX_PAYLOAD).contains(length))?;
    let payload = rest.get(..length)?;
    (crc32fast::hash(payload).to_le_bytes() == header[4..]).then_some(payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: Header = Header { journal: JournalId::new(0x9f31), generation: 3, first_seq: 1042, boot: 7 };

    #[test]
    fn headers_come_back_and_damaged_or_newer_ones_are_refused() {
        let bytes = HEADER.encode();
        assert_eq!(Header::decode(&bytes), Ok(HEADER));
        for index in 0..HEADER_LENGTH * 8 {
            let mut damaged = bytes;
            damaged[index / 8] ^= 1 << (index % 8);
            // The two bytes after the format are not used.
            let unused = (80..96).contains(&index);
            assert_eq!(Header::decode(&damaged).is_ok(), unused, "bit {index}");
        }
        let mut newer = bytes;
        newer[8] = 9;
        assert_eq!(Header::decode(&newer), Err(HeaderError::Newer(9)));
        assert_eq!(Header::decode(&bytes[..47]), Err(HeaderError::Damaged));
    }

    proptest! {
        #[test]
        fn records_come_back_whole_or_not_at_all(
            payload in proptest::collection::vec(any::<u8>(), 1..200),
            cut in 0..200_usize,
            flip in 0..1600_usize,
        ) {
            let mut bytes = Vec::new();
            encode_record(&payload, &mut bytes);
            prop_assert_eq!(decode_record(&bytes), Some(&payload[..]));
            let cut = cut.min(bytes.len() - 1);
            prop_assert_eq!(decode_record(&bytes[..cut]), None);
            let flip = flip % (bytes.len() * 8);
            bytes[flip / 8] ^= 1 << (flip % 8);
            prop_assert_eq!(decode_record(&bytes), None);
        }
    }
}
