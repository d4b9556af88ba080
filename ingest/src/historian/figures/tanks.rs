//! `live` and `bar`: the tanks as operators see them now.

use tankline_domain::reading::Quality;

use super::super::Point;
use super::compose::end;
use super::{Bar, Now};
use crate::config::TextFields;
use crate::live::{TankState, TankView};
use crate::stations::DescribedTank;

/// Writes one tank.
pub(super) fn write(page: &mut String, now: &Now, tank: &DescribedTank, view: &TankView) {
    let holds = matches!(view.state, TankState::Live | TankState::Uncertain);
    let value = |value: Option<f64>| value.filter(|_| holds);
    let (shown, height) = (&view.shown, tank.tank.height.get());
    let code = shown.quality.as_ref().and_then(|quality| quality.parse::<Quality>().ok()).map(|quality| quality.code());
    let point = Point::new(page, "live").tag("site", &view.site).tag("tank", &view.tank);
    let point = point
        .integer("state", view.state.code())
        .float("age_s", view.age_s)
        .float("level_mm", value(shown.level_mm))
        .float("level_percent", value(shown.level_mm).filter(|_| height > 0.0).map(|level| level / height * 100.0))
        .float("interface_mm", value(shown.interface_mm))
        .float("layer_bottom_mm", value(shown.layer_bottom_mm))
        .float("layer_top_mm", value(shown.layer_top_mm))
        .float("temperature_c", value(shown.temperature_c))
        .float("tov_m3", value(shown.tov_m3))
        .float("fw_m3", value(shown.fw_m3))
        .float("oil_m3", value(shown.oil_m3))
        .float("emulsion_m3", value(shown.emulsion_m3))
        .float("gsv_m3", value(shown.gsv_m3))
        .float("nsv_m3", value(shown.nsv_m3))
        .float("mass_t", value(shown.mass_t))
        .float("ullage_m3", value(shown.ullage_m3))
        .float("flow_m3h", value(shown.flow_m3h));
    let point = match code {
        Some(code) => point.integer("quality_code", i64::from(code)),
        None => point,
    };
    let point = match now.text_fields {
        TextFields::Written => point
            .string("quality", shown.quality.as_deref().unwrap_or("never"))
            .string("title", &view.title.replace(char::is_control, " "))
            .string("product", &view.product),
        TextFields::LeftOut => point,
    };
    end(point, now.at);
    let mut point = Point::new(page, "bar").tag("site", &view.site).tag("tank", &view.tank);
    for (part, percent) in Bar::of(&tank.tank, view).parts() {
        point = point.float(part, Some(percent));
    }
    end(point, now.at);
}
