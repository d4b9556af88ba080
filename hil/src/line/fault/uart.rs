//! What a receiver makes of bytes that are sent at another rate than its own: 8 data bits, no parity, 1 stop bit.

use std::time::Duration;

/// The bits of one byte on the wire: start, eight of data, stop.
const BITS: usize = 10;

/// Gives the bytes that a receiver at `own` bit/s sees when these are sent at `sent` bit/s, each with the moment at which
/// it is whole, counted from the first start bit.
pub(super) fn heard(bytes: &[u8], sent: u32, own: u32) -> Vec<(u8, Duration)> {
    let (sent_bit, own_bit) = (1.0 / f64::from(sent), 1.0 / f64::from(own));
    let end = (bytes.len() * BITS) as f64 * sent_bit;
    let is_high = |at: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not below zero")]
        let bit = (at / sent_bit) as usize;
        match bytes.get(bit / BITS) {
            None => true,
            Some(byte) => match bit % BITS {
                0 => false,
                9 => true,
                place => byte >> (place - 1) & 1 == 1,
            },
        }
    };
    let mut seen = Vec::new();
    // Looks for start bits in steps that are short against a bit of either.
    let step = sent_bit.min(own_bit) / 16.0;
    let (mut at, mut was_high) = (0.0, true);
    while at < end {
        let is_start = was_high && !is_high(at) && !is_high(at + own_bit / 2.0);
        was_high = is_high(at);
        if !is_start {
            at += step;
            continue;
        }
        let data = |place: u8| u8::from(is_high(at + (1.5 + f64::from(place)) * own_bit)) << place;
        let byte = (0..8).map(data).fold(0, |byte, bit| byte | bit);
        let stop = at + 9.5 * own_bit;
        seen.push((byte, Duration::from_secs_f64(at + 10.0 * own_bit)));
        // Without a stop bit the line must rise first before it can fall again.
        (at, was_high) = (stop, is_high(stop));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: [u8; 11] = [0x01, 0x03, 0x06, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45, 0x8D, 0x61];

    #[test]
    fn same_rate_gives_the_same_bytes() {
        let seen = heard(&REPLY, 9600, 9600);
        assert_eq!(seen.iter().map(|(byte, _)| *byte).collect::<Vec<_>>(), REPLY);
        assert!(seen[10].1.as_micros().abs_diff(11_458) < 10);
        let slightly_off: Vec<u8> = heard(&REPLY, 9700, 9600).iter().map(|(byte, _)| *byte).collect();
        assert_eq!(slightly_off, REPLY, "one percent is within what a receiver bears");
    }

    #[test]
    fn other_rates_give_other_bytes() {
        for rate in [300, 1200, 2400, 4800, 19_200, 38_400, 57_600, 115_200] {
            let seen: Vec<u8> = heard(&REPLY, rate, 9600).iter().map(|(byte, _)| *byte).collect();
            assert_ne!(seen, REPLY, "{rate}");
            assert_eq!(seen.len() > REPLY.len(), rate < 9600, "{rate}: {seen:02x?}");
        }
    }
}
