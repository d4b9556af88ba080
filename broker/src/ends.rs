//! When the certificates of those inside end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use tankline_domain::units::UnixMillis;
use tankline_runtime::mqtt::ENDS_SOON_MS;

use crate::certificate::Certificate;
use crate::lock::hold;

/// The certificates of all clients that are inside, the one that ends first before the others.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    names: BTreeMap<Place, String>,
    next: u64,
}

/// An end, and a number that tells those of the same moment apart.
type Place = (UnixMillis, u64);

/// A certificate that is counted until this is dropped.
pub(crate) struct Counted<'e> {
    ends: &'e Ends,
    place: Place,
}

impl Ends {
    /// Takes in the certificate of a client, which goes by this name.
    pub(crate) fn count(&self, name: &str, certificate: &Certificate) -> Counted<'_> {
        let mut inside = self.hold();
        let place = (certificate.not_after, inside.next);
        inside.next += 1;
        inside.names.insert(place, name.to_owned());
        Counted { ends: self, place }
    }

    /// Gives the first end, when there is a client with a certificate.
    pub(crate) fn first(&self) -> Option<UnixMillis> {
        self.hold().names.first_key_value().map(|((end, _), _)| *end)
    }

    /// Gives those who need a new certificate soon, each name once, and until when.
    pub(crate) fn soon(&self, now: UnixMillis) -> BTreeMap<String, UnixMillis> {
        let soon = UnixMillis::new(now.get().saturating_add(ENDS_SOON_MS));
        let inside = self.hold();
        // Backwards, so that of several of one name the first stays.
        inside.names.range(..(soon, 0)).rev().map(|((end, _), name)| (name.clone(), *end)).collect()
    }

    fn hold(&self) -> MutexGuard<'_, Inside> {
        hold(&self.0)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.ends.hold().names.remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_end_of_those_inside_is_known_and_who_ends_soon() {
        const DAY_MS: i64 = 86_400_000;
        let day = |day: i64| UnixMillis::new(day * DAY_MS);
        let ending =
            |end| Certificate { names: Vec::new(), not_after: day(end), subject: Vec::new(), chain: Vec::new() };
        let ends = Ends::default();
        assert_eq!((ends.first(), ends.soon(day(100)).len()), (None, 0));
        let _late = ends.count("a.late", &ending(131));
        let twice = [ends.count("a.soon", &ending(129)), ends.count("a.soon", &ending(120))];
        assert_eq!(ends.first(), Some(day(120)));
        assert_eq!(ends.soon(day(100)).into_iter().collect::<Vec<_>>(), [("a.soon".to_owned(), day(120))]);
        drop(twice);
        assert_eq!((ends.first(), ends.soon(day(100)).len()), (Some(day(131)), 0));
    }
}
