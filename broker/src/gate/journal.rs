//! What was refused, told seldom enough.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tankline_runtime::clock;

use super::addresses::Origin;
use super::claim::Claim;
use super::inspect::Refused;
use super::refusal::Refusal;
use super::told::Told;
use crate::certificate::Certificate;
use crate::lock::hold;

/// What is tried again and again is told so often, with how often it was tried.
const AGAIN: Duration = Duration::from_secs(3600);
/// A certificate's coming end is told so often.
const END_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// So many peers and their tries are remembered at the most.
const MAX_TOLD: usize = 10_000;
/// So many clients of one origin are told by name within [`AGAIN`]: names cost nothing.
const MAX_NAMES: u64 = 30;

/// Remembers whose refusals were told, so that a log is not flooded by who tries again and again.
pub(super) struct Journal(Mutex<Memory>);

struct Memory {
    told: Told<Try>,
    /// Clients of an origin that were told by name.
    names: Told<Origin>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Try {
    Publish(String),
    Subscribe(String),
    Crowd(Origin),
    End(String),
    ComeIn(Origin, Claim, String),
    ComeInAsMany(Origin),
}

impl Default for Journal {
    fn default() -> Self {
        Self(Mutex::new(Memory { told: Told::new(MAX_TOLD), names: Told::new(MAX_TOLD) }))
    }
}

impl Journal {
    /// Tells that something was refused to a client, when that was not told of late.
    pub(super) fn note(&self, identity: &str, refused: &Refused) {
        let what = match refused {
            Refused::Publish(_) => Try::Publish(identity.to_owned()),
            Refused::Subscribe(_) => Try::Subscribe(identity.to_owned()),
        };
        let Some(times) = self.hold().told.note(what, AGAIN, clock::now()) else { return };
        let times = again(times);
        match refused {
            Refused::Publish(topic) => {
                tracing::warn!(
                    identity,
                    topic,
                    times,
                    "messages to a topic that is not its own are refused to a client"
                );
            }
            Refused::Subscribe(filter) => {
                tracing::warn!(
                    identity,
                    filter,
                    times,
                    "a subscription that it has no right to is refused to a client"
                );
            }
        }
    }

    /// Tells that a client was not let in, and who it is as far as that is known, when that was not told of late.
    pub(super) fn note_refusal(&self, peer: SocketAddr, claim: &Claim, refusal: Refusal) {
        let Claim { client_id, user, certificate } = claim;
        if refusal == Refusal::Probe {
            tracing::debug!(%peer, "a connection ended before a byte came");
            return;
        }
        let told = self.hold().note_refusal(Origin::of(peer.ip()), claim, refusal, clock::now());
        match told {
            Some(Telling::One(times)) => {
                tracing::warn!(%peer, client_id, user, certificate, reason = %refusal, times = again(times), "client refused");
            }
            Some(Telling::Many) => {
                let address = Origin::of(peer.ip());
                tracing::warn!(%address, "more clients of one address are refused than are told by name; /metrics counts them");
            }
            None => (),
        }
    }

    /// Tells that an address has more connections than it may, when that was not told of late.
    pub(super) fn note_crowd(&self, origin: Origin) {
        if let Some(times) = self.hold().told.note(Try::Crowd(origin), AGAIN, clock::now()) {
            tracing::warn!(address = %origin, times = again(times), "more connections from one address than it may have");
        }
    }

    /// Tells that a client's certificate ends soon, when that was not told of late.
    pub(super) fn note_end(&self, certificate: &Certificate) {
        if !certificate.ends_soon(clock::unix_ms()) {
            return;
        }
        let what = Try::End(certificate.name().to_owned());
        if self.hold().told.note(what, END_AGAIN, clock::now()).is_some() {
            let (identity, until) = (certificate.name(), certificate.not_after);
            tracing::warn!(identity, %until, "the certificate of a client ends soon: give it a new one");
        }
    }

    fn hold(&self) -> MutexGuard<'_, Memory> {
        hold(&self.0)
    }
}

/// What is to be told of a client that was not let in.
#[derive(Debug, PartialEq, Eq)]
enum Telling {
    /// Itself, with how often it tried.
    One(u64),
    /// That there are too many of its origin.
    Many,
}

impl Memory {
    fn note_refusal(&mut self, origin: Origin, claim: &Claim, refusal: Refusal, now: Instant) -> Option<Telling> {
        let what = Try::ComeIn(origin, claim.clone(), refusal.to_string());
        if self.told.knows(&what, AGAIN, now) || self.names.count(origin, AGAIN, now) <= MAX_NAMES {
            return self.told.note(what, AGAIN, now).map(Telling::One);
        }
        self.told.note(Try::ComeInAsMany(origin), AGAIN, now).map(|_| Telling::Many)
    }
}

/// How often it was tried, where that was not told each time.
fn again(times: u64) -> Option<u64> {
    (times > 1).then_some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(client_id: &str) -> Claim {
        Claim { client_id: Some(client_id.to_owned()), ..Claim::default() }
    }

    #[test]
    fn client_is_told_once_for_each_reason_and_again_after_a_while() {
        let mut memory = Journal::default().0.into_inner().unwrap();
        let (here, there) = (Origin::of([10, 0, 0, 1].into()), Origin::of([10, 0, 0, 2].into()));
        let start = clock::now();
        let told = [
            (here, "a", Refusal::Credentials, 0),
            (here, "a", Refusal::Credentials, 1),
            (here, "a", Refusal::Stranger, 1),
            (here, "b", Refusal::Credentials, 1),
            (there, "a", Refusal::Credentials, 1),
            (here, "a", Refusal::Credentials, 3600),
        ]
        .map(|(origin, id, refusal, s)| {
            memory.note_refusal(origin, &claim(id), refusal, start + Duration::from_secs(s))
        });
        let one = |times| Some(Telling::One(times));
        assert_eq!(told, [one(1), None, one(1), one(1), one(1), one(2)]);
    }

    #[test]
    fn client_that_comes_under_ever_other_names_does_not_flood_the_log() {
        let mut memory = Journal::default().0.into_inner().unwrap();
        let (here, there) = (Origin::of([10, 0, 0, 1].into()), Origin::of([10, 0, 0, 2].into()));
        let now = clock::now();
        let told: Vec<_> = (0..100_000)
            .filter_map(|id| memory.note_refusal(here, &claim(&id.to_string()), Refusal::Credentials, now))
            .collect();
        assert_eq!(told.len(), usize::try_from(MAX_NAMES).unwrap() + 1);
        assert_eq!(told.last(), Some(&Telling::Many));
        let other = memory.note_refusal(there, &claim("a"), Refusal::Credentials, now);
        assert_eq!(other, Some(Telling::One(1)), "an honest one from elsewhere is told");
        let later = memory.note_refusal(here, &claim("a"), Refusal::Credentials, now + AGAIN);
        assert_eq!(later, Some(Telling::One(1)));
    }
}
