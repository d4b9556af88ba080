use tankline_domain::profile::ProfileBlock;

/// Distance between the points of the window around the jump, in mm.
const WINDOW_SPACING_MM: u16 = 8;
/// Part of the window that lies below the jump, as one in so many: most of the emulsion is above it.
const BELOW_JUMP: u16 = 4;
/// Least ratio of impedances from one point to the next that the gauge takes for the jump from water to oil.
const LEAST_JUMP: f64 = 2.0;
/// How far below the liquid level the gauge looks for the jump, in mm: above is the one from oil to air.
const BELOW_LEVEL_MM: f64 = 60.0;

/// One scan of the impedance along a rod: the whole of it coarsely, and a window around the jump.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Number of the scan.
    pub number: u16,
    /// The whole rod, from the measuring origin on.
    pub rod: ProfilePart,
    /// The window around the jump; without points where the gauge sees none.
    pub window: ProfilePart,
}

/// Points at equal distances.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfilePart {
    /// Height of the first point above the measuring origin in mm.
    pub first_mm: u16,
    /// Distance from point to point in mm.
    pub spacing_mm: u16,
    /// Points from below to above; 0 to 65535.
    pub points: Vec<u16>,
}

impl Profile {
    /// Gives the words of the block.
    #[must_use]
    pub fn words(&self, block: &ProfileBlock) -> Vec<u16> {
        let count = |part: &ProfilePart| u16::try_from(part.points.len()).unwrap_or(u16::MAX);
        let heading = |part: &ProfilePart| [count(part), part.spacing_mm, part.first_mm];
        let mut words = vec![ProfileBlock::VERSION, self.number];
        words.extend(heading(&self.rod));
        words.extend(heading(&self.window));
        words.extend(&self.rod.points);
        words.extend(&self.window.points);
        words.resize(usize::from(ProfileBlock::HEADING + block.points() + block.window_points()), 0);
        words
    }

    /// Scans a rod from the measuring origin over a reach in mm; `measure` gets a channel of noise and a height above the
    /// origin. The gauge knows its own level, and finds the jump in its own points.
    pub(super) fn of(
        number: u16,
        block: &ProfileBlock,
        (reach_mm, level_mm): (f64, f64),
        measure: impl Fn(u16, f64) -> f64,
    ) -> Self {
        let rod = ProfilePart::of(0, spacing(reach_mm, block.points()), block.points(), |index, height_mm| {
            measure(index, height_mm)
        });
        let liquid =
            rod.points.iter().zip(0_u16..).take_while(|(_, index)| rod.height_mm(*index) < level_mm - BELOW_LEVEL_MM);
        let values: Vec<f64> = liquid.map(|(value, _)| f64::from(*value).max(1.0)).collect();
        let ratio = |index: u16| values[usize::from(index) + 1] / values[usize::from(index)];
        let steps = u16::try_from(values.len().saturating_sub(1)).unwrap_or(0);
        let jump = (0..steps).max_by(|a, b| ratio(*a).total_cmp(&ratio(*b))).filter(|index| ratio(*index) > LEAST_JUMP);
        let window = jump.map(|index| {
            let half = (values[usize::from(index)] * values[usize::from(index) + 1]).sqrt();
            let (mut low, mut high) = (rod.height_mm(index), rod.height_mm(index + 1));
            while high - low > f64::from(WINDOW_SPACING_MM) {
                let middle = f64::midpoint(low, high);
                if measure(block.points(), middle) < half { low = middle } else { high = middle }
            }
            let below_mm = f64::from(block.window_points() / BELOW_JUMP * WINDOW_SPACING_MM);
            let first_mm = whole(low - below_mm);
            ProfilePart::of(first_mm, WINDOW_SPACING_MM, block.window_points(), |index, height_mm| {
                measure(block.points() + 1 + index, height_mm)
            })
        });
        Self { number, rod, window: window.unwrap_or_default() }
    }
}

impl ProfilePart {
    fn of(first_mm: u16, spacing_mm: u16, count: u16, measure: impl Fn(u16, f64) -> f64) -> Self {
        let part = Self { first_mm, spacing_mm, points: vec![] };
        let points = (0..count).map(|index| whole(measure(index, part.height_mm(index)))).collect();
        Self { points, ..part }
    }

    /// Gives the height of a point above the measuring origin in mm.
    fn height_mm(&self, index: u16) -> f64 {
        f64::from(self.first_mm) + f64::from(index) * f64::from(self.spacing_mm)
    }
}

/// Gives the distance at which so many points reach to the top.
fn spacing(reach_mm: f64, points: u16) -> u16 {
    whole((reach_mm / f64::from(points.max(2) - 1)).ceil())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate, as instruments do")]
fn whole(value: f64) -> u16 {
    value.round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(level_mm: f64, measure: impl Fn(u16, f64) -> f64) -> Profile {
        Profile::of(7, &ProfileBlock::default(), (12_480.0, level_mm), measure)
    }

    #[test]
    fn points_reach_to_the_top() {
        let profile = scan(12_000.0, |_, height_mm| height_mm);
        assert_eq!((profile.rod.spacing_mm, profile.rod.points.len(), profile.rod.points[0]), (245, 52, 0));
        assert!(profile.rod.points[51] >= 12_480 && profile.rod.points[50] < 12_480);
    }

    #[test]
    fn window_lies_around_the_jump_that_the_gauge_sees() {
        let step = |at_mm: f64| move |_: u16, height_mm: f64| if height_mm < at_mm { 2500.0 } else { 52_000.0 };
        for at_mm in [300.0, 2000.0, 3300.0, 8999.0] {
            let window = scan(9500.0, step(at_mm)).window;
            assert_eq!((window.points.len(), window.spacing_mm), (64, 8));
            let below = at_mm - f64::from(window.first_mm);
            assert!((120.0..=150.0).contains(&below), "{at_mm}: {below}");
        }
        // Near the bottom it begins there; oil to air is no such jump, nor is one liquid.
        assert_eq!(scan(9500.0, step(50.0)).window.first_mm, 0);
        assert_eq!(scan(9500.0, step(9490.0)).window, ProfilePart::default());
        assert_eq!(scan(9500.0, |_, _| 52_000.0).window, ProfilePart::default());
    }

    #[test]
    fn words_are_what_a_reader_of_the_block_decodes() {
        let block = ProfileBlock::default();
        for profile in [scan(9500.0, |_, height_mm| 2500.0 + height_mm), Profile::default()] {
            let words = profile.words(&block);
            assert_eq!(words.len(), 124);
            let decoded = block.decode(&words);
            assert_eq!(decoded.is_ok(), profile.number == 7, "{decoded:?}");
        }
        let profile =
            scan(9500.0, |index, height_mm| if height_mm < 3000.0 { 2500.0 } else { 50_000.0 + f64::from(index) });
        let scan = block.decode(&profile.words(&block)).unwrap();
        let shown = |part: &ProfilePart| part.points.iter().copied().map(f64::from).collect::<Vec<_>>();
        assert_eq!(
            (scan.number, &scan.rod.points, &scan.window.points),
            (7, &shown(&profile.rod), &shown(&profile.window))
        );
        assert_eq!(scan.window.first_mm, f64::from(profile.window.first_mm));
    }
}
