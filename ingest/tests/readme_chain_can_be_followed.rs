//! The worked example of the README: what the program prints, and what a calculator gives.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use clap::Parser;
use tankline_ingest::command::{VolumeArgs, volume};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: VolumeArgs,
}

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap()
}

fn printed() -> String {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sites/lindong.toml");
    let words = "--tank T-01 --level 9641 --interface 6367 --temperature 32.5".split_whitespace();
    volume(&Line::try_parse_from(["volume", "--site", site].into_iter().chain(words)).unwrap().args).unwrap()
}

/// Gives the value that the program prints for a symbol.
fn value(printed: &str, symbol: &str) -> f64 {
    let line = printed.lines().find(|line| line.split_whitespace().next() == Some(symbol)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn example_is_what_the_program_prints() {
    let (readme, printed) = (readme(), printed());
    let (_, example) = readme.split_once("--level 9641 --interface 6367 --temperature 32.5\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let lines: Vec<&str> = example.lines().collect();
    assert!(lines.len() > 20, "{example}");
    for line in lines {
        assert!(printed.lines().any(|one| one == line), "{line:?} is not printed:\n{printed}");
    }
}

/// Small arithmetic that shares nothing with the program but the rows of the strapping table, as an inspector has them.
#[test]
fn each_figure_comes_out_with_a_calculator() {
    let table = include_str!("../../deploy/sites/tables/t-01.csv");
    let row = |level: &str| -> f64 {
        let row = table.lines().find(|row| row.starts_with(&format!("{level},"))).unwrap();
        row.split(',').nth(1).unwrap().trim().parse().unwrap()
    };
    let between = |below: &str, above: &str, part: f64| row(below) + part * (row(above) - row(below));
    let tov = between("9600", "9700", 0.41);
    let fw = between("6300", "6400", 0.67);
    let ctsh = 1.0 + 2.0 * 1.12e-5 * 12.5 + (1.12e-5 * 12.5_f64).powi(2);
    let gov = (tov - fw) * ctsh;
    // The density at 15 degC by halving until that at 20 degC is the site's.
    let alpha = |rho15: f64| 613.9723 / (rho15 * rho15);
    let rho20 = |rho15: f64| rho15 * (-alpha(rho15) * 5.0 * (1.0 + 0.8 * alpha(rho15) * 5.0)).exp();
    let (mut low, mut high) = (860.0, 870.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if rho20(middle) < 862.0 { low = middle } else { high = middle }
    }
    let a = alpha(low);
    let vcf = (-a * 12.5 * (1.0 + 0.8 * a * 12.5 + 8.0 * a)).exp();
    let gsv = gov * vcf;
    let nsv = gsv * 0.995;
    let mass = nsv * (862.0 - 1.1) / 1000.0;
    let (printed, readme) = (printed(), readme());
    for (symbol, figure, digits) in [
        ("TOV", tov, 6),
        ("FW", fw, 6),
        ("CTSh", ctsh, 9),
        ("GOV", gov, 6),
        ("rho15", low, 6),
        ("VCF", vcf, 9),
        ("GSV", gsv, 6),
        ("NSV", nsv, 6),
        ("M", mass, 6),
    ] {
        let by_program = value(&printed, symbol);
        assert!((by_program - figure).abs() <= 0.6 * 0.1_f64.powi(digits), "{symbol}: {by_program} or {figure}");
        // And what the README gives for it, to the digits that it gives.
        if let Some(row) = readme.lines().find(|row| row.starts_with(&format!("| {symbol} | "))) {
            let written = row.rsplit('|').nth(1).unwrap().split_whitespace().next().unwrap();
            let decimals = i32::try_from(written.split_once('.').unwrap().1.len()).unwrap();
            let by_hand: f64 = written.parse().unwrap();
            assert!((by_hand - figure).abs() <= 1.1 * 0.1_f64.powi(decimals), "{symbol}: README {written}, {figure}");
        } else {
            assert_eq!(symbol, "rho15");
        }
    }
    assert!((value(&printed, "alpha15") - a).abs() < 1e-12);
}
