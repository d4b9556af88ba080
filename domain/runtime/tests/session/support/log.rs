//! What a session logs, as lines.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What was logged by this thread; by a test on one thread, that is, and all of its tasks.
pub struct Log;

struct Lines;

/// Begins to take what is logged, each thread's apart. To be called before anything logs: what logs unheard at the same
/// time as somebody begins to listen may stay unheard.
pub fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| tracing_subscriber::fmt().with_writer(|| Lines).with_ansi(false).init());
}

impl Log {
    /// Forgets what was logged so far.
    pub fn take() -> Self {
        LINES.with(|lines| lines.borrow_mut().clear());
        Self
    }

    /// Gives the lines that hold this text.
    pub fn with(&self, text: &str) -> Vec<String> {
        let text_of = |lines: &RefCell<Vec<u8>>| String::from_utf8(lines.borrow().clone()).unwrap();
        LINES.with(text_of).lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
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
