//! What is logged, as lines.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

/// Begins to take what is logged, each thread's apart: that of a test on one thread and all its tasks. To be called before
/// anything logs.
pub fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| tracing_subscriber::fmt().with_writer(|| Lines).with_ansi(false).init());
}

/// Gives the lines of this thread that hold this text.
pub fn with(text: &str) -> Vec<String> {
    let text_of = |lines: &RefCell<Vec<u8>>| String::from_utf8(lines.borrow().clone()).unwrap();
    LINES.with(text_of).lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with(|lines| lines.borrow_mut().extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
