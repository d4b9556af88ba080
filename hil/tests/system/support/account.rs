use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use tankline_hil::line::Served;

use super::{EDGES, Row, Station};

/// A reply that came so shortly before its edge was killed may not have been journalled yet: when the edge does not believe
/// it, it waits for another one for up to a second, and only then tells that the request went unanswered. A busy machine
/// adds to it; how many there may be is held besides.
const BEFORE_DEATH: Duration = Duration::from_secs(5);

/// A gauge that is held up answers an edge that was killed when the next one is already there.
const AFTER_DEATH: Duration = Duration::from_secs(3);

/// Between a reply and the moment at which the edge gives up to wait for it.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(10);

const DAY_MS: i64 = 86_400_000;

/// A time in which no process of an edge lived, after it had been killed.
#[derive(Debug, Clone)]
pub struct Death {
    pub edge: String,
    pub from_ms: i64,
    pub until_ms: i64,
}

/// A request for which the edge found no answer, as its log tells.
#[derive(Debug, Clone)]
pub struct Unanswered {
    tank: String,
    /// Milliseconds since midnight.
    at_ms: i64,
}

/// What the gauges gave away, compared with what the history holds.
#[derive(Debug, Default)]
pub struct Account {
    /// Replies that the gauges gave away.
    pub served: usize,
    /// Readings with values that are one of these replies.
    pub matched: usize,
    /// Replies that no living edge took: sent around the time of its death. No more than two a death.
    pub unheard: usize,
    /// Replies that came too late for the edge, as it tells itself: it had given up to wait for them.
    pub late: usize,
    /// Readings without a value.
    pub bad: usize,
    /// Longest time from a reply to the reading's own time.
    pub longest_ms: i64,
    /// Times that an edge was killed.
    pub deaths: usize,
    /// Replies that are not in the history, without an excuse.
    pub lost: Vec<Served>,
    /// Readings that repeat a reply, or a number of a journal.
    pub repeated: Vec<Row>,
    /// Readings that no gauge gave.
    pub invented: Vec<Row>,
    /// Numbers of a journal that are not in the history.
    pub missing_numbers: Vec<(String, i64)>,
}

impl Account {
    /// Compares with the readings since the gauges were started; numbers are checked in all of them.
    ///
    /// Each of the unanswered requests excuses one reply of its tank that is not in the history.
    pub fn of(station: &Station, rows: &[Row], deaths: &[Death], mut unanswered: Vec<Unanswered>) -> Self {
        let (served, tanks) = (station.served(), station.tanks());
        let mut account = Self { served: served.len(), deaths: deaths.len(), ..Self::default() };
        let replies: HashMap<_, _> = served.iter().enumerate().map(|(index, reply)| (key(reply), index)).collect();
        assert_eq!(replies.len(), served.len(), "no gauge gives the same away twice");
        let mut taken = vec![false; served.len()];
        for row in rows.iter().filter(|row| row.at_ms >= station.started_ms()) {
            let (Some(level), Some(interface), Some(temperature)) = (row.level_mm, row.interface_mm, row.temperature_c)
            else {
                account.bad += 1;
                continue;
            };
            let tank = tanks.iter().find(|(tank, _)| tank.as_str() == row.tank);
            let owned = tank.filter(|(_, (edge, _))| edge.as_str() == row.edge && row.quality == "good");
            let reply = owned.and_then(|(tank, (_, offset))| {
                let whole = |value: f64| value.round() as i64;
                let key =
                    (tank.to_string(), whole(level - offset), whole(interface - offset), whole(temperature * 10.0));
                replies.get(&key)
            });
            match reply {
                None => account.invented.push(row.clone()),
                Some(reply) if std::mem::replace(&mut taken[*reply], true) => account.repeated.push(row.clone()),
                Some(reply) => {
                    account.matched += 1;
                    account.longest_ms = account.longest_ms.max((row.at_ms - served[*reply].at.get()).abs());
                }
            }
        }
        for (reply, taken) in served.iter().zip(taken) {
            if taken {
                continue;
            }
            let edge = tanks[&reply.tank].0.as_str();
            if deaths.iter().any(|death| death.edge == edge && death.covers(reply)) {
                account.unheard += 1;
            } else if let Some(request) = unanswered.iter().position(|request| request.excuses(reply)) {
                unanswered.remove(request);
                account.late += 1;
            } else {
                account.lost.push(reply.clone());
            }
        }
        account.check_numbers(rows);
        account
    }

    /// Holds that every reply is in the history once, and nothing else.
    ///
    /// # Panics
    /// When it is not so.
    #[track_caller]
    pub fn assert_whole(&self) {
        assert!(self.lost.is_empty(), "lost: {:#?}\n{self}", self.lost);
        assert!(self.repeated.is_empty(), "twice in the history: {:#?}\n{self}", self.repeated);
        assert!(self.invented.is_empty(), "no gauge gave {:#?}\n{self}", self.invented);
        assert!(self.missing_numbers.is_empty(), "missing numbers: {:?}\n{self}", self.missing_numbers);
        assert!(self.unheard <= 2 * self.deaths, "more was lost at a death than was under way\n{self}");
        assert!(self.longest_ms < 10_000, "a reading is told of another time than its reply\n{self}");
        assert!(self.matched * 2 > self.served, "too little was compared\n{self}");
    }

    fn check_numbers(&mut self, rows: &[Row]) {
        let mut journals: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
        for row in rows {
            journals.entry((&row.edge, &row.journal)).or_default().push(row);
        }
        assert!(journals.keys().all(|(edge, _)| EDGES.contains(edge)));
        for ((_, journal), mut rows) in journals {
            rows.sort_by_key(|row| row.seq);
            let mut expected = 1;
            for row in rows {
                if row.seq < expected {
                    self.repeated.push(row.clone());
                }
                self.missing_numbers.extend((expected..row.seq).map(|seq| (journal.to_owned(), seq)));
                expected = row.seq + 1;
            }
        }
    }
}

impl Death {
    fn covers(&self, reply: &Served) -> bool {
        (self.from_ms - ms(BEFORE_DEATH)..=self.until_ms.saturating_add(ms(AFTER_DEATH))).contains(&reply.at.get())
    }
}

impl Unanswered {
    /// Finds all in the log of an edge.
    pub fn all_in(log: &str) -> Vec<Self> {
        let requests = log.lines().filter(|line| line.contains("request goes unanswered"));
        requests.map(|line| Self::of(line).unwrap_or_else(|| panic!("{line}"))).collect()
    }

    /// Reads a line such as `2026-11-23T07:21:14.116952Z DEBUG … tank=T-01 …`.
    fn of(line: &str) -> Option<Self> {
        let time = line.split(['T', 'Z']).nth(1)?;
        let mut parts = time.split(':').map(|part| part.parse::<f64>().ok());
        let seconds = parts.next()?? * 3600.0 + parts.next()?? * 60.0 + parts.next()??;
        let tank = line.split(' ').find_map(|word| word.strip_prefix("tank="))?;
        Some(Self { tank: tank.to_owned(), at_ms: (seconds * 1000.0) as i64 })
    }

    fn excuses(&self, reply: &Served) -> bool {
        let apart = (self.at_ms - reply.at.get()).rem_euclid(DAY_MS);
        self.tank == reply.tank.as_str() && apart.min(DAY_MS - apart) < ms(GIVEN_UP_WITHIN)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} served, {} in the history, {} unheard at {} deaths of an edge, {} too late, {} polls without a value, \
             {} lost, {} twice, {} invented, {} numbers missing, at most {} ms from reply to reading",
            self.served,
            self.matched,
            self.unheard,
            self.deaths,
            self.late,
            self.bad,
            self.lost.len(),
            self.repeated.len(),
            self.invented.len(),
            self.missing_numbers.len(),
            self.longest_ms
        )
    }
}

fn key(reply: &Served) -> (String, i64, i64, i64) {
    let values = reply.values;
    let tank = reply.tank.to_string();
    (tank, values.level_mm.into(), values.interface_mm.into(), values.temperature_tenths.into())
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}
