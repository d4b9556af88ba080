//! What one peer may do.

use crate::gate::packet::topic;

/// The topics that one peer may publish and subscribe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    pub(super) publish: Vec<String>,
    pub(super) subscribe: Vec<String>,
}

impl Granted {
    /// Tells whether the peer may publish to a topic.
    #[must_use]
    pub fn may_publish(&self, topic: &str) -> bool {
        self.publish.iter().any(|pattern| topic::covers(pattern, topic))
    }

    /// Tells whether the peer may publish under the names of many, as the centre does.
    #[must_use]
    pub(crate) fn may_publish_for_many(&self) -> bool {
        self.publish.iter().any(|pattern| pattern.starts_with('#') || pattern.split('/').any(|level| level == "+"))
    }

    /// Tells whether the rights say this very topic, without a wildcard.
    pub(crate) fn says_topic(&self, topic: &str) -> bool {
        self.publish.iter().any(|pattern| pattern == topic)
    }

    /// Tells whether the rights say this very filter.
    pub(crate) fn says_filter(&self, filter: &str) -> bool {
        self.subscribe.iter().any(|pattern| pattern == filter)
    }

    /// Tells whether the peer may subscribe to a filter: one pattern has to take in all that the filter takes in.
    #[must_use]
    pub fn may_subscribe(&self, filter: &str) -> bool {
        self.subscribe.iter().any(|pattern| topic::covers(pattern, filter))
    }
}
