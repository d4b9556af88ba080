//! A tank as a bar: what stands in it, and above that the zones of its limits.

use tankline_domain::site::Tank;
use tankline_domain::units::Millimetres;

use crate::live::{TankState, TankView};

/// A tank as a stacked bar from its bottom to its top. The parts are in percent of its height and make 100 together.
///
/// What is not known is one part, `unknown`: a tank whose values do not hold now shows nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bar {
    /// Free water.
    pub water: f64,
    /// Transition layer.
    pub emulsion: f64,
    /// Oil; all of the content where no interface is known.
    pub oil: f64,
    /// Empty, below the low-low limit.
    pub below_ll: f64,
    /// Empty, from the low-low to the low limit.
    pub below_l: f64,
    /// Empty, where the level may stand.
    pub room: f64,
    /// Empty, from the high to the high-high limit.
    pub above_h: f64,
    /// Empty, above the high-high limit.
    pub above_hh: f64,
    /// Not known.
    pub unknown: f64,
}

impl Bar {
    /// Draws a tank.
    #[must_use]
    pub fn of(tank: &Tank, view: &TankView) -> Self {
        let height = tank.height.get();
        let level = view.shown.level_mm.filter(|_| matches!(view.state, TankState::Live | TankState::Uncertain));
        let Some(level) = level.filter(|_| height > 0.0) else {
            return Self { unknown: 100.0, ..Self::default() };
        };
        let level = level.clamp(0.0, height);
        let interface = view.shown.interface_mm.unwrap_or_default().clamp(0.0, level);
        let bottom = view.shown.layer_bottom_mm.unwrap_or(interface).clamp(0.0, level);
        let top = view.shown.layer_top_mm.unwrap_or(bottom).clamp(bottom, level);
        let mut from = level;
        let mut up_to = |limit: Option<Millimetres>| {
            let to = limit.map_or(from, |limit| limit.get().clamp(from, height));
            let part = (to - from) / height * 100.0;
            from = to;
            part
        };
        let limits = &tank.limits;
        let (below_ll, below_l) = (up_to(limits.low_low), up_to(limits.low));
        let room = up_to(limits.high.or(limits.high_high).or(Some(tank.height)));
        // Without a high limit the room ends at high-high, and what follows is the zone above that.
        let above_h = up_to(limits.high_high.or(limits.high.map(|_| tank.height)));
        let above_hh = up_to(Some(tank.height));
        let percent = |length: f64| length / height * 100.0;
        let (water, emulsion, oil) = (percent(bottom), percent(top - bottom), percent(level - top));
        Self { water, emulsion, oil, below_ll, below_l, room, above_h, above_hh, unknown: 0.0 }
    }

    /// Gives the parts from the bottom up, each with its name.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, f64); 9] {
        [
            ("water", self.water),
            ("emulsion", self.emulsion),
            ("oil", self.oil),
            ("below_ll", self.below_ll),
            ("below_l", self.below_l),
            ("room", self.room),
            ("above_h", self.above_h),
            ("above_hh", self.above_hh),
            ("unknown", self.unknown),
        ]
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::site::Limits;

    use super::*;
    use crate::live::Shown;
    use crate::testing;

    fn bar(limits: [Option<f64>; 4], state: TankState, level: Option<f64>, interface: Option<f64>) -> Vec<f64> {
        with_layer(limits, state, level, interface, None)
    }

    fn with_layer(
        limits: [Option<f64>; 4],
        state: TankState,
        level: Option<f64>,
        interface: Option<f64>,
        layer: Option<(f64, f64)>,
    ) -> Vec<f64> {
        let mut tank = testing::site().tanks()[0].clone();
        let [low_low, low, high, high_high] = limits.map(|limit| limit.map(Millimetres::new));
        tank.limits = Limits { low_low, low, high, high_high };
        let view = TankView {
            site: "s".into(),
            tank: "T-01".into(),
            title: String::new(),
            product: String::new(),
            state,
            stale: state == TankState::Stale,
            shown: Shown {
                level_mm: level,
                interface_mm: interface,
                layer_bottom_mm: layer.map(|layer| layer.0),
                layer_top_mm: layer.map(|layer| layer.1),
                ..Shown::default()
            },
            age_s: None,
            last_good: None,
        };
        Bar::of(&tank, &view).parts().map(|(_, part)| part.round()).to_vec()
    }

    #[test]
    fn content_stands_at_the_bottom_and_the_zones_of_the_limits_above_it() {
        let all = [Some(500.0), Some(1000.0), Some(8000.0), Some(9000.0)];
        let live = TankState::Live;
        assert_eq!(bar(all, live, Some(5000.0), Some(2000.0)), [20., 0., 30., 0., 0., 30., 10., 10., 0.]);
        assert_eq!(bar(all, live, Some(200.0), None), [0., 0., 2., 3., 5., 70., 10., 10., 0.]);
        assert_eq!(bar(all, live, Some(8500.0), None), [0., 0., 85., 0., 0., 0., 5., 10., 0.]);
        assert_eq!(bar(all, live, Some(9500.0), None), [0., 0., 95., 0., 0., 0., 0., 5., 0.]);
        assert_eq!(bar([None; 4], live, Some(5000.0), None), [0., 0., 50., 0., 0., 50., 0., 0., 0.]);
        assert_eq!(
            bar([None, None, Some(8000.0), None], live, Some(5000.0), None),
            [0., 0., 50., 0., 0., 30., 20., 0., 0.]
        );
        assert_eq!(
            bar([None, None, None, Some(9000.0)], live, Some(5000.0), None),
            [0., 0., 50., 0., 0., 40., 0., 10., 0.]
        );
        let layer = with_layer(all, live, Some(5000.0), Some(2000.0), Some((1900.0, 2300.0)));
        assert_eq!(layer, [19., 4., 27., 0., 0., 30., 10., 10., 0.]);
        // An interface above the level, and a level beyond the tank, are drawn as far as the tank goes.
        assert_eq!(bar(all, live, Some(10_005.0), Some(10_009.0)), [100., 0., 0., 0., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn values_that_do_not_hold_now_are_not_drawn() {
        let unknown = [0., 0., 0., 0., 0., 0., 0., 0., 100.];
        for state in [TankState::Stale, TankState::Bad, TankState::Never] {
            assert_eq!(bar([None; 4], state, Some(5000.0), Some(2000.0)), unknown);
        }
        assert_eq!(bar([None; 4], TankState::Live, None, None), unknown);
        assert_ne!(bar([None; 4], TankState::Uncertain, Some(5000.0), None), unknown);
    }
}
