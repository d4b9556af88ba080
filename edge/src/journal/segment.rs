//! The files of the journal.
//!
//! A segment is a header of 40 bytes and records. All numbers are little-endian.
//!
//! | header | bytes | | record | bytes |
//! |---|---|---|---|---|
//! | magic `TANKJRNL` | 8 | | length of the payload | 4 |
//! | format, 1 | 2 | | CRC-32 of the journal id and the payload | 4 |
//! | 0 | 2 | | payload: a reading as JSON, `{"seq":` first | length |
//! | CRC-32 of all other bytes of the header | 4 | | | |
//! | journal id | 8 | | | |
//! | generation of the journal | 8 | | | |
//! | lowest sequence number that a record may have | 8 | | | |
//!
//! The sequence numbers of the records rise. Every format has magic, format and CRC at these places, so that a newer
//! one is told from a damaged one.

use tankline_domain::message::JournalId;

/// Length of the header.
pub const HEADER_LENGTH: usize = 40;

/// Length of what stands before the payload of a record.
pub const RECORD_HEADER_LENGTH: usize = 8;

/// The format that is written, and the newest that is known.
pub const FORMAT: u16 = 1;

/// Longest payload that is believed; a reading has at most 700 bytes, with a layer of the most points.
pub const MAX_PAYLOAD: usize = 4096;

/// Highest sequence number and generation that is believed: what the centre can store.
pub const MAX_NUMBER: u64 = i64::MAX.cast_unsigned();

/// What every payload begins with.
pub const PAYLOAD_START: &[u8] = b"{\"seq\":";

const MAGIC: &[u8; 8] = b"TANKJRNL";

/// What the header of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The journal.
    pub journal: JournalId,
    /// Counts the journals that this folder has had; the highest is the current one. From 1.
    pub generation: u64,
    /// No record has a lower sequence number. From 1.
    pub first_seq: u64,
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
        let numbers = [self.journal.get(), self.generation, self.first_seq];
        for (place, number) in bytes[16..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let crc = header_crc(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header.
    ///
    /// # Errors
    /// [`HeaderError`]; of a newer format nothing but its number is read.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let bytes: &[u8; HEADER_LENGTH] = bytes.first_chunk().ok_or(HeaderError::Damaged)?;
        // A flipped bit in the format must not look like a newer one: that would keep the edge from starting.
        if bytes[..8] != MAGIC[..] || header_crc(bytes).to_le_bytes() != bytes[12..16] {
            return Err(HeaderError::Damaged);
        }
        match u16::from_le_bytes([bytes[8], bytes[9]]) {
            FORMAT => {}
            0 => return Err(HeaderError::Damaged),
            newer => return Err(HeaderError::Newer(newer)),
        }
        let number = |index: usize| {
            let place = bytes[16..].chunks_exact(8).nth(index).and_then(|place| place.try_into().ok());
            place.map_or(0, u64::from_le_bytes)
        };
        let header = Self { journal: JournalId::new(number(0)), generation: number(1), first_seq: number(2) };
        header.is_plausible().then_some(header).ok_or(HeaderError::Damaged)
    }

    /// Tells whether the numbers can be those of a segment.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        let possible = 1..=MAX_NUMBER;
        possible.contains(&self.generation) && possible.contains(&self.first_seq)
    }
}

fn header_crc(bytes: &[u8; HEADER_LENGTH]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..12]);
    hasher.update(&bytes[16..]);
    hasher.finalize()
}

/// A disk may give back what stood in its place before: the journal's id keeps records of other journals out.
fn record_crc(journal: JournalId, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&journal.get().to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Writes a record.
///
/// # Panics
/// When the payload is longer than [`MAX_PAYLOAD`].
pub fn encode_record(journal: JournalId, payload: &[u8], into: &mut Vec<u8>) {
    assert!(payload.len() <= MAX_PAYLOAD, "no reading is that long");
    let length = u32::try_from(payload.len()).expect("payloads are short");
    into.extend(length.to_le_bytes());
    into.extend(record_crc(journal, payload).to_le_bytes());
    into.extend(payload);
}

/// Reads the record at the beginning of the bytes: its sequence number and its payload.
///
/// `None` when it is torn, damaged, of another journal or not there.
#[must_use]
pub fn decode_record(journal: JournalId, bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<RECORD_HEADER_LENGTH>()?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    let length = usize::try_from(length).ok().filter(|length| (1..=MAX_PAYLOAD).contains(length))?;
    let payload = rest.get(..length)?;
    let seq = sequence_number(payload)?;
    (record_crc(journal, payload).to_le_bytes() == header[4..]).then_some((seq, payload))
}

fn sequence_number(payload: &[u8]) -> Option<u64> {
    let rest = payload.strip_prefix(PAYLOAD_START)?;
    let digits = rest.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    let number = str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    (rest.get(digits) == Some(&b',') && (1..=MAX_NUMBER).contains(&number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JOURNAL: JournalId = JournalId::new(0x9f31);
    const HEADER: Header = Header { journal: JOURNAL, generation: 3, first_seq: 1042 };

    fn signed(mut bytes: [u8; HEADER_LENGTH]) -> [u8; HEADER_LENGTH] {
        let crc = header_crc(&bytes);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    #[test]
    fn headers_come_back_and_damaged_or_newer_ones_are_refused() {
        let bytes = HEADER.encode();
        assert_eq!(Header::decode(&bytes), Ok(HEADER));
        for bit in 0..HEADER_LENGTH * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Above all not newer.
            assert_eq!(Header::decode(&damaged), Err(HeaderError::Damaged), "bit {bit}");
        }
        let mut newer = bytes;
        newer[8] = 9;
        assert_eq!(Header::decode(&signed(newer)), Err(HeaderError::Newer(9)));
        assert_eq!(Header::decode(&bytes[..HEADER_LENGTH - 1]), Err(HeaderError::Damaged));
        for impossible in [Header { generation: 0, ..HEADER }, Header { first_seq: u64::MAX, ..HEADER }] {
            assert_eq!(Header::decode(&impossible.encode()), Err(HeaderError::Damaged));
        }
    }

    #[test]
    fn records_of_another_journal_and_without_a_number_are_not_taken() {
        for (payload, seq) in [
            (&b"{\"seq\":7,\"tank\":\"T-01\"}"[..], Some(7)),
            (b"{\"seq\":0,\"tank\":\"T-01\"}", None),
            (b"{\"seq\":,", None),
            (b"{\"seq\":7}", None),
            (b"{\"seq\":18446744073709551615,", None),
            (b"{\"seq\":99999999999999999999999,", None),
            (b"{\"tank\":\"T-01\",\"seq\":7}", None),
        ] {
            let mut bytes = Vec::new();
            encode_record(JOURNAL, payload, &mut bytes);
            assert_eq!(decode_record(JOURNAL, &bytes), seq.map(|seq| (seq, payload)));
            assert_eq!(decode_record(JournalId::new(1), &bytes), None);
        }
    }

    proptest! {
        #[test]
        fn records_come_back_whole_or_not_at_all(
            seq in 1..=MAX_NUMBER,
            rest in proptest::collection::vec(any::<u8>(), 1..200),
            cut in 0..300_usize,
            flip in 0..2400_usize,
        ) {
            let payload = [format!("{{\"seq\":{seq},").as_bytes(), &rest].concat();
            let mut bytes = Vec::new();
            encode_record(JOURNAL, &payload, &mut bytes);
            prop_assert_eq!(decode_record(JOURNAL, &bytes), Some((seq, &payload[..])));
            let cut = cut.min(bytes.len() - 1);
            prop_assert_eq!(decode_record(JOURNAL, &bytes[..cut]), None);
            let flip = flip % (bytes.len() * 8);
            bytes[flip / 8] ^= 1 << (flip % 8);
            prop_assert_eq!(decode_record(JOURNAL, &bytes), None);
        }
    }
}
