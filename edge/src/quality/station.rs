//! When which gauge of the station last moved.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tankline_domain::names::TankName;

/// When which gauge of this edge last moved; shared by its lines.
#[derive(Debug, Clone, Default)]
pub struct Motion(Arc<Mutex<HashMap<TankName, Instant>>>);

impl Motion {
    /// Notes that a gauge gave other values than before.
    pub fn moved(&self, tank: &TankName, now: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tank.clone(), now);
    }

    /// Forgets all gauges but those of these tanks.
    pub fn keep(&self, is_kept: impl Fn(&TankName) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|tank, _| is_kept(tank));
    }

    /// Tells whether at least half of the other gauges moved after a moment; without others, none did.
    #[must_use]
    pub fn others_moved_since(&self, tank: &TankName, since: Instant) -> bool {
        let motion = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = motion.iter().filter(|(other, _)| *other != tank);
        let (mut all, mut moved) = (0, 0);
        for (_, at) in others {
            all += 1;
            moved += usize::from(*at > since);
        }
        moved > 0 && moved * 2 >= all
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn others_move_when_half_of_them_do() {
        let (motion, start) = (Motion::default(), Instant::now());
        let tank = |name: &str| name.parse::<TankName>().unwrap();
        assert!(!motion.others_moved_since(&tank("A"), start), "there are no others");
        motion.moved(&tank("A"), start + Duration::from_secs(9));
        assert!(!motion.others_moved_since(&tank("A"), start), "only itself");
        motion.moved(&tank("B"), start + Duration::from_secs(9));
        motion.moved(&tank("C"), start);
        assert!(motion.others_moved_since(&tank("A"), start + Duration::from_secs(1)), "one of two");
        motion.moved(&tank("D"), start);
        assert!(!motion.others_moved_since(&tank("A"), start + Duration::from_secs(1)), "one of three");
        motion.keep(|kept| *kept != tank("D"));
        assert!(motion.others_moved_since(&tank("A"), start + Duration::from_secs(1)), "one of two again");
    }
}
