//! The profile block of a register map, from its description.

use std::time::Duration;

use crate::profile::{ProfileBlock, Rod, RodProfile};
use crate::register::{RegisterKind, RegisterNumber};
use crate::settings::Section;
use crate::units::Millimetres;

/// Reads `[register_map.profile]`: where the block is, how large, what the rod's data sheet says, and how often it is read.
pub(super) fn rod_profile(section: Section<'_>) -> Option<RodProfile> {
    let usual = ProfileBlock::default();
    let register = section.required_within::<u16>("register", 1..=u16::MAX);
    let kind = section.choice("kind", &[("holding", RegisterKind::Holding), ("input", RegisterKind::Input)]);
    let points = section.within("points", 4..=ProfileBlock::GREATEST_POINTS, usual.points());
    let window_points = section.within("window_points", 0..=ProfileBlock::GREATEST_POINTS, usual.window_points());
    let blur_mm = section.within("blur_mm", 0.1..=200.0, 4.0);
    let lost_to_water = section.within("lost_to_water", 0.05..=0.95, 0.55);
    let climb = section.within("climb", 0.0..=20.0, 0.0);
    let interval_s = section.within("interval_s", 1..=86_400_u64, 60);
    let block = register
        .and_then(RegisterNumber::new)
        .zip(kind)
        .map(|(register, kind)| ProfileBlock::new(register, kind, points, window_points));
    if block == Some(None) {
        let most = ProfileBlock::GREATEST_POINTS;
        let message =
            format!("does not fit: points and window_points are at most {most} together, the last register is 65536");
        section.problem_here(message);
    }
    section.finish();
    let rod = Rod::of_spots(Millimetres::new(blur_mm), lost_to_water, climb);
    Some(RodProfile { block: block??, rod, interval: Duration::from_secs(interval_s) })
}
