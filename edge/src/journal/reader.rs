//! Reads the records of a segment, past damage.

use std::io;

use tankline_domain::message::JournalId;

use super::segment::{HEADER_LENGTH, MAX_PAYLOAD, PAYLOAD_START, RECORD_HEADER_LENGTH, decode_record};

/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// No record is longer.
const LONGEST_RECORD: usize = RECORD_HEADER_LENGTH + MAX_PAYLOAD;

/// Reads the records of a segment one after another.
///
/// Where a record is damaged, the next good one is sought. One whose sequence number does not rise is not believed: the
/// disk gave back what stood there before.
#[derive(Debug)]
pub struct Reader<R> {
    read: R,
    journal: JournalId,
    /// Lowest sequence number that is believed next.
    least_seq: u64,
    window: Vec<u8>,
    /// Where in the window the next record begins.
    start: usize,
    /// Where in the file the window ends.
    window_end: u64,
    file_end: u64,
    skipped: u64,
}

/// A good record.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'w> {
    /// Its sequence number.
    pub seq: u64,
    /// The reading as JSON.
    pub payload: &'w [u8],
}

impl<R: FnMut(u64, usize) -> io::Result<Vec<u8>>> Reader<R> {
    /// Begins behind the header. `read` gives bytes of the file from an offset on: as many as asked for, or fewer at its
    /// end only; `end` is the file's length.
    pub fn new(journal: JournalId, first_seq: u64, end: u64, read: R) -> Self {
        Self::starting_at(journal, first_seq, HEADER_LENGTH as u64, end, read)
    }

    /// Begins at the offset of a record.
    pub fn starting_at(journal: JournalId, least_seq: u64, offset: u64, end: u64, read: R) -> Self {
        let (window, start, skipped) = (Vec::new(), 0, 0);
        Self { read, journal, least_seq, window, start, window_end: offset, file_end: end, skipped }
    }

    /// Gives the next good record.
    ///
    /// # Errors
    /// What the system says when the file cannot be read.
    pub fn next_record(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            self.fill()?;
            let rest = &self.window[self.start..];
            if rest.is_empty() {
                return Ok(None);
            }
            if let Some((seq, payload)) = decode_record(self.journal, rest)
                && seq >= self.least_seq
            {
                let begin = self.start + RECORD_HEADER_LENGTH;
                self.start = begin + payload.len();
                self.least_seq = seq + 1;
                return Ok(Some(Record { seq, payload: &self.window[begin..self.start] }));
            }
            let step = self.next_candidate();
            self.start += step;
            self.skipped += step as u64;
        }
    }

    /// Gives where in the file the next record would begin.
    pub const fn position(&self) -> u64 {
        self.window_end - (self.window.len() - self.start) as u64
    }

    /// Counts the bytes that were passed over because they are no good record.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Gives how far ahead another record may begin, or how far none does.
    fn next_candidate(&self) -> usize {
        let rest = &self.window[self.start..];
        let from = 1 + RECORD_HEADER_LENGTH;
        let found = rest.get(from..).and_then(|rest| find(rest, PAYLOAD_START));
        match found {
            Some(index) => index + 1,
            None if self.is_at_end() => rest.len(),
            // The beginning of a record may stand at the end of the window.
            None => rest.len() - (RECORD_HEADER_LENGTH + PAYLOAD_START.len() - 1),
        }
    }

    const fn is_at_end(&self) -> bool {
        self.window_end >= self.file_end
    }

    /// Sees to it that the window has a whole record, or all that is left.
    fn fill(&mut self) -> io::Result<()> {
        while self.window.len() - self.start < LONGEST_RECORD && !self.is_at_end() {
            self.window.drain(..self.start);
            self.start = 0;
            let left = self.file_end - self.window_end;
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let bytes = (self.read)(self.window_end, wanted)?;
            if bytes.is_empty() {
                // The file is shorter than it was said to be.
                self.file_end = self.window_end;
            }
            self.window_end += bytes.len() as u64;
            self.window.extend(bytes);
        }
        Ok(())
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(index) = bytes[from..].iter().position(|&byte| byte == first) {
        from += index;
        if bytes[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::segment::encode_record;
    use super::*;

    const JOURNAL: JournalId = JournalId::new(7);

    fn segment(seqs: impl IntoIterator<Item = u64>, padding: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LENGTH];
        for seq in seqs {
            let payload = format!("{{\"seq\":{seq},\"x\":\"{}\"}}", "y".repeat(padding));
            encode_record(JOURNAL, payload.as_bytes(), &mut bytes);
        }
        bytes
    }

    fn read(bytes: &[u8], first_seq: u64, chunk: usize) -> (Vec<u64>, u64) {
        let source = |offset: u64, length: usize| {
            let rest = &bytes[usize::try_from(offset).unwrap()..];
            Ok(rest[..rest.len().min(length).min(chunk)].to_vec())
        };
        let mut reader = Reader::new(JOURNAL, first_seq, bytes.len() as u64, source);
        let mut seqs = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            seqs.push(record.seq);
        }
        assert_eq!(reader.position(), bytes.len().max(HEADER_LENGTH) as u64);
        (seqs, reader.skipped())
    }

    #[test]
    fn a_flipped_bit_costs_one_record_and_no_more() {
        let bytes = segment(1..=5, 3);
        let record = (bytes.len() - HEADER_LENGTH) / 5;
        for bit in HEADER_LENGTH * 8..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let hit = (bit / 8 - HEADER_LENGTH) / record;
            let left: Vec<u64> = (1..=5).filter(|&seq| seq != hit as u64 + 1).collect();
            assert_eq!(read(&damaged, 1, CHUNK), (left, record as u64), "bit {bit}");
        }
    }

    #[test]
    fn numbers_that_do_not_rise_are_not_believed() {
        let bytes = segment([10, 11, 3, 11, 12, 9, 20], 0);
        assert_eq!(read(&bytes, 10, CHUNK).0, [10, 11, 12, 20]);
        assert_eq!(read(&bytes, 12, CHUNK).0, [12, 20]);
    }

    #[test]
    fn damage_longer_than_a_chunk_is_passed() {
        for filler in [0_u8, b'{', 0xff] {
            let mut bytes = segment(1..=3, 10);
            bytes.extend(vec![filler; 3 * CHUNK + 17]);
            bytes.extend(&segment(4..=6, 10)[HEADER_LENGTH..]);
            let (seqs, skipped) = read(&bytes, 1, CHUNK);
            assert_eq!((seqs, skipped), ((1..=6).collect(), 3 * CHUNK as u64 + 17));
        }
    }

    proptest! {
        #[test]
        fn what_is_read_does_not_depend_on_the_chunks(
            count in 0..40_u64,
            padding in 0..300_usize,
            holes in proptest::collection::vec((any::<prop::sample::Index>(), 0..400_usize), 0..4),
            chunk in 1..700_usize,
        ) {
            let mut bytes = segment(1..=count, padding);
            for (at, length) in holes {
                let at = HEADER_LENGTH + at.index(bytes.len() - HEADER_LENGTH + 1);
                let end = (at + length).min(bytes.len());
                bytes[at..end].fill(b'{');
            }
            prop_assert_eq!(read(&bytes, 1, chunk), read(&bytes, 1, CHUNK));
        }
    }
}
