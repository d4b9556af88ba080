//! What a person does about an alarm.

use clap::Args;
use tankline_domain::alarm::AlarmKey;

use super::read::AlarmsError;
use super::{WorkerArgs, words};
use crate::http::{Done, Said, Until};
use crate::local_time::GivenMoment;

/// An alarm as a person names it.
#[derive(Debug, Clone)]
pub struct Named(AlarmKey);

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |why: String| format!("{why}; write SITE/SOURCE/ALARM, such as lindong/T-01/level-hh, as the list has it");
        let [site, source, alarm] = text.split('/').collect::<Vec<_>>()[..] else {
            return Err(wrong("that is not three names".to_owned()));
        };
        Ok(Self(AlarmKey {
            site: site.parse().map_err(|error: tankline_domain::names::NameError| wrong(error.to_string()))?,
            source: source.parse().map_err(|error: tankline_domain::names::NameError| wrong(error.to_string()))?,
            kind: alarm.parse().map_err(|error: tankline_domain::alarm::UnknownAlarm| wrong(error.to_string()))?,
        }))
    }
}

/// An alarm, and who does something about it.
#[derive(Debug, Args)]
pub struct OrderArgs {
    /// The alarm, such as lindong/T-01/level-hh.
    #[arg(value_name = "SITE/SOURCE/ALARM")]
    alarm: Named,
    /// Who you are, where several people use one token.
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    worker: WorkerArgs,
}

/// An alarm, and for how long it is put aside.
#[derive(Debug, Args)]
pub struct ShelveArgs {
    /// For how many minutes.
    #[arg(long, value_name = "NUMBER", required_unless_present = "until", conflicts_with = "until")]
    minutes: Option<u32>,
    /// Until when, such as 2026-11-23T14:05+08:00.
    #[arg(long, value_name = "MOMENT")]
    until: Option<GivenMoment>,
    #[command(flatten)]
    order: OrderArgs,
}

/// An alarm, and the work for which it is taken out of service.
#[derive(Debug, Args)]
pub struct OutOfServiceArgs {
    /// The work order.
    #[arg(long, value_name = "TEXT")]
    work_order: String,
    #[command(flatten)]
    order: OrderArgs,
}

pub(super) fn plain(args: &OrderArgs, action: &str) -> Result<String, AlarmsError> {
    give(args, action, Said::default())
}

pub(super) fn shelve(args: &ShelveArgs) -> Result<String, AlarmsError> {
    let until = args.until.map(|until| Until::Millis(until.0.get()));
    give(&args.order, "shelve", Said { minutes: args.minutes, until, ..Said::default() })
}

pub(super) fn out_of_service(args: &OutOfServiceArgs) -> Result<String, AlarmsError> {
    give(&args.order, "out-of-service", Said { work_order: Some(args.work_order.clone()), ..Said::default() })
}

fn give(args: &OrderArgs, action: &str, said: Said) -> Result<String, AlarmsError> {
    let worker = args.worker.worker()?;
    let said = Said { who: args.who.clone(), reason: args.reason.clone(), ..said };
    let Named(AlarmKey { site, source, kind }) = &args.alarm;
    let done: Done = worker.post(&format!("/api/v1/alarms/{site}/{source}/{kind}/{action}"), &said)?;
    Ok(words::done(&args.alarm.0, &done, worker.offset))
}
