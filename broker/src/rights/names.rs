//! Which of the names of a certificate its client goes by.

use super::role::{Rights, edge_name, is_centre_name};

impl Rights {
    /// Gives the name of a certificate that has a role; `None` when none has. The authority vouches for each of them.
    ///
    /// One that the rights file names goes before all, then the edge whose client id the client comes under, then the
    /// centre, then any edge. Of several of one kind the first counts: the common name stands before the DNS names.
    pub(crate) fn name_among<'n>(&self, names: &'n [String], client_id: &str) -> Option<&'n str> {
        let mut names_by_rank = names.iter().filter_map(|name| {
            let is_edge = edge_name(name).is_some();
            let rank = match name {
                name if self.identities.contains_key(name) => 0,
                name if is_edge && name == client_id => 1,
                name if is_centre_name(name) => 2,
                _ if is_edge => 3,
                _ => return None,
            };
            Some((rank, name.as_str()))
        });
        let first = names_by_rank.next()?;
        Some(names_by_rank.fold(first, |best, other| if other.0 < best.0 { other } else { best }).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen<'n>(names: &'n [String], client_id: &str) -> Option<&'n str> {
        let mut rights = Rights::default();
        rights.identities.insert("desk".to_owned(), "viewer".to_owned());
        rights.name_among(names, client_id)
    }

    #[test]
    fn name_that_has_a_role_goes_before_others_wherever_it_stands() {
        let edge = "lindong.rtu-01";
        for (names, client_id, expected) in [
            (&["device-4711", edge][..], edge, Some(edge)),
            (&[edge, "device-4711", "10-0-0-7.plant.example"], edge, Some(edge)),
            (&["gateway.local", edge], edge, Some(edge)),
            (&[edge, "lindong.rtu-02"], "lindong.rtu-02", Some("lindong.rtu-02")),
            (&[edge, "lindong.rtu-02"], "lindong.rtu-03", Some(edge)),
            (&["tankline-ingest", "ingest.local"], "tankline-ingest.lindong", Some("tankline-ingest")),
            (&["ingest.local", "tankline-ingest-west"], "tankline-ingest.lindong", Some("tankline-ingest-west")),
            (&["tankline-ingest", edge], edge, Some(edge)),
            (&["desk", edge], edge, Some("desk")),
            (&[edge, "desk"], edge, Some("desk")),
            (&["device-4711", "laptop"], edge, None),
            (&["device-4711"], "device-4711", None),
            (&[], edge, None),
        ] {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(chosen(&names, client_id), expected, "{names:?} as {client_id}");
        }
    }
}
