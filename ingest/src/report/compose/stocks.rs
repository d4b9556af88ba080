//! Tables of what was there and what came and went.

use super::Writing;
use crate::report::{
    Amounts, Balance, Cell, Column, DayReport, Direction, Emulsion, Quantity, Row, Section, Standing, TankDay,
};

/// Decimals of a volume or a mass.
const DECIMALS: u8 = 2;

/// Balances of products, each quantity on a row.
pub(super) fn products(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let columns = vec![
        Column::text(words.product, 16),
        Column::number("", words.tanks, 8),
        Column::text(words.quantity, 16),
        Column::number("", words.opening, 14),
        Column::number("", words.receipts, 14),
        Column::number("", words.deliveries, 14),
        Column::number("", words.unaccounted, 14),
        Column::number("", words.closing, 14),
    ];
    let mut rows = Vec::new();
    for product in &report.products {
        let oil = [(Quantity::Tov, words.tov), (Quantity::Nsv, words.nsv), (Quantity::Mass, words.mass)];
        let quantities = if product.is_oil { &oil[..] } else { &oil[..1] };
        for (place, (quantity, name)) in quantities.iter().enumerate() {
            let (title, tanks) = if place == 0 {
                let tanks = if product.summed == product.tanks {
                    product.tanks.to_string()
                } else {
                    format!("{}/{}", product.summed, product.tanks)
                };
                (Cell::from(product.product.as_str()), Cell::from(tanks))
            } else {
                (Cell::Blank, Cell::Blank)
            };
            let mut cells = vec![title, tanks, Cell::from(*name)];
            cells.extend(balance((product.summed > 0).then_some(&product.balance), *quantity));
            rows.push(Row { cells });
        }
    }
    Section { title: words.products.to_owned(), columns, rows, empty: String::new() }
}

/// What each tank held at both ends of the day.
pub(super) fn stocks(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let mut columns = vec![Column::text(words.tank, 9), Column::text(words.name, 25)];
    for end in [words.opening, words.closing] {
        let short = [words.level, words.interface, words.temperature];
        columns.extend(short.map(|title| Column::number(end, title, 7)));
        let long = [words.tov, words.fw, words.gsv, words.nsv, words.mass];
        columns.extend(long.map(|title| Column::number(end, title, 9)));
    }
    let row = |tank: &TankDay| {
        let mut cells = vec![Cell::from(tank.tank.as_str()), Cell::from(tank.title.as_str())];
        for end in [&tank.opening, &tank.closing] {
            cells.extend(standing(end.as_ref(), tank.is_oil));
        }
        Row { cells }
    };
    let rows = report.tanks.iter().map(row).collect();
    Section { title: words.stocks.to_owned(), columns, rows, empty: String::new() }
}

/// Says of each figure that is not of its time when it was read, and how far away that is.
pub(super) fn stale(report: &DayReport, writing: &Writing) -> Vec<String> {
    let words = writing.words;
    let mut said = Vec::new();
    for tank in &report.tanks {
        for (end, held) in [(words.opening, &tank.opening), (words.closing, &tank.closing)] {
            if let Some(held) = held.filter(|held| held.stale) {
                let (at, away) = (writing.time(held.at), Writing::length(held.away_ms));
                said.push(format!("{} {end} {at} ({away})", tank.tank));
            }
        }
    }
    said
}

/// Says of each tank by which transition layer its water and oil are divided.
pub(super) fn layers(report: &DayReport, writing: &Writing) -> Vec<String> {
    let words = writing.words;
    let ends = |tank: &'_ TankDay| [(words.opening, tank.opening), (words.closing, tank.closing)];
    let mut said = Vec::new();
    for tank in &report.tanks {
        for (end, held) in ends(tank) {
            if let Some(Emulsion { bottom_mm, top_mm, all_m3, water_m3 }) = held.and_then(|held| held.emulsion) {
                let water = words.water;
                said.push(format!(
                    "{} {end} {bottom_mm:.0}..{top_mm:.0} mm, {all_m3:.2} m³ ({water} {water_m3:.2} m³)",
                    tank.tank
                ));
            }
        }
    }
    said
}

fn standing(held: Option<&Standing>, is_oil: bool) -> Vec<Cell> {
    let Some(held) = held else {
        return (0..8).map(|place| if place < 5 || is_oil { Cell::Unknown } else { Cell::Blank }).collect();
    };
    let amounts = held.amounts;
    let of_oil = |quantity| if is_oil { Cell::number(amounts.of(quantity), DECIMALS) } else { Cell::Blank };
    let cells = [
        Cell::number(held.level_mm, 0),
        Cell::number(held.interface_mm, 0),
        Cell::number(held.temperature_c, 1),
        Cell::number(amounts.of(Quantity::Tov), DECIMALS),
        Cell::number(amounts.of(Quantity::Fw), DECIMALS),
        of_oil(Quantity::Gsv),
        of_oil(Quantity::Nsv),
        of_oil(Quantity::Mass),
    ];
    cells.map(|cell| cell.stale_if(held.stale)).into()
}

/// Balances of the tanks.
pub(super) fn balances(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let mut columns = vec![Column::text(words.tank, 9)];
    for quantity in [words.tov, words.nsv, words.mass] {
        let parts = [words.opening, words.receipts, words.deliveries, words.unaccounted, words.closing];
        columns.extend(parts.map(|part| Column::number(quantity, part, 9)));
    }
    let row = |tank: &TankDay| {
        let of = |quantity| match tank.balance {
            _ if !tank.is_oil && quantity != Quantity::Tov => [const { Cell::Blank }; 5],
            ref drawn => balance(drawn.as_ref(), quantity),
        };
        let mut cells = vec![Cell::from(tank.tank.as_str())];
        [Quantity::Tov, Quantity::Nsv, Quantity::Mass].into_iter().for_each(|quantity| cells.extend(of(quantity)));
        Row { cells }
    };
    let rows = report.tanks.iter().map(row).collect();
    Section { title: words.balance.to_owned(), columns, rows, empty: String::new() }
}

fn balance(drawn: Option<&Balance>, quantity: Quantity) -> [Cell; 5] {
    let number = |part: fn(&Balance) -> Amounts| Cell::number(drawn.and_then(|one| part(one).of(quantity)), DECIMALS);
    let unaccounted = drawn.and_then(|one| one.unaccounted.of(quantity));
    [
        number(|one| one.opening),
        number(|one| one.receipts),
        number(|one| one.deliveries),
        Cell::difference(unaccounted, DECIMALS),
        number(|one| one.closing),
    ]
}

/// Receipts and deliveries.
pub(super) fn movements(report: &DayReport, writing: &Writing) -> Section {
    let words = writing.words;
    let columns = vec![
        Column::text(words.tank, 10),
        Column::text(words.kind, 10),
        Column::text(words.from, 13),
        Column::text(words.to, 13),
        Column::number("", words.tov, 12),
        Column::number("", words.nsv, 12),
        Column::number("", words.mass, 12),
        Column::number("", words.flow, 12),
        Column::text(words.remark, 36),
    ];
    let mut rows = Vec::new();
    for tank in &report.tanks {
        for movement in &tank.movements {
            let of = |quantity| match quantity {
                Quantity::Nsv | Quantity::Mass if !tank.is_oil => Cell::Blank,
                _ => Cell::number(movement.amounts.of(quantity), DECIMALS),
            };
            let remarks = [
                (movement.goes_on_before, words.before),
                (movement.goes_on_after && report.day.over, words.after),
                (movement.unseen, words.unseen),
            ];
            let remarks: Vec<&str> = remarks.iter().filter(|remark| remark.0).map(|remark| remark.1).collect();
            let kind = match movement.direction {
                Direction::Receipt => words.receipt,
                Direction::Delivery => words.delivery,
            };
            let cells = vec![
                Cell::from(tank.tank.as_str()),
                Cell::from(kind),
                Cell::from(writing.time(movement.from)),
                Cell::from(writing.time(movement.to)),
                of(Quantity::Tov),
                of(Quantity::Nsv),
                of(Quantity::Mass),
                Cell::number(movement.flow_m3h(), 1),
                Cell::from(remarks.join(", ")),
            ];
            rows.push(Row { cells });
        }
    }
    Section { title: words.movements.to_owned(), columns, rows, empty: words.no_movements.to_owned() }
}
