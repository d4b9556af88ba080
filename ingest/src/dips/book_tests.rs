//! Tests of the book of dips.

use super::*;
use crate::store;
use crate::testing::stations;

const NOW: UnixMillis = UnixMillis::new(1_795_400_000_000);

struct Place {
    _folder: tempfile::TempDir,
    connection: Connection,
    tank: DescribedTank,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = store::open(&folder.path().join("ops.db")).unwrap();
        let (_, tank) = stations().tanks().map(|(id, tank)| (id, tank.clone())).next().unwrap();
        Self { _folder: folder, connection, tank }
    }

    fn reading(&self, before_ms: i64, level_mm: f64, quality: &str) {
        let code = quality.parse::<tankline_domain::reading::Quality>().unwrap().code();
        self.connection
            .execute(
                "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, level_mm, interface_mm, temperature_c, quality,
                                      quality_code, committed_ms)
                 VALUES ('s', 'T-01', 'rtu-01', ?1, 'j', (SELECT count(*) FROM reading), ?2, 1000, 30, ?3, ?4, 0)",
                params![NOW.get() - before_ms, level_mm, quality, code],
            )
            .unwrap();
    }

    fn record(&self, level_mm: f64, interface_mm: Option<f64>, temperature_c: Option<f64>) -> Dip {
        let measures = Measures { level_mm, interface_mm, temperature_c };
        let given = GivenDip { at: NOW, measures, by: " Li Wei ".to_owned(), note: Some(" calm ".to_owned()) };
        record(&self.connection, &self.tank, &given, NOW).unwrap()
    }

    fn list(&self) -> Vec<Dip> {
        list(&self.connection, &Wanted::default()).unwrap()
    }
}

#[test]
fn dip_stands_beside_the_nearest_good_reading() {
    let place = Place::new();
    place.reading(4000, 5001.0, "good");
    place.reading(2000, 5002.0, "good");
    place.reading(1000, 4000.0, "bad:crc");
    place.reading(500, 4000.0, "uncertain:jump");
    place.reading(-3000, 5009.0, "good");
    let dip = place.record(5000.0, Some(1000.0), Some(30.0));
    assert_eq!((dip.level().unwrap().amount, dip.gauge_later_s()), (2.0, Some(-2.0)));
    // A box of 1 m2: 2 mm are 0.002 m3 of 5 m3.
    let tov = dip.tov().unwrap();
    assert!((tov.amount - 0.002).abs() < 1e-12 && (tov.percent.unwrap() - 0.04).abs() < 1e-9, "{tov:?}");
    assert_eq!(tov.agrees(), Some(true));
    assert!(dip.nsv().unwrap().amount > 0.0);
    assert_eq!((dip.by.as_str(), dip.note.as_deref()), ("Li Wei", Some("calm")));
    assert_eq!(place.list(), [dip]);
}

#[test]
fn dip_without_a_reading_nearby_says_so() {
    let place = Place::new();
    place.reading(5 * 60_000 + 1, 5001.0, "good");
    place.reading(0, 5001.0, "bad:no-reply");
    let dip = place.record(5000.0, None, None);
    assert_eq!((dip.gauge, dip.level(), dip.tov(), dip.gauge_later_s()), (None, None, None, None));
    assert_eq!((dip.hand.tov_m3, dip.hand.nsv_m3), (Some(5.0), None));
    place.reading(5 * 60_000, 5002.0, "good");
    assert_eq!(place.record(5000.0, None, None).level().unwrap().amount, 2.0);
}

#[test]
fn what_was_not_measured_by_hand_is_the_gauges_in_volumes_only() {
    let place = Place::new();
    place.reading(0, 5000.0, "good");
    let dip = place.record(5000.0, None, None);
    assert_eq!(dip.hand.nsv_m3, dip.gauge.unwrap().nsv_m3);
    assert!(dip.hand.nsv_m3.is_some());
    assert_eq!((dip.interface(), dip.temperature()), (None, None));
    // The gauge's interface stands above this level.
    assert_eq!(place.record(900.0, None, None).hand.nsv_m3, None);
}

#[test]
fn dip_is_revoked_once_and_stays_in_the_book() {
    let place = Place::new();
    let id = place.record(5000.0, None, None).id;
    let revoked = revoke(&place.connection, id, "Zhao", NOW).unwrap();
    assert_eq!((revoked.revoked_ms, revoked.revoked_by.as_deref()), (Some(NOW), Some("Zhao")));
    let said = revoke(&place.connection, id, "Wang", NOW).unwrap_err().to_string();
    assert_eq!(said, format!("dip {id} was revoked at {NOW} by Zhao"));
    assert_eq!(revoke(&place.connection, 77, "Wang", NOW).unwrap_err().to_string(), "there is no dip 77");
    assert_eq!(place.list(), [revoked]);
}

#[test]
fn dips_are_found_by_site_tank_and_time() {
    let place = Place::new();
    place.record(5000.0, None, None);
    let count = |wanted: Wanted| list(&place.connection, &wanted).unwrap().len();
    let later = UnixMillis::new(NOW.get() + 1);
    assert_eq!(count(Wanted { tank: Some("T-01".parse().unwrap()), from: Some(NOW), ..Wanted::default() }), 1);
    assert_eq!(count(Wanted { tank: Some("T-02".parse().unwrap()), ..Wanted::default() }), 0);
    assert_eq!(count(Wanted { site: Some("other".parse().unwrap()), ..Wanted::default() }), 0);
    assert_eq!(count(Wanted { from: Some(later), ..Wanted::default() }), 0);
    assert_eq!(
        (count(Wanted { to: Some(NOW), ..Wanted::default() }), count(Wanted { to: Some(later), ..Wanted::default() })),
        (0, 1)
    );
}

#[test]
fn dip_gets_its_reading_when_that_comes_late() {
    let place = Place::new();
    let dip = place.record(5000.0, None, None);
    assert_eq!(dip.gauge, None);
    place.reading(1000, 5003.0, "good");
    let mut listed = place.list();
    assert_eq!(listed[0].gauge, None);
    complete(&place.connection, &place.tank, &mut listed).unwrap();
    assert_eq!(listed[0].level().unwrap().amount, 3.0);
    assert!(listed[0].hand.nsv_m3.is_some());
    // The next dip has it written down.
    place.record(5001.0, None, None);
    assert_eq!(place.list()[0], listed[0]);
}
