//! From a document to a checked site; everything that is wrong is said at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::alarms::{Place, circle, read_alarms, too_short_a_silence};
use super::conditions::read_conditions;
use super::gauges::read_gauges;
use super::profile::rod_profile;
use super::watch::read_watch;
use super::{
    Direction, Framing, Gauge, Limits, Line, Parity, Port, Product, ProductKind, SaidOfAlarms, Site, Standard, Tank,
};
use crate::alarm::Edition;
use crate::geometry::{DimensionError, Geometry, Heads, Shape, StrappingTable};
use crate::names::{EdgeName, LineName, ProductName, RegisterMapName, SiteName, TankName};
use crate::register::{NumberType, Point, RegisterKind, RegisterMap, RegisterNumber, WordOrder};
use crate::settings::{Document, Problems, Reader, Section};
use crate::topic::{ALARMS, CENTRE};
use crate::units::{KilogramsPerCubicMetre, Metres, Millimetres};
use crate::vcf::{Base, Correction};

/// Reads the text of a strapping table; its path is as the description says it. An error says why it cannot be read.
pub type ReadTable<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

/// Reads and checks the description of a site.
///
/// # Errors
/// [`Problems`] with all that is wrong, each with file, key and value.
pub fn parse(document: &Document, read_table: ReadTable<'_>) -> Result<Site, Problems> {
    let reader = Reader::new(document);
    let root = reader.root();
    let name = root.required::<SiteName>("site");
    let products: Vec<Product> = root.list("product").into_iter().filter_map(product).collect();
    let lines: Vec<Line> = root.list("line").into_iter().filter_map(line).collect();
    let tank_defaults = root.section("tank_defaults");
    let tank = |section| tank(section, &tank_defaults, read_table);
    let tanks: Vec<Tank> = root.list("tank").into_iter().filter_map(tank).collect();
    if root.has("tank") {
        tank_defaults.finish();
    }
    let maps: BTreeMap<String, RegisterMap> = root.list("register_map").into_iter().filter_map(register_map).collect();
    let declared = Declared {
        lines: names(&root, "line"),
        tanks: names(&root, "tank"),
        maps: names(&root, "register_map"),
        products: names(&root, "product"),
    };
    for section in root.list("tank") {
        if let Some(product) = section.optional::<String>("product") {
            declared.check(&section, "product", &product, &declared.products, "product");
        }
    }
    let alarm_defaults = read_alarms(&root, "alarm_defaults", Place::Defaults);
    check_circles(&root, &alarm_defaults, &tanks);
    let editions = [("api-2350-4", Edition::Api2350Fourth), ("api-2350-5", Edition::Api2350Fifth)];
    let alarm_names = root.choice("alarm_names", &editions).unwrap_or_default();
    let gauges = read_gauges(&root, &tanks, &maps, &declared);
    check_silences(&root, &alarm_defaults, &tanks, &gauges);
    let twice = |key| check_names_once(&root, key);
    ["product", "line", "tank", "register_map"].into_iter().for_each(twice);
    check_ports_once(&root);
    if !reader.has_problems() && gauges.is_empty() {
        root.problem_here("no [[gauge]] is described; at least one is needed");
    }
    root.finish();
    reader.finish()?;
    let name = name.expect("a missing name is a problem");
    Ok(Site { name, products, lines, tanks, gauges, alarm_defaults, alarm_names })
}

/// The names that other tables may refer to, also of tables that have problems of their own.
pub(super) struct Declared {
    pub(super) lines: HashSet<String>,
    pub(super) tanks: HashSet<String>,
    pub(super) maps: HashSet<String>,
    products: HashSet<String>,
}

impl Declared {
    pub(super) fn check(&self, section: &Section<'_>, key: &str, name: &str, known: &HashSet<String>, noun: &str) {
        if known.contains(name) {
            return;
        }
        let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
        known.sort_unstable();
        let list =
            if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
        section.problem(key, format!("no [[{noun}]] has this name; {list}"));
    }
}

/// Gives the text of the `name` key of each table in a list.
fn names(root: &Section<'_>, key: &str) -> HashSet<String> {
    let name = |section: &Section<'_>| section.text("name");
    root.list(key).iter().filter_map(name).collect()
}

fn check_names_once(root: &Section<'_>, key: &str) {
    let mut seen = HashSet::new();
    for section in root.list(key) {
        if let Some(name) = section.text("name")
            && !seen.insert(name)
        {
            section.problem("name", format!("is the name of two [[{key}]] tables; names must differ"));
        }
    }
}

fn check_silences(root: &Section<'_>, defaults: &SaidOfAlarms, tanks: &[Tank], gauges: &[Gauge]) {
    for section in root.list("tank") {
        let tank = section.text("name").and_then(|name| tanks.iter().find(|tank| tank.name.as_str() == name));
        let gauge = tank.and_then(|tank| gauges.iter().find(|gauge| gauge.tank == tank.name));
        let (Some(tank), Some(gauge)) = (tank, gauge) else { continue };
        if let Some(limit_s) = too_short_a_silence(defaults, &tank.alarms, gauge) {
            let silence_s = gauge.longest_silence().as_secs_f64();
            let said =
                format!("gauge-stale.limit_s ({limit_s}) must be above {silence_s}, the time between two readings");
            section.problem("alarms", said);
        }
    }
}

fn check_circles(root: &Section<'_>, defaults: &SaidOfAlarms, tanks: &[Tank]) {
    let said =
        |(one, other)| format!("{one} and {other} speak for each other, so that neither is told of; see silences");
    if let Some(found) = circle(defaults, &SaidOfAlarms::default()) {
        root.problem("alarm_defaults", said(found));
        return;
    }
    for section in root.list("tank") {
        let tank = section.text("name").and_then(|name| tanks.iter().find(|tank| tank.name.as_str() == name));
        if let Some(found) = tank.and_then(|tank| circle(defaults, &tank.alarms)) {
            section.problem("alarms", said(found));
        }
    }
}

fn check_ports_once(root: &Section<'_>) {
    let mut seen: HashMap<(String, String), String> = HashMap::new();
    for section in root.list("line") {
        let (Some(edge), Some(port), Some(name)) = (section.text("edge"), section.text("port"), section.text("name"))
        else {
            continue;
        };
        if let Some(other) = seen.insert((edge, port), name) {
            section
                .problem("port", format!("is the port of line {other} of the same edge too; each line needs its own"));
        }
    }
}

fn product(section: Section<'_>) -> Option<Product> {
    let name = section.required::<ProductName>("name");
    let kind = section.choice(
        "kind",
        &[
            ("crude", ProductKind::Crude),
            ("fuel-oil", ProductKind::FuelOil),
            ("jet", ProductKind::Jet),
            ("gasoline", ProductKind::Gasoline),
            ("transition", ProductKind::Transition),
            ("lubricating", ProductKind::Lubricating),
            ("water", ProductKind::Water),
        ],
    );
    let density = section.required_within("density_20c_kg_m3", 500.0..=1300.0);
    let standard = section
        .choice("standard", &[("gb-1885-1998", Standard::Gb1885_1998), ("api-11.1-2004", Standard::Api11_1_2004)]);
    let s_and_w = section.within("s_and_w_percent", 0.0..=100.0, 0.0) / 100.0;
    if let (Some(kind), Some(standard), Some(density)) = (kind, standard, density) {
        let taken = kind.commodity().map(|commodity| {
            let density = KilogramsPerCubicMetre::new(density);
            Correction::of_base_density(standard, commodity, Base::C20, density)
        });
        if let Some(Err(error)) = taken {
            section.problem("density_20c_kg_m3", error.to_string());
        }
    }
    section.finish();
    let density_20c = KilogramsPerCubicMetre::new(density?);
    Some(Product { name: name?, kind: kind?, density_20c, standard: standard?, s_and_w })
}

fn line(section: Section<'_>) -> Option<Line> {
    let name = section.required::<LineName>("name");
    let edge = section.required::<EdgeName>("edge");
    if let Some(edge) = edge.as_ref().filter(|edge| [CENTRE, ALARMS].contains(&edge.as_str())) {
        section.problem("edge", format!("{edge} is kept for the centre's own topics; choose another name"));
    }
    let port = section.required::<Port>("port");
    let framing = framing(&section);
    section.finish();
    Some(Line { name: name?, edge: edge?, port: port?, framing: framing? })
}

/// Reads `baud`, `data_bits`, `parity` and `stop_bits`; the published gauge's where absent.
fn framing(section: &Section<'_>) -> Option<Framing> {
    Some(Framing {
        baud: section.within("baud", 300..=921_600, 9600),
        data_bits: section.within("data_bits", 7..=8, 8),
        parity: section.choice("parity", &[("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)])?,
        stop_bits: section.within("stop_bits", 1..=2, 1),
        direction: section.optional_section("rs485").map(direction),
    })
}

fn direction(section: Section<'_>) -> Direction {
    let direction = Direction {
        rts_on_send: section.or("rts_on_send", true),
        delay_before_send_ms: section.within("delay_before_send_ms", 0..=100, 0),
        delay_after_send_ms: section.within("delay_after_send_ms", 0..=100, 0),
    };
    section.finish();
    direction
}

fn tank(section: Section<'_>, defaults: &Section<'_>, read_table: ReadTable<'_>) -> Option<Tank> {
    let name = section.required::<TankName>("name");
    let title = section.optional::<String>("title");
    let product = section.required::<ProductName>("product");
    if section.optional_section("geometry").is_none() {
        section.problem_here("has no [tank.geometry]; give a shape or a strapping_table");
    }
    let geometry = geometry(section.section("geometry"), read_table);
    let height = geometry.as_ref().map(|geometry| geometry.1);
    let limits = limits(section.section("limits"), height);
    let conditions = read_conditions(&section, defaults, height);
    let watch = read_watch(&section, defaults);
    let alarms = read_alarms(&section, "alarms", Place::Tank);
    section.finish();
    let (geometry, height) = geometry?;
    let name = name?;
    let title = title.unwrap_or_else(|| name.to_string());
    let (product, conditions) = (product?, conditions?);
    Some(Tank { name, title, product, geometry, height, limits, conditions, watch, alarms })
}

/// Reads a shape, a strapping table or both; the table wins, the shape then gives the height.
fn geometry(section: Section<'_>, read_table: ReadTable<'_>) -> Option<(Geometry, Millimetres)> {
    let table_path = section.optional::<PathBuf>("strapping_table");
    let wants_shape = section.has("shape") || !section.has("strapping_table");
    let shape = wants_shape.then(|| shape(&section));
    let table = table_path.map(|path| {
        let problem = |message: String| section.problem("strapping_table", message);
        let text = read_table(&path).map_err(problem).ok()?;
        let parsed = StrappingTable::from_csv(&text);
        parsed.map_err(|wrong| wrong.iter().for_each(|error| problem(error.to_string()))).ok()
    });
    let table_failed = matches!(table, Some(None)) || (section.has("strapping_table") && table.is_none());
    section.finish();
    match (shape, table) {
        _ if table_failed => None,
        (Some(shape), Some(Some(table))) => Some((Geometry::Table(table), shape?.height())),
        (None, Some(Some(table))) => {
            let height = table.height();
            Some((Geometry::Table(table), height))
        }
        (Some(shape), _) => {
            let shape = shape?;
            let height = shape.height();
            Some((Geometry::Shape(shape), height))
        }
        (None, _) => None,
    }
}

#[derive(Clone, Copy)]
enum ShapeKind {
    VerticalCylinder,
    HorizontalCylinder,
    HalfCylinder,
    Sphere,
    Box,
}

fn shape(section: &Section<'_>) -> Option<Shape> {
    if !section.has("shape") {
        section.problem(
            "shape",
            "is missing: vertical-cylinder, horizontal-cylinder, half-cylinder, sphere or box; or give a \
                 strapping_table",
        );
        return None;
    }
    let kind = section.choice(
        "shape",
        &[
            ("vertical-cylinder", ShapeKind::VerticalCylinder),
            ("horizontal-cylinder", ShapeKind::HorizontalCylinder),
            ("half-cylinder", ShapeKind::HalfCylinder),
            ("sphere", ShapeKind::Sphere),
            ("box", ShapeKind::Box),
        ],
    )?;
    let metres = |key| section.required::<Metres>(key);
    let made = match kind {
        ShapeKind::VerticalCylinder => {
            let (diameter, height) = (metres("diameter_m"), metres("height_m"));
            Shape::vertical_cylinder(diameter?, height?)
        }
        ShapeKind::HalfCylinder => {
            let (diameter, length) = (metres("diameter_m"), metres("length_m"));
            Shape::half_cylinder(diameter?, length?)
        }
        ShapeKind::Sphere => Shape::sphere(metres("diameter_m")?),
        ShapeKind::Box => {
            let (length, width, height) = (metres("length_m"), metres("width_m"), metres("height_m"));
            Shape::rectangular_box(length?, width?, height?)
        }
        ShapeKind::HorizontalCylinder => {
            let (diameter, length, heads) = (metres("diameter_m"), metres("length_m"), heads(section));
            Shape::horizontal_cylinder(diameter?, length?, heads?)
        }
    };
    made.map_err(|error: DimensionError| section.problem(error.dimension, error.to_string())).ok()
}

fn heads(section: &Section<'_>) -> Option<Heads> {
    let depth = || section.required::<Metres>("head_depth_m");
    let kinds = [("flat", 0), ("ellipsoidal", 1), ("conical", 2), ("hemispherical", 3)];
    match section.choice("heads", &kinds)? {
        0 => Some(Heads::Flat),
        1 => depth().map(|depth| Heads::Ellipsoidal { depth }),
        2 => depth().map(|depth| Heads::Conical { depth }),
        _ => Some(Heads::Hemispherical),
    }
}

fn limits(section: Section<'_>, height: Option<Millimetres>) -> Limits {
    let keys = ["ll_mm", "l_mm", "h_mm", "hh_mm"];
    let values = keys.map(|key| section.optional::<Millimetres>(key));
    let given: Vec<(&str, Millimetres)> =
        keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect();
    for pair in given.windows(2) {
        let [(below, lower), (above, upper)] = [pair[0], pair[1]];
        if lower >= upper {
            section.problem(below, format!("must be below {above} ({}): ll_mm < l_mm < h_mm < hh_mm", upper.get()));
        }
    }
    for (key, value) in &given {
        if value.get() < 0.0 {
            section.problem(key, "must be 0 or more: limits count from the tank bottom");
        }
        if let Some(height) = height.filter(|height| *value > *height) {
            section.problem(key, format!("must not be above the tank's height ({} mm)", height.get()));
        }
    }
    section.finish();
    let [low_low, low, high, high_high] = values;
    Limits { low_low, low, high, high_high }
}

fn register_map(section: Section<'_>) -> Option<(String, RegisterMap)> {
    let name = section.required::<RegisterMapName>("name");
    if name.as_ref().is_some_and(|name| name.as_str() == "published") {
        section.problem("name", "is kept for the published gauge; choose another name");
    }
    if !section.has("level") {
        section.problem_here("has no level; a gauge gives at least that: write [register_map.level]");
    }
    let level = section.optional_section("level").map(point);
    let interface = section.optional_section("interface").map(point);
    let temperature = section.optional_section("temperature").map(point);
    let profile = section.optional_section("profile").map(rod_profile);
    section.finish();
    let absent_or_read = |point: Option<Option<Point>>| point.map_or(Some(None), |point| point.map(Some));
    let map = RegisterMap {
        level: level??,
        interface: absent_or_read(interface)?,
        temperature: absent_or_read(temperature)?,
        profile: match profile {
            None => None,
            Some(profile) => Some(profile?),
        },
    };
    Some((name?.to_string(), map))
}

fn point(section: Section<'_>) -> Option<Point> {
    let register = section.required_within::<u16>("register", 1..=u16::MAX);
    let kind = section.choice("kind", &[("holding", RegisterKind::Holding), ("input", RegisterKind::Input)]);
    let types = [
        ("i16", NumberType::I16),
        ("u16", NumberType::U16),
        ("i32", NumberType::I32),
        ("u32", NumberType::U32),
        ("f32", NumberType::F32),
    ];
    if !section.has("type") {
        section.problem("type", "is missing: i16, u16, i32, u32 or f32");
    }
    let number_type = section.choice("type", &types);
    let word_order = section.choice("word_order", &[("big", WordOrder::Big), ("little", WordOrder::Little)]);
    let scale = section.or("scale", 1.0);
    if scale == 0.0 {
        section.problem("scale", "must not be 0");
    }
    let offset = section.or("offset", 0.0);
    let (register, number_type) = (register.and_then(RegisterNumber::new), number_type);
    if let (Some(register), Some(number_type)) = (register, number_type)
        && u32::from(register.get()) + u32::from(number_type.words()) - 1 > u32::from(u16::MAX)
    {
        section.problem("register", "a number of two registers does not fit here: 65534 is the last that does");
    }
    section.finish();
    Some(Point { register: register?, kind: kind?, number_type: number_type?, word_order: word_order?, scale, offset })
}
