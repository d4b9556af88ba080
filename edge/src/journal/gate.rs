//! Lets the operations of a simulated disk hang.

use std::sync::{Condvar, Mutex};

/// Where operations wait while the disk hangs.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_shut: bool,
    waiting: u32,
}

impl Gate {
    /// Lets operations hang.
    pub(super) fn shut(&self) {
        self.state.lock().unwrap().is_shut = true;
    }

    /// Waits until one hangs.
    pub(super) fn wait_until_one_hangs(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.waiting == 0).unwrap());
    }

    /// Lets them go on.
    pub(super) fn open(&self) {
        self.state.lock().unwrap().is_shut = false;
        self.changed.notify_all();
    }

    /// Goes through as soon as it is open.
    pub(super) fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        if state.is_shut {
            state.waiting += 1;
            self.changed.notify_all();
            state = self.changed.wait_while(state, |state| state.is_shut).unwrap();
            state.waiting -= 1;
        }
    }
}
