//! What the log says of alarms.

use tankline_domain::alarm::{Event, Transition};

use crate::store::Happened;

/// Logs what happened to an alarm: an annunciation as a warning, all else as information.
pub fn log(happened: &Happened) {
    let Transition { key, event, from, to, priority, value, limit, unit, who, note, .. } = &happened.transition;
    let title = &happened.title;
    macro_rules! say {
        ($say:ident, $message:literal) => {
            tracing::$say!(
                site = %key.site, source = %key.source, alarm = %key.kind, %priority, title, value, limit, unit, state = %to,
                who, note, $message
            )
        };
    }
    match event {
        _ if happened.transition.annunciates() => say!(warn, "alarm"),
        Event::FoundInBacklog => say!(info, "alarm found in readings that came late"),
        Event::Cleared => say!(info, "alarm is over"),
        Event::Acknowledged => say!(info, "alarm acknowledged"),
        Event::Reset => say!(info, "alarm reset"),
        Event::Shelved => say!(info, "alarm shelved"),
        Event::TakenOut => say!(warn, "alarm taken out of service"),
        _ if from == to => (),
        _ => say!(info, "alarm changed its state"),
    }
}
