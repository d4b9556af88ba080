//! How fast a client may send, and how long it may be silent.

use std::time::{Duration, Instant};

use crate::rights::Granted;

/// So many times as much comes from a client that publishes for many: the centre answers every edge.
const FOR_MANY: u32 = 10;
/// The least that a client has for a packet, or for the next part of a long one, however short its keep-alive is.
const PACKET_TIME: Duration = Duration::from_secs(60);
/// A part of a long packet: whoever sends on a slow line gets this far in the time of a packet.
const PART_BYTES: usize = 16 * 1024;

/// Packets that a client may send a second, with as many at once as it may send in one second.
///
/// What it sends beyond that is not lost: it is read later.
#[derive(Debug)]
pub(super) struct Allowance {
    per_s: f64,
    left: f64,
    at: Instant,
}

impl Allowance {
    /// Begins with the allowance of a client that may publish this.
    pub(super) fn of(per_s: u32, granted: &Granted, now: Instant) -> Self {
        let factor = if granted.may_publish_for_many() { FOR_MANY } else { 1 };
        Self::new(per_s.saturating_mul(factor), now)
    }

    /// Begins with a whole second's worth; 0 a second is without a limit.
    fn new(per_s: u32, now: Instant) -> Self {
        Self { per_s: f64::from(per_s), left: f64::from(per_s), at: now }
    }

    /// Charges for packets that came; gives how long nothing more is to be read.
    pub(super) fn charge(&mut self, packets: u32, now: Instant) -> Option<Duration> {
        if self.per_s == 0.0 {
            return None;
        }
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + since * self.per_s).min(self.per_s) - f64::from(packets);
        (self.left < 0.0).then(|| Duration::from_secs_f64(-self.left / self.per_s))
    }
}

/// How long a client may be silent: one and a half times its keep-alive. MQTT 3.1.1, 3.1.2.10.
#[derive(Debug)]
pub(super) struct Patience {
    silence: Option<Duration>,
    packet: Duration,
    heard_at: Instant,
    /// When the packet that is unfinished began, or its part.
    packet_began_at: Option<Instant>,
    /// How much came of it since then.
    part_bytes: usize,
}

impl Patience {
    /// Begins with a client of this keep-alive; 0 s is for ever.
    pub(super) fn new(keep_alive_s: u16, now: Instant) -> Self {
        let silence = Duration::from_millis(1500 * u64::from(keep_alive_s));
        Self {
            silence: (!silence.is_zero()).then_some(silence),
            packet: silence.max(PACKET_TIME),
            heard_at: now,
            packet_began_at: None,
            part_bytes: 0,
        }
    }

    /// Notes that bytes have come, and whether a packet is unfinished with them and another was finished.
    pub(super) fn note_bytes(&mut self, now: Instant, bytes: usize, is_inside: bool, has_ended_one: bool) {
        self.heard_at = now;
        self.part_bytes += bytes;
        if !is_inside {
            self.packet_began_at = None;
        } else if has_ended_one || self.packet_began_at.is_none() || self.part_bytes >= PART_BYTES {
            self.packet_began_at = Some(now);
            self.part_bytes = 0;
        }
    }

    /// Gives when the connection is to be ended, unless something comes.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let silence = self.silence.map(|silence| self.heard_at + silence);
        let packet = self.packet_began_at.map(|began| began + self.packet);
        silence.into_iter().chain(packet).min()
    }
}

#[cfg(test)]
mod tests {
    use tankline_runtime::clock;

    use super::*;
    use crate::rights::Rights;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn client_that_sends_too_fast_is_read_later() {
        let start = clock::now();
        let mut allowance = Allowance::new(100, start);
        assert_eq!(allowance.charge(100, start), None, "a second's worth at once");
        assert_eq!(allowance.charge(50, start), Some(S / 2));
        assert_eq!(allowance.charge(0, start + S / 2), None);
        assert_eq!(allowance.charge(100, start + 10 * S), None);
        assert_eq!(allowance.charge(1, start + 10 * S), Some(S / 100), "nothing is saved up");
        assert_eq!(Allowance::new(0, start).charge(u32::MAX, start), None);
    }

    #[test]
    fn centre_may_send_ten_times_what_an_edge_may() {
        let (rights, start) = (Rights::default(), clock::now());
        for (name, per_s) in [("lindong.rtu-01", 10), ("desk", 10), ("tankline-ingest", 100)] {
            let granted = rights.of(Some(name), name).unwrap();
            let mut allowance = Allowance::of(10, &granted, start);
            assert_eq!(allowance.charge(per_s, start), None, "{name}");
            assert!(allowance.charge(1, start).is_some(), "{name}");
            assert_eq!(Allowance::of(0, &granted, start).charge(u32::MAX, start), None);
        }
    }

    #[test]
    fn silence_ends_after_one_and_a_half_keep_alives() {
        let start = clock::now();
        let mut patience = Patience::new(100, start);
        assert_eq!(patience.ends_at(), Some(start + 150 * S));
        patience.note_bytes(start + 10 * S, 2, false, true);
        assert_eq!(patience.ends_at(), Some(start + 160 * S));
        assert_eq!(Patience::new(0, start).ends_at(), None);
    }

    #[test]
    fn packet_that_trickles_in_ends_too() {
        let start = clock::now();
        let mut patience = Patience::new(0, start);
        for second in 0..50 {
            patience.note_bytes(start + second * S, 1, true, false);
        }
        assert_eq!(patience.ends_at(), Some(start + 60 * S));
        patience.note_bytes(start + 50 * S, 1, true, true);
        assert_eq!(patience.ends_at(), Some(start + 110 * S), "another one has begun");
        patience.note_bytes(start + 51 * S, 1, false, true);
        assert_eq!(patience.ends_at(), None);
    }

    #[test]
    fn long_packet_has_the_time_of_a_packet_for_each_part() {
        let start = clock::now();
        let mut patience = Patience::new(0, start);
        for second in 0..=500 {
            patience.note_bytes(start + second * S, 1024, true, false);
        }
        // The first part begins with the packet.
        assert_eq!(patience.ends_at(), Some(start + (496 + 60) * S));
    }
}
