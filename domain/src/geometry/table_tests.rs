//! Tests of the strapping tables.

use proptest::prelude::*;

use super::*;

const SMALL: &str = "\
# Tank T-09, certificate of 2024
level_mm,volume_m3

100,1.5     # the lowest dip point
200, 4
1000,20.0
";

fn at(table: &StrappingTable, level_mm: f64) -> Result<f64, OutsideTank> {
    table.volume_at(Millimetres::new(level_mm)).map(CubicMetres::get)
}

fn errors_of(text: &str) -> Vec<String> {
    let errors = StrappingTable::from_csv(text).expect_err("the table is wrong");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn table_reads_rows_and_passes_over_heading_comments_and_empty_rows() {
    let table = StrappingTable::from_csv(SMALL).unwrap();
    assert_eq!(table.capacity(), CubicMetres::new(20.0));
    assert_eq!(table.height(), Millimetres::new(1000.0));
    assert_eq!(at(&table, 100.0), Ok(1.5));
    assert_eq!(at(&table, 150.0), Ok(2.75));
    assert_eq!(at(&table, 600.0), Ok(12.0));
    let around = |level| table.rows_around(Millimetres::new(level)).unwrap().map(|row| (row.0.get(), row.1.get()));
    assert_eq!(around(600.0), [(200.0, 4.0), (1000.0, 20.0)]);
    assert_eq!(around(100.0), [(100.0, 1.5), (100.0, 1.5)]);
}

#[test]
fn heading_byte_order_mark_and_foreign_row_ends_change_nothing() {
    let plain = StrappingTable::from_csv("100,1.5\n200,4\n1000,20").unwrap();
    let windows = format!("\u{feff}{}", SMALL.replace('\n', "\r\n"));
    assert_eq!(StrappingTable::from_csv(SMALL).unwrap(), plain);
    assert_eq!(StrappingTable::from_csv(&windows).unwrap(), plain);
}

#[test]
fn level_below_the_first_row_or_above_the_last_is_refused() {
    let table = StrappingTable::from_csv(SMALL).unwrap();
    for level_mm in [99.999, 0.0, -1.0, 1000.001, f64::NAN] {
        assert!(at(&table, level_mm).is_err(), "{level_mm} passed");
    }
    assert_eq!(
        at(&table, 50.0).unwrap_err().to_string(),
        "level 50 mm is outside the tank, whose volumes are known from 100 mm to 1000 mm"
    );
}

#[test]
fn everything_wrong_with_a_table_is_told_at_once_with_its_row() {
    let text = "level_mm,volume_m3\n0,0\n100;5\nten,NaN\n200,8\n150,9\n# fine\n300,7\n400,-1\n500,10,11\n";
    assert_eq!(
        errors_of(text),
        [
            "row 3: \"100;5\" has 1 column(s), but must have two, level_mm,volume_m3, with a comma between",
            "row 4: level_mm is \"ten\", but must be a number, such as 1250 or 37.5",
            "row 4: volume_m3 is \"NaN\", but must be a number, such as 1250 or 37.5",
            "row 6: level_mm is 150, but must be more than the 200 of the row before",
            "row 8: volume_m3 is 7, but must not be less than the 9 of the row before",
            "row 9: volume_m3 is -1, but must be 0 or more",
            "row 10: \"500,10,11\" has 3 column(s), but must have two, level_mm,volume_m3, with a comma between",
        ]
    );
}

#[test]
fn table_of_fewer_than_two_rows_is_refused() {
    for (text, rows) in [("", 0), ("level_mm,volume_m3\n", 0), ("# nothing\n\n0,0\n", 1)] {
        let expected = format!("the table has {rows} row(s) of numbers, but must have at least 2");
        assert_eq!(errors_of(text), [expected]);
    }
}

#[test]
fn same_level_twice_is_refused_and_same_volume_twice_is_not() {
    assert_eq!(
        errors_of("0,0\n100,1\n100,2\n"),
        ["row 3: level_mm is 100, but must be more than the 100 of the row before"]
    );
    assert!(StrappingTable::from_csv("0,0\n100,0\n200,3\n").is_ok());
}

#[test]
fn third_column_is_what_the_shell_widens_under_water() {
    let plain = StrappingTable::from_csv("0,0\n1000,20\n2000,40\n").unwrap();
    let text = "level_mm,volume_m3,hydrostatic_m3\n0,0,0\n1000,20,0.01\n2000,40,0.03\n";
    let loaded = StrappingTable::from_csv(text).unwrap();
    let (level, density) = (Millimetres::new(1500.0), KilogramsPerCubicMetre::new(850.0));
    assert_eq!(loaded.volume_at(level), plain.volume_at(level));
    assert!((loaded.hydrostatic_at(level, density).unwrap().get() - 0.017).abs() < 1e-15);
    assert_eq!(plain.hydrostatic_at(level, density).unwrap(), CubicMetres::new(0.0));
    assert!(loaded.has_hydrostatic() && !plain.has_hydrostatic());
    assert_ne!(loaded.digest(), plain.digest());
    assert_eq!(
        errors_of("0,0,0\n1000,20\n2000,40,-1\n"),
        [
            "row 2: \"1000,20\" has 2 column(s), but must have three, level_mm,volume_m3,hydrostatic_m3, with a comma \
             between",
            "row 3: hydrostatic_m3 is -1, but must be 0 or more",
        ]
    );
}

#[test]
fn row_that_does_not_fit_its_neighbours_is_pointed_at() {
    let rows = |slip: f64| -> String {
        (0..12)
            .map(|row| format!("{},{}\n", row * 100, f64::from(row) * 44.0 + if row == 6 { slip } else { 0.0 }))
            .collect()
    };
    assert!(StrappingTable::from_csv(&rows(0.0)).unwrap().slips().is_empty());
    let [slip] = StrappingTable::from_csv(&rows(9.0)).unwrap().slips()[..] else { panic!("one slip") };
    assert_eq!(slip.to_string(), "273 m3 at 600 mm, which does not fit the rows around");
}

#[test]
fn level_of_a_volume_is_the_lowest_that_has_it() {
    let table = StrappingTable::from_csv("100,1\n200,5\n300,5\n400,9\n").unwrap();
    for (volume, level_mm) in [(1.0, 100.0), (3.0, 150.0), (5.0, 200.0), (7.0, 350.0), (9.0, 400.0)] {
        assert_eq!(table.level_at(CubicMetres::new(volume)), Ok(Millimetres::new(level_mm)));
    }
    for volume in [0.999, 9.001, f64::NAN] {
        assert!(table.level_at(CubicMetres::new(volume)).is_err(), "{volume} passed");
    }
}

/// The digest stands in stored history, so it must stay what it is from release to release.
#[test]
fn digest_covers_the_numbers_and_not_how_they_are_written() {
    let table = StrappingTable::from_csv(SMALL).unwrap();
    assert_eq!(table.digest(), "811e33d72860d7e1");
    let rewritten = StrappingTable::from_csv("100.0,1.50\n2e2,4.000\n1000,20 # full").unwrap();
    assert_eq!(rewritten.digest(), table.digest());
    let corrected = StrappingTable::from_csv("100,1.5\n200,4\n1000,20.001").unwrap();
    assert_ne!(corrected.digest(), table.digest());
}

/// Rows of a table, as pairs of a level in mm and a volume in m3.
fn any_rows() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let step = (0.001..500.0f64, 0.0..400.0f64);
    let first = (0.0..500.0f64, 0.0..50.0f64);
    (first, prop::collection::vec(step, 1..60)).prop_map(|(first, steps)| {
        let mut rows = vec![first];
        for (rise, gain) in steps {
            let (level, volume) = rows[rows.len() - 1];
            rows.push((level + rise, volume + gain));
        }
        rows
    })
}

fn table_of(rows: &[(f64, f64)]) -> StrappingTable {
    let text: String = rows.iter().map(|(level, volume)| format!("{level},{volume}\n")).collect();
    StrappingTable::from_csv(&text).expect("the strategy makes right tables")
}

proptest! {
    #[test]
    fn interpolation_goes_exactly_through_the_rows(rows in any_rows()) {
        let table = table_of(&rows);
        for (level, volume) in rows {
            prop_assert_eq!(at(&table, level), Ok(volume));
        }
        prop_assert_eq!(at(&table, table.height().get()), Ok(table.capacity().get()));
    }

    #[test]
    fn higher_level_is_never_less_volume(rows in any_rows(), one in 0.0..=1.0f64, other in 0.0..=1.0f64) {
        let table = table_of(&rows);
        let (bottom, top) = (rows[0].0, table.height().get());
        let volume = |part: f64| at(&table, (bottom + part * (top - bottom)).min(top)).unwrap();
        prop_assert!(volume(one.min(other)) <= volume(one.max(other)));
    }

    #[test]
    fn volume_leads_back_to_itself_by_its_level(rows in any_rows(), part in 0.0..=1.0f64) {
        let table = table_of(&rows);
        let (least, most) = (rows[0].1, table.capacity().get());
        let volume = CubicMetres::new((least + part * (most - least)).min(most));
        let back = table.volume_at(table.level_at(volume).unwrap()).unwrap();
        prop_assert!((back.get() - volume.get()).abs() <= 1e-12 * most.max(1e-3));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "([0-9.,#;\\- \n]|level_mm|nan|inf|1e309|\\PC){0,60}") {
        let _ = StrappingTable::from_csv(&text);
    }
}
