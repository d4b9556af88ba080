//! Replays the seeds of the fuzz targets.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use tankline_edge::journal::segment::Header;

#[path = "../fuzz/checks.rs"]
mod checks;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        println!("{}", path.display());
        check(&bytes);
        // Near a seed it is where decoders go wrong.
        for index in 0..bytes.len().min(512) {
            check(&bytes[..index]);
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << (index % 8);
            check(&flipped);
        }
        seeds += 1;
    }
    assert!(seeds > 2, "{seeds} seeds for {target}");
}

#[test]
fn seeds_of_the_journal_reader_hold() {
    replay("journal", checks::journal);
    let whole = include_bytes!("../fuzz/seeds/journal/whole");
    assert!(Header::decode(whole).is_ok(), "the seeds have the format of today");
}

#[test]
fn seeds_of_the_frame_decoder_hold() {
    replay("frame", checks::frame);
}

#[test]
fn seeds_of_the_committed_message_hold() {
    replay("committed", checks::committed);
}
