//! Chance that depends on nothing but the seed, a name and the time.

use std::time::Duration;

/// How long one draw of noise lasts: a gauge that is asked twice within it says the same.
const NOISE_STEP: Duration = Duration::from_millis(200);

/// Mixes bits so that neighbouring inputs give unrelated outputs.
///
/// Source: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014 (SplitMix64).
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Makes the seed of one tank or line, so that it goes its way whatever others there are.
pub(crate) fn seed_of(seed: u64, name: &str) -> u64 {
    name.bytes().fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte)))
}

/// Gives noise of about normal distribution with a deviation of 1; `channel` tells the quantities of a tank apart.
pub(crate) fn noise(seed: u64, channel: u64, time: Duration) -> f64 {
    let step = u64::try_from(time.as_nanos() / NOISE_STEP.as_nanos()).unwrap_or(u64::MAX);
    let bits = mix(seed ^ mix(channel ^ mix(step)));
    // Four uniform numbers of variance 1/12 each: their sum has variance 1/3.
    let sum: f64 = (0..4).map(|index| f64::from((bits >> (16 * index) & 0xFFFF) as u16) / 65_536.0).sum();
    (sum - 2.0) * 3f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_mean_0_and_deviation_1() {
        let count = 20_000u32;
        let draws: Vec<f64> = (0..count).map(|index| noise(7, 1, NOISE_STEP * index)).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(count);
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / f64::from(count);
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert!(draws.iter().all(|draw| draw.abs() < 3.5));
    }

    #[test]
    fn noise_depends_on_seed_channel_and_step_alone() {
        let time = Duration::from_secs(3);
        assert_eq!(noise(1, 1, time), noise(1, 1, time + NOISE_STEP / 2));
        assert_ne!(noise(1, 1, time), noise(1, 1, time + NOISE_STEP));
        assert_ne!(noise(1, 1, time), noise(1, 2, time));
        assert_ne!(noise(1, 1, time), noise(2, 1, time));
        assert_ne!(seed_of(1, "T-01"), seed_of(1, "T-10"));
    }
}
