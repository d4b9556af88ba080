//! What the system allows a process that holds many connections.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Handles that a process needs beside its connections.
const BESIDE: u64 = 200;

/// The system does not allow as many connections as are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{edges} edges need {needed} file handles in this process and the system allows {allowed} (`ulimit -Hn`): {} edges \
     would fit; {}",
    edges_that_fit(*allowed, *each),
    advice(*each)
)]
pub struct TooManyHandles {
    edges: u64,
    each: u64,
    needed: u64,
    allowed: u64,
}

/// Raises the limit of file handles as far as these edges need, each with so many.
///
/// # Errors
/// [`TooManyHandles`] when the system does not allow that.
pub fn allow_handles(edges: u64, each: u64) -> Result<(), TooManyHandles> {
    let needed = edges * each + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    // No limit is none.
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let too_many = TooManyHandles { edges, each, needed, allowed: limit.maximum.unwrap_or(u64::MAX) };
    if too_many.allowed < needed {
        return Err(too_many);
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum }).map_err(|_| too_many)
}

fn edges_that_fit(allowed: u64, each: u64) -> u64 {
    allowed.saturating_sub(BESIDE) / each.max(1)
}

fn advice(each: u64) -> &'static str {
    if each > 1 {
        "run broker and centre as processes of their own (--broker), or raise the limit"
    } else {
        "share the edges out between several processes, or raise the limit"
    }
}

/// Gives the memory of this process in bytes, where the system tells it.
pub fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_does_not_allow_is_said_with_its_numbers() {
        let said = TooManyHandles { edges: 10_000, each: 4, needed: 40_200, allowed: 20_000 }.to_string();
        for part in ["10000 edges need 40200 file handles", "allows 20000", "4950 edges would fit", "--broker"] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert!(allow_handles(1, 1).is_ok());
        assert!(allow_handles(1 << 40, 4).is_err() || getrlimit(Resource::Nofile).maximum.is_none());
    }

    #[test]
    fn memory_is_told_where_the_system_tells_it() {
        assert!(resident_bytes().is_none_or(|bytes| bytes > 100_000));
    }
}
