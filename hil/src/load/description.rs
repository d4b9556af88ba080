//! A site of as many edges as are wanted, as the centre needs it.

use std::fmt::Write;

/// Writes the description of a site named `load`: edges `e-1` and on, each with one line and so many gauges, whose tanks are
/// `t-1-1` and on. A gauge is polled `rate` times a second.
#[must_use]
pub fn describe(edges: u32, gauges: u32, rate: f64) -> String {
    let mut text = format!(
        "# {edges} edges with {gauges} gauges each, for a load. Not a real station.\n\nsite = \"load\"\n\n\
         [[product]]\nname = \"crude\"\nkind = \"crude\"\ndensity_20c_kg_m3 = 862.0\n\n\
         [gauge_defaults]\npoll_interval_ms = {}\n",
        poll_interval_ms(rate)
    );
    for edge in 1..=edges {
        write!(text, "\n[[line]]\nname = \"l-{edge}\"\nedge = \"e-{edge}\"\nport = \"/dev/load-{edge}\"\n")
            .expect("writing to a text does not fail");
        for gauge in 1..=gauges {
            let tank = format!("t-{edge}-{gauge}");
            write!(
                text,
                "[[tank]]\nname = \"{tank}\"\nproduct = \"crude\"\n\
                 geometry = {{ shape = \"vertical-cylinder\", diameter_m = 15.78, height_m = 11.37 }}\n\
                 [[gauge]]\ntank = \"{tank}\"\nline = \"l-{edge}\"\nunit = {gauge}\n"
            )
            .expect("writing to a text does not fail");
        }
    }
    text
}

/// The description counts in whole milliseconds, and an interval has bounds; that is for staleness alone.
fn poll_interval_ms(rate: f64) -> u64 {
    let millis = (1000.0 / rate).round().clamp(100.0, 3_600_000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
    let millis = millis as u64;
    millis
}
