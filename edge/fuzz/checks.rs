//! What must hold for any bytes: shared by the fuzz targets and the test that replays their seeds.

use std::io;

use tankline_domain::message::{Committed, JournalId};
use tankline_edge::journal::reader::Reader;
use tankline_edge::journal::segment::{HEADER_LENGTH, Header, MAX_NUMBER, RECORD_HEADER_LENGTH, encode_record};
use tankline_edge::line::frame::{Heard, Request, crc16, has_good_crc};

/// The journal that the pieces of an input belong to when it has no header of its own.
const JOURNAL: JournalId = JournalId::new(0x9f31_c2aa_07d1_5e44);

/// A segment, as it is and with each of its lines made a good record.
pub fn journal(bytes: &[u8]) {
    let header = Header::decode(bytes);
    if let Ok(header) = header {
        assert_eq!(Header::decode(&header.encode()), Ok(header));
    }
    let journal = header.map_or(JOURNAL, |header| header.journal);
    read_segment(journal, bytes);

    // A fuzzer does not find a CRC: half of the records here have a good one.
    let mut made = vec![0; HEADER_LENGTH];
    for line in bytes.split(|byte| *byte == b'\n') {
        match line.split_first() {
            Some((b'!', garbage)) => made.extend(garbage),
            _ => encode_record(journal, &line[..line.len().min(4096)], &mut made),
        }
    }
    read_segment(journal, &made);
}

fn read_segment(journal: JournalId, bytes: &[u8]) {
    let whole = records(journal, bytes, usize::MAX);
    let chunk = usize::from(bytes.first().copied().unwrap_or(0)) + 1;
    assert_eq!(whole, records(journal, bytes, chunk), "what is read does not depend on the chunks");
}

/// Reads all records, and checks that they are in the bytes, one after another, with rising numbers.
fn records(journal: JournalId, bytes: &[u8], chunk: usize) -> Vec<(u64, Vec<u8>)> {
    let read = |offset: u64, length: usize| -> io::Result<Vec<u8>> {
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        Ok(rest[..rest.len().min(length).min(chunk)].to_vec())
    };
    let mut reader = Reader::new(journal, 1, bytes.len() as u64, read);
    let (mut records, mut length, mut before) = (Vec::new(), 0, 0);
    while let Some(record) = reader.next_record().expect("memory can be read") {
        let (seq, payload) = (record.seq, record.payload.to_vec());
        assert!(seq > before && seq <= MAX_NUMBER);
        before = seq;
        let mut encoded = Vec::new();
        encode_record(journal, &payload, &mut encoded);
        let end = usize::try_from(reader.position()).expect("the input is short");
        assert_eq!(bytes[end - encoded.len()..end], encoded);
        length += (RECORD_HEADER_LENGTH + payload.len()) as u64;
        records.push((seq, payload));
    }
    let behind_header = bytes.len().saturating_sub(HEADER_LENGTH) as u64;
    assert_eq!(length + reader.skipped(), behind_header, "every byte is read or passed over");
    records
}

/// What is heard on a line.
pub fn frame(bytes: &[u8]) {
    for start in 0..bytes.len().min(300) {
        let Some((heard, length)) = Heard::at(&bytes[start..]) else { continue };
        let found = &bytes[start..start + length];
        assert!(has_good_crc(found));
        let unit = match heard {
            Heard::Reply { unit, .. } | Heard::Exception { unit, .. } | Heard::Request { unit, .. } => unit,
        };
        assert_eq!(unit, found[0]);
    }
    // With a good CRC more of them are frames.
    let signed = [bytes, &crc16(bytes).to_le_bytes()].concat();
    assert_eq!(has_good_crc(&signed), signed.len() >= 4);
    for frame in [bytes, &signed] {
        let Ok(request) = Request::from_frame(frame) else { continue };
        assert_eq!(request.frame(), frame);
        assert!(matches!(Heard::at(frame), Some((Heard::Request { .. } | Heard::Reply { .. }, _))));
        assert!(!request.may_begin(&vec![0; request.reply_length()]));
    }
}

/// What the centre says that it has.
pub fn committed(bytes: &[u8]) {
    let Ok(committed) = serde_json::from_slice::<Committed>(bytes) else { return };
    let ranges = committed.ranges.ranges();
    assert!(ranges.iter().all(|(first, last)| first <= last));
    assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0 && pair[1].0 - pair[0].1 > 1));
    for &(first, last) in ranges {
        assert!(committed.ranges.contains_range(first, last));
        assert!(committed.ranges.missing(first, last).is_empty());
        assert_eq!(committed.ranges.through(first), Some(last));
    }
    let written = serde_json::to_vec(&committed).expect("messages are plain data");
    assert_eq!(serde_json::from_slice::<Committed>(&written).expect("what was written is read"), committed);
}
