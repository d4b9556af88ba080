//! A day with known movements, reported in every format.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::process::{Command, Output};

use rusqlite::{Connection, params};
use station::Folder;
use tankline_domain::units::UnixMillis;
use tankline_ingest::store;

/// 2026-11-22 08:00 at +08:00.
const FROM_MS: i64 = 1_795_305_600_000;
const HOUR: i64 = 3600;

fn connection(folder: &Folder) -> Connection {
    store::open(&folder.database()).unwrap()
}

/// Inserts a reading of a box of 1 m2 with half a cubic metre of water; mass is 0.8 t a cubic metre.
fn insert(connection: &Connection, tank: &str, second: i64, level_mm: f64, quality: &str) {
    let code = quality.parse::<tankline_domain::reading::Quality>().unwrap().code();
    let tov = level_mm / 1000.0;
    connection
        .prepare_cached(
            "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, level_mm, interface_mm, temperature_c, quality,
                                  quality_code, tov_m3, fw_m3, gsv_m3, nsv_m3, mass_t, committed_ms)
             VALUES ('s', ?1, 'rtu-01', ?2, ?1, ?2, ?3, 500, 30, ?4, ?5, ?6, 0.5, ?7, ?7, ?8, 0)",
        )
        .unwrap()
        .execute(params![tank, FROM_MS + second * 1000, level_mm, quality, code, tov, tov - 0.5, 0.8 * (tov - 0.5)])
        .unwrap();
}

/// T-01 gets 3 m3 from 2 h to 3 h and gives 1.5 m3 from 10 h to 12 h; T-02 rests and is silent from 20 h on.
fn station() -> Folder {
    let folder = Folder::new();
    let text = "sites = [\"s.toml\"]\ndatabase = \"ops.db\"\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n\
                [report]\ncompany = \"Lindong & Co\"\nday_begins = \"08:00\"\nutc_offset = \"+08:00\"\n";
    std::fs::write(folder.0.path().join("ingest.toml"), text).unwrap();
    let mut connection = connection(&folder);
    let transaction = connection.transaction().unwrap();
    for second in (-60..=24 * HOUR).step_by(10) {
        let receipt = (second - 2 * HOUR).clamp(0, HOUR) * 3000 / HOUR;
        let delivery = (second - 10 * HOUR).clamp(0, 2 * HOUR) * 1500 / (2 * HOUR);
        insert(&transaction, "T-01", second, (2000 + receipt - delivery) as f64, "good");
        if second < 20 * HOUR {
            insert(&transaction, "T-02", second, 4000.0, "good");
        } else {
            insert(&transaction, "T-02", second, 9000.0, "bad:no-reply");
        }
    }
    let layered = "UPDATE reading SET layer = '[[500,0.5],[700,0]]', emulsion_m3 = 0.2, emulsion_water_m3 = 0.05
                   WHERE tank = 'T-01' AND at_ms = ?1";
    assert_eq!(transaction.execute(layered, [FROM_MS + 24 * HOUR * 1000]), Ok(1));
    let alarm =
        "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, value,
                                               limit_value, unit, who, note, recorded_ms)
                 VALUES ('s', 'T-01', 'level-h', 'high', ?1, ?2, ?3, ?4, 4850, 4800, 'mm', ?5, NULL, 0)";
    for (second, event, from, to, who) in [
        (10_000, "raised", "normal", "unacknowledged", None),
        (10_060, "acknowledged", "unacknowledged", "acknowledged", Some("Li <Wei>")),
        (40_000, "cleared", "acknowledged", "normal", None),
    ] {
        transaction.execute(alarm, params![FROM_MS + second * 1000, event, from, to, who]).unwrap();
    }
    transaction.commit().unwrap();
    folder
}

fn run(folder: &Folder, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-ingest"));
    command.args(args).args(["--config", "ingest.toml"]).current_dir(folder.0.path());
    command.env_remove("RUST_LOG").output().unwrap()
}

fn report(folder: &Folder, args: &[&str]) -> String {
    let output = run(folder, &[&["report", "day", "--date", "2026-11-22"][..], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn bytes(folder: &Folder, args: &[&str]) -> Vec<u8> {
    let path = folder.0.path().join("report");
    let out = ["--out", path.to_str().unwrap()];
    report(folder, &[args, &out].concat());
    std::fs::read(path).unwrap()
}

/// Gives paths and texts of a ZIP archive that is not compressed.
fn files_of_workbook(bytes: &[u8]) -> Vec<(String, String)> {
    let number = |at: usize, width: usize| {
        bytes[at..at + width].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let (mut files, mut at) = (Vec::new(), 0);
    while bytes[at..].starts_with(b"PK\x03\x04") {
        let (size, name, extra) = (number(at + 18, 4), number(at + 26, 2), number(at + 28, 2));
        let text = |from: usize, length: usize| String::from_utf8(bytes[from..from + length].to_vec()).unwrap();
        let body = at + 30 + name + extra;
        files.push((text(at + 30, name), text(body, size)));
        at = body + size;
    }
    files
}

fn cells_of_row(sheet: &str, row: usize) -> Vec<String> {
    let (_, rest) = sheet.split_once(&format!("<row r=\"{row}\">")).unwrap();
    let (row, _) = rest.split_once("</row>").unwrap();
    let text = |cell: &str| {
        let inner = cell.split_once("</t>").or_else(|| cell.split_once("</v>")).map_or("", |parts| parts.0);
        inner.rsplit('>').next().unwrap().to_owned()
    };
    row.split("<c ").skip(1).map(text).collect()
}

fn dip(folder: &Folder) {
    let args = ["dip", "add", "--tank", "T-01", "--level", "4990", "--at", "2026-11-22T14:00+08:00", "--by", "Li Wei"];
    let output = run(folder, &args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Gives the cells of the rows of the table under a heading.
fn rows_of_html(html: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = html.split_once(&format!("<h2>{heading}</h2>")).unwrap();
    let (_, body) = rest.split_once("<tbody>").unwrap();
    let (body, _) = body.split_once("</tbody>").unwrap();
    let cell = |cell: &str| cell.split_once('>').unwrap().1.split_once("</td>").unwrap().0.to_owned();
    body.split("<tr>").skip(1).map(|row| row.split("<td").skip(1).map(cell).collect()).collect()
}

fn rows_of_csv(csv: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = csv.split_once(&format!("\r\n{heading}\r\n")).unwrap();
    let (table, _) = rest.split_once("\r\n\r\n").unwrap();
    table.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn every_format_has_the_figures_of_the_day() {
    let folder = station();
    dip(&folder);
    let html = report(&folder, &["--format", "html"]);
    let balance = rows_of_html(&html, "Balance by tank");
    assert_eq!(balance[0][..6], ["T-01", "2.00", "3.00", "1.50", "0.00", "3.50"]);
    assert_eq!(balance[0][6..], ["1.50", "3.00", "1.50", "0.00", "3.00", "1.20", "2.40", "1.20", "0.00", "2.40"]);
    assert_eq!(balance[1][..6], ["T-02", "4.00", "0.00", "0.00", "0.00", "4.00"]);
    let products = rows_of_html(&html, "Balance by product");
    assert_eq!(products[0], ["crude", "2", "TOV m³", "6.00", "3.00", "1.50", "0.00", "7.50"]);
    // The last good reading of T-02 is four hours old: marked.
    let stocks = rows_of_html(&html, "Stocks by tank");
    assert_eq!((stocks[0][10].as_str(), stocks[1][10].as_str()), ("3500", "4000*"));
    assert!(
        html.contains("* Not of the time that it stands for") && html.contains("T-02 Closing 11-23 03:59 (4:00:10)")
    );
    assert!(html.contains("is taken for a step at the interface: T-01 Closing 500..700 mm, 0.20 m³ (water 0.05 m³)"));
    let movements = rows_of_html(&html, "Movements");
    assert_eq!(movements.len(), 2, "{movements:?}");
    assert_eq!((movements[0][1].as_str(), movements[1][1].as_str()), ("Receipt", "Delivery"));
    assert!(movements[0][2].starts_with("11-22 1") && movements[0][3].starts_with("11-22 1"), "{movements:?}");
    let alarms = rows_of_html(&html, "Alarms");
    assert_eq!(alarms[0][2..7], ["level-h", "high", "raised", "4850 mm", "4800 mm"]);
    assert_eq!(alarms[0][7], "11-22 10:47 Li &lt;Wei&gt;");
    let dips = rows_of_html(&html, "Dips");
    assert_eq!((dips[0][1].as_str(), dips[0][8].as_str(), dips[0][13].as_str()), ("11-22 14:00", "+10", "no"));
    // T-01 is polled each second and was read each tenth one.
    let data = rows_of_html(&html, "Completeness of the data");
    assert_eq!(data[1][1..5], ["86400", "8640", "7200", "0"]);
    assert!(html.contains("Lindong &amp; Co") && html.contains("<dd>2026-11-22 08:00 (+08:00)</dd>"));

    let csv = report(&folder, &["--format", "csv"]);
    assert!(csv.starts_with("\u{feff}Daily tank report,Lindong & Co\r\n"), "{csv}");
    let rows = rows_of_csv(&csv, "Balance by tank");
    assert_eq!(rows[0][..6], ["T-01", "2.0000", "3.0000", "1.5000", "0.0000", "3.5000"]);
    assert_eq!(rows_of_csv(&csv, "Stocks by tank")[1][10], "4000*");

    let sheets = files_of_workbook(&bytes(&folder, &["--format", "xlsx"]));
    let (_, sheet) = sheets.iter().find(|file| file.0 == "xl/worksheets/sheet4.xml").unwrap();
    let cells = cells_of_row(sheet, 3);
    assert_eq!((cells[0].as_str(), cells.len()), ("T-01", 16));
    let numbers: Vec<f64> = cells[1..6].iter().map(|cell| cell.parse().unwrap()).collect();
    for (number, expected) in numbers.iter().zip([2.0, 3.0, 1.5, 0.0, 3.5]) {
        assert!((number - expected).abs() < 0.01, "{numbers:?}");
    }
    let pdf = bytes(&folder, &["--format", "pdf"]);
    assert!(pdf.starts_with(b"%PDF-"));
    for written in ["(Balance by tank) Tj", "(3500) Tj", "(4000*) Tj", "(11-22 10:47 Li <Wei>) Tj"] {
        assert!(pdf.windows(written.len()).any(|window| window == written.as_bytes()), "{written}");
    }

    let chinese = report(&folder, &["--format", "html", "--lang", "zh"]);
    assert_eq!(rows_of_html(&chinese, "各罐平衡表"), balance);
    assert_eq!(rows_of_html(&chinese, "报警")[0][2..5], ["液位高", "高", "发生"]);
}

#[test]
fn day_that_goes_on_says_so_and_what_cannot_be_is_refused() {
    let folder = station();
    let now = tankline_runtime::clock::unix_ms();
    let today = UnixMillis::new(now.get()).to_string();
    let args = ["report", "day", "--format", "html", "--day-begins", "00:00", "--utc-offset", "Z", "--date"];
    let output = run(&folder, &[&args[..], &[&today[..10]]].concat());
    let html = String::from_utf8(output.stdout).unwrap();
    assert!(html.contains("The day is not over"));
    for (more, words) in [
        (vec!["--date", "2099-01-01"], "begins at 2099-01-01T00:00"),
        (vec!["--date", "22.11.2026"], "is no date: write 2026-11-23"),
        (vec!["--date", "2026-11-22", "--utc-offset", "8"], "write +08:00, -03:30 or Z"),
    ] {
        let output = run(&folder, &[&["report", "day", "--format", "html"][..], &more].concat());
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words), "{said}");
    }
}

/// Prints as a browser does; the pages are those of A4 across and no more than the tables need.
#[test]
#[ignore = "needs chromium"]
fn page_is_printed_on_a4_by_a_browser() {
    let folder = station();
    let path = folder.0.path().join("day.html");
    for language in ["en", "zh"] {
        report(&folder, &["--format", "html", "--lang", language, "--out", path.to_str().unwrap()]);
        let printed = folder.0.path().join("day.pdf");
        let mut browser = Command::new("chromium");
        browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]);
        browser.arg(format!("--user-data-dir={}", folder.0.path().join("browser").display()));
        browser.arg(format!("--print-to-pdf={}", printed.display())).arg(format!("file://{}", path.display()));
        assert!(browser.output().unwrap().status.success());
        let bytes = std::fs::read(&printed).unwrap();
        let count = |what: &[u8]| bytes.windows(what.len()).filter(|window| *window == what).count();
        assert_eq!(count(b"/Type /Page\n"), 2, "{language}");
        assert_eq!(count(b"/MediaBox [0 0 841"), 2, "{language}");
    }
}
