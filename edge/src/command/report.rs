//! One answer, laid out for a technician.

use std::fmt::Write;

use tankline_domain::register::{Point, RegisterKind, RegisterRead, WireAddress};
use tankline_domain::units::{Celsius, Millimetres};

use super::advice::quality_in_words;
use super::attempt::Answer;
use super::target::{Question, Target, Values};
use crate::line::frame::hex;

/// Writes a length as gauges show it: `9641 mm`; a fraction only where there is one.
pub(super) fn mm(length: Millimetres) -> String {
    format!("{} mm", bare_mm(length))
}

/// Writes a length without its unit.
pub(super) fn bare_mm(length: Millimetres) -> String {
    let decimals = usize::from(length.get().fract() != 0.0);
    format!("{:.decimals$}", length.get())
}

/// Writes a temperature without its unit, in steps of 0.1 degC.
pub(super) fn bare_celsius(temperature: Celsius) -> String {
    format!("{:.1}", temperature.get())
}

/// Writes a time in ms.
pub(super) fn ms(time: std::time::Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// Says which registers a request reads: by their numbers, and by the address that stands in the frame.
pub(super) fn registers_in_words(read: RegisterRead) -> String {
    let kind = match read.kind {
        RegisterKind::Holding => "holding",
        RegisterKind::Input => "input",
    };
    let start = read.start.get();
    let (first, last) = (u32::from(start) + 1, u32::from(start) + u32::from(read.count));
    match read.count {
        1 => format!("{kind} register {first}, address 0x{start:04X}"),
        _ => format!("{kind} registers {first} to {last}, from address 0x{start:04X}"),
    }
}

/// Lays out one answer: values, registers, frames, reply time.
pub(super) fn answer(target: &Target, answer: &Answer) -> String {
    let mut text = String::new();
    let tank = match &target.question {
        Question::Quantities { tank: Some(tank), .. } => format!("tank {}, ", tank.name),
        _ => String::new(),
    };
    put(&mut text, format_args!("{tank}unit {} on {}\n", target.unit, target.place()));
    if let Some(values) = target.values(answer) {
        put_values(&mut text, target, &values);
    }
    put(&mut text, format_args!("  register     hex  decimal"));
    for (read, exchange) in &answer.exchanges {
        for (offset, word) in (0..).zip(&exchange.words) {
            let address = read.start.get() + offset;
            let (number, meaning) = (u32::from(address) + 1, meaning(target, read.kind, address, *word));
            let line = format!("  {number:>8}  0x{word:04X}  {word:>7}  {meaning}");
            put(&mut text, format_args!("{}", line.trim_end()));
        }
    }
    for (read, exchange) in &answer.exchanges {
        let registers = registers_in_words(*read);
        put(&mut text, format_args!("\n  request      {}   {registers}", hex(&exchange.request)));
        put(&mut text, format_args!("  reply        {}", hex(&exchange.reply)));
        put(&mut text, format_args!("  reply time   {} ms", ms(exchange.took)));
    }
    text
}

fn put_values(text: &mut String, target: &Target, values: &Values) {
    let offset = target.offset();
    let note = if offset.get() == 0.0 { String::new() } else { format!("   offset of {} added", mm(offset)) };
    let length = |length: Option<Millimetres>| length.map(|length| format!("{:>8} mm{note}", bare_mm(length)));
    let rows = [
        ("level", length(values.level)),
        ("interface", length(values.interface)),
        ("temperature", values.temperature.map(|degrees| format!("{:>8} degC", bare_celsius(degrees)))),
    ];
    for (name, value) in rows {
        put(text, format_args!("  {name:<12}{}", value.unwrap_or_else(|| format!("{:>8}", "none"))));
    }
    let known = matches!(&target.question, Question::Quantities { tank: Some(_), .. });
    match quality_in_words(&values.quality) {
        Some(words) => put(text, format_args!("  {:<12}    {}: {words}", "quality", values.quality)),
        None if known => put(text, format_args!("  {:<12}    good", "quality")),
        // Without its tank a reading cannot be called good.
        None => {}
    }
    text.push('\n');
}

/// Says what a register holds, and its signed number where that differs.
fn meaning(target: &Target, kind: RegisterKind, address: u16, word: u16) -> String {
    let mut parts = Vec::new();
    if let Question::Quantities { registers, .. } = &target.question {
        let named = [
            ("level", Some(&registers.level)),
            ("interface", registers.interface.as_ref()),
            ("temperature", registers.temperature.as_ref()),
        ];
        let holds = |point: &Point| {
            let first = WireAddress::from(point.register).get();
            point.kind == kind && (first..first.saturating_add(point.number_type.words())).contains(&address)
        };
        parts.extend(named.iter().filter(|(_, point)| point.is_some_and(holds)).map(|(name, _)| (*name).to_owned()));
    }
    if word > i16::MAX.unsigned_abs() {
        parts.push(format!("signed {}", word.cast_signed()));
    }
    parts.join(", ")
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tankline_domain::register::RegisterMap;
    use tankline_domain::site::Framing;
    use tankline_domain::units::UnixMillis;

    use super::*;
    use crate::line::master::Exchange;

    /// Source: the printed exchange of the published gauge protocol.
    #[test]
    fn golden_answer_is_laid_out() {
        let registers = RegisterMap::published();
        let read = registers.reads(0)[0];
        let target = Target {
            port: "/dev/ttyUSB0".parse().unwrap(),
            framing: Framing::default(),
            unit: 1,
            question: Question::Quantities { registers: Box::new(registers), tank: None },
        };
        let exchange = Exchange {
            words: vec![0x25A9, 0x18DF, 0xFFD6],
            request: vec![0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x04],
            reply: vec![0x01, 0x03, 0x06],
            took: Duration::from_micros(23_140),
        };
        let shown = answer(&target, &Answer { at: UnixMillis::new(1), exchanges: vec![(read, exchange)] });
        let expected = "\
unit 1 on /dev/ttyUSB0 (9600 8N1)

  level           9641 mm
  interface       6367 mm
  temperature     -4.2 degC

  register     hex  decimal
        50  0x25A9     9641  level
        51  0x18DF     6367  interface
        52  0xFFD6    65494  temperature, signed -42

  request      01 03 00 31 00 03 54 04   holding registers 50 to 52, from address 0x0031
  reply        01 03 06
  reply time   23.1 ms
";
        assert_eq!(shown, expected);
    }
}
