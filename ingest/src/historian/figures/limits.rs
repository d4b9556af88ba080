//! `limit`: what the levels, interfaces and temperatures of tanks are held against, so that it can be drawn.

use tankline_domain::alarm::AlarmKind;
use tankline_domain::site::{Site, Tank};
use tankline_domain::units::UnixMillis;

use super::super::Point;
use super::compose::end;

/// The limits of the tanks. They change with the description alone, and are known from the start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LimitLines {
    tanks: Vec<OfTank>,
}

/// Site, tank, and each limit with its name.
type OfTank = (String, String, Vec<(&'static str, f64)>);

impl LimitLines {
    /// Gathers the limits of all tanks of some sites.
    #[must_use]
    pub fn new(sites: &[Site]) -> Self {
        let of_site = |site: &Site| {
            let name = site.name().to_string();
            site.tanks()
                .iter()
                .map(|tank| (name.clone(), tank.name.to_string(), fields(site, tank)))
                .collect::<Vec<_>>()
        };
        Self { tanks: sites.iter().flat_map(of_site).collect() }
    }

    pub(super) fn write(&self, page: &mut String, at: UnixMillis) {
        for (site, tank, fields) in &self.tanks {
            let mut point = Point::new(page, "limit").tag("site", site).tag("tank", tank);
            for (name, value) in fields {
                point = point.float(name, Some(*value));
            }
            end(point, at);
        }
    }
}

/// Gives what is laid down for a tank; what is not is absent.
fn fields(site: &Site, tank: &Tank) -> Vec<(&'static str, f64)> {
    let limits = &tank.limits;
    let rules = site.tank_rules(tank);
    let rule = |kind| rules.iter().find(|rule| rule.kind == kind).and_then(|rule| rule.limit);
    let fields = [
        ("ll_mm", limits.low_low.map(|limit| limit.get())),
        ("l_mm", limits.low.map(|limit| limit.get())),
        ("h_mm", limits.high.map(|limit| limit.get())),
        ("hh_mm", limits.high_high.map(|limit| limit.get())),
        ("height_mm", Some(tank.height.get())),
        ("capacity_m3", Some(tank.geometry.capacity().get())),
        ("interface_h_mm", rule(AlarmKind::InterfaceHigh)),
        ("interface_l_mm", rule(AlarmKind::InterfaceLow)),
        ("temperature_h_c", rule(AlarmKind::TemperatureHigh)),
        ("temperature_l_c", rule(AlarmKind::TemperatureLow)),
        ("stale_after_s", rule(AlarmKind::GaugeStale)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
