use proptest::prelude::*;

use super::*;

#[test]
fn every_form_comes_back_from_its_text() {
    for form in FORMS {
        let command: PlantCommand = form.example.parse().unwrap();
        assert!(command.to_string().starts_with(form.verb), "{command}");
        assert_eq!(command.to_string().parse(), Ok(command), "{}", form.example);
        if form.takes.contains("|off") {
            let words = form.example.split(' ').take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
            let off = words.chain(["off"]).collect::<Vec<_>>().join(" ");
            let command: PlantCommand = off.parse().unwrap();
            assert_eq!(command.to_string(), off);
        }
    }
}

#[test]
fn commands_are_read_as_a_person_means_them() {
    let tank = || "T-01".parse().unwrap();
    for (text, command) in [
        (
            "set T-01 level_mm=11800 interface_mm=300 temperature_c=32.5 emulsion_mm=400",
            PlantCommand::Set {
                tank: tank(),
                content: SetContent {
                    level_mm: Some(11_800.0),
                    interface_mm: Some(300.0),
                    temperature_c: Some(32.5),
                    emulsion_mm: Some(400.0),
                },
            },
        ),
        (
            "inflow T-01 400m3/h temperature=-5C water_cut=30%",
            PlantCommand::Inflow {
                tank: tank(),
                stream: Some(Inflow { flow_m3h: 400.0, water_cut_percent: 30.0, temperature_c: Some(-5.0) }),
            },
        ),
        (
            "outflow  T-01  200m3/h",
            PlantCommand::Outflow { tank: tank(), stream: Some(Outflow { flow_m3h: 200.0, nozzle: Nozzle::Oil }) },
        ),
        (
            "outflow T-01 0.5m3/h from=1200mm",
            PlantCommand::Outflow {
                tank: tank(),
                stream: Some(Outflow { flow_m3h: 0.5, nozzle: Nozzle::Height(1200.0) }),
            },
        ),
        ("ambient -10C", PlantCommand::Ambient { temperature_c: -10.0 }),
        ("foam T-01 off", PlantCommand::Foam { tank: tank(), thickness_mm: 0.0 }),
        ("reboot T-01 2min", PlantCommand::Reboot { tank: tank(), lasts: Duration::from_secs(120) }),
        ("valve V-01 open=50%", PlantCommand::Valve { valve: "V-01".parse().unwrap(), open_percent: 50.0 }),
    ] {
        assert_eq!(text.parse(), Ok(command), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_what_would_be_right() {
    for (text, told) in [
        ("", "there is no plant command \"\"; there are set, inflow, outflow, transfer, leak"),
        ("fill T-01", "there is no plant command \"fill\""),
        ("inflow", "plant command \"inflow\": a tank is missing; it is written inflow TANK FLOW|off"),
        ("inflow T-01", "a flow or off is missing"),
        ("inflow T-01 400", "\"400\" is not a flow in m3/h from 0.001 to 100000, or off"),
        ("inflow T-01 400m3/h water_cut=130%", "water_cut: \"130%\" is not a percentage in % from 0 to 100"),
        ("inflow T-01 400m3/h cut=30%", "it does not take \"cut=30%\"; it is written inflow TANK"),
        ("inflow T-01 off water_cut=30%", "it does not take \"water_cut=30%\""),
        ("inflow T/01 400m3/h", "\"T/01\" is not a name"),
        ("outflow T-01 5m3/h from=top", "from: \"top\" is not bottom, oil or a height in mm"),
        ("set T-01", "it says nothing to be set"),
        ("set T-01 level=5", "it does not take \"level=5\""),
        ("set T-01 level_mm=NaN", "level_mm: \"NaN\" is not a number of mm from 0"),
        ("freeze T-01 level_mm=5 emulsion_mm=4", "it does not take \"emulsion_mm=4\""),
        ("float T-01 loose", "\"loose\" is not stuck or free"),
        ("reboot T-01 5", "\"5\" is not a time from 1ms to 24h"),
        ("valve V-01 50%", "open=PERCENT is missing"),
        ("gauge T-01", "it changes nothing; it is written gauge TANK [offset_mm=N]"),
        ("liquids T-01", "it changes nothing; it is written liquids TANK [water=COUNTS]"),
        ("hold T-01 now", "it does not take \"now\"; it is written hold TANK, such as hold T-01"),
        ("transfer T-01 150m3/h", "is not a name"),
    ] {
        let error = text.parse::<PlantCommand>().unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_is_read_is_written_alike(
        verb in prop::sample::select(FORMS.iter().map(|form| form.verb).collect::<Vec<_>>()),
        rest in "( (T-01|off|free|[0-9.-]{1,6}(m3/h|L/h|kW|C|mm|s|ms|min|%)?|[a-z_]{2,9}=[0-9a-z.%-]{0,6})){0,4}",
    ) {
        if let Ok(command) = format!("{verb}{rest}").parse::<PlantCommand>() {
            prop_assert_eq!(command.to_string().parse(), Ok(command));
        }
    }
}
