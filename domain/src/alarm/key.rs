use std::fmt;

use serde::{Deserialize, Serialize};

use super::AlarmKind;
use crate::names::{SiteName, TankName};
use crate::topic::Topic;

/// Which alarm: of which site, of what, of which kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlarmKey {
    /// The site.
    pub site: SiteName,
    /// The tank; for an alarm of an edge or a site its name, which is of the same form.
    pub source: TankName,
    /// What is wrong.
    pub kind: AlarmKind,
}

impl AlarmKey {
    /// Gives the retained topic on which its state is told.
    #[must_use]
    pub fn topic(&self) -> Topic {
        Topic::Alarm(self.site.clone(), self.source.clone(), self.kind.to_string())
    }
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.site, self.source, self.kind)
    }
}
