//! The tables, and how older databases become newer ones.

/// Steps from an empty database to the present one, in order; what was released is never edited, only added to.
pub(super) const MIGRATIONS: &[&str] = &[FIRST, QUANTITIES, ALARMS, UPKEEP];

/// Version of the schema that this program writes.
pub const VERSION: u32 = 4;

/// `seq` and the ends of ranges are below 2^63. Times are in milliseconds since 1970. What was not measured or cannot
/// be derived is NULL, never 0.
const FIRST: &str = "
CREATE TABLE reading (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL,
    tank TEXT NOT NULL,
    edge TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    journal TEXT NOT NULL,
    seq INTEGER NOT NULL,
    level_mm REAL,
    interface_mm REAL,
    temperature_c REAL,
    quality TEXT NOT NULL,
    quality_code INTEGER NOT NULL,
    tov_m3 REAL,
    fw_m3 REAL,
    oil_m3 REAL,
    geometry_digest TEXT,
    committed_ms INTEGER NOT NULL,
    UNIQUE (site, edge, journal, seq)
);
-- With the quality code, so that the last good reading is found without touching the table.
CREATE INDEX reading_by_time ON reading (site, tank, at_ms, quality_code);

CREATE TABLE journal (
    site TEXT NOT NULL,
    edge TEXT NOT NULL,
    journal TEXT NOT NULL,
    readings INTEGER NOT NULL,
    newest_at_ms INTEGER,
    first_committed_ms INTEGER NOT NULL,
    last_committed_ms INTEGER NOT NULL,
    PRIMARY KEY (site, edge, journal)
) WITHOUT ROWID;

CREATE TABLE journal_range (
    site TEXT NOT NULL,
    edge TEXT NOT NULL,
    journal TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (site, edge, journal, first_seq)
) WITHOUT ROWID;

CREATE TABLE journal_gap (
    site TEXT NOT NULL,
    edge TEXT NOT NULL,
    journal TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (site, edge, journal, first_seq)
) WITHOUT ROWID;

CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE historian_cursor (
    target TEXT PRIMARY KEY,
    through_id INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
";

/// The oil corrected to 20 degC, and what every volume comes of. Readings from before keep their geometry's digest; those
/// from now on have the digest of their whole basis.
const QUANTITIES: &str = "
ALTER TABLE reading ADD COLUMN gov_m3 REAL;
ALTER TABLE reading ADD COLUMN gsv_m3 REAL;
ALTER TABLE reading ADD COLUMN nsv_m3 REAL;
ALTER TABLE reading ADD COLUMN mass_t REAL;
ALTER TABLE reading ADD COLUMN ullage_m3 REAL;
ALTER TABLE reading ADD COLUMN flow_m3h REAL;
ALTER TABLE reading ADD COLUMN basis TEXT;

-- What quantities come of: geometry, product, standard, shell, roof, limits.
CREATE TABLE basis (
    digest TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    tank TEXT NOT NULL,
    edition TEXT,
    description TEXT NOT NULL,
    first_used_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- What was derived of a reading before it was computed again.
CREATE TABLE superseded (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    reading_id INTEGER NOT NULL,
    replaced_ms INTEGER NOT NULL,
    basis TEXT,
    geometry_digest TEXT,
    tov_m3 REAL,
    fw_m3 REAL,
    oil_m3 REAL,
    gov_m3 REAL,
    gsv_m3 REAL,
    nsv_m3 REAL,
    mass_t REAL,
    ullage_m3 REAL,
    flow_m3h REAL
);
CREATE INDEX superseded_by_reading ON superseded (reading_id);
";

/// Alarms and what became of them, what has yet to be told, and hand measurements.
const ALARMS: &str = "
-- How each alarm stands; one that is normal and knows nothing has no row. The source is a tank or an edge.
CREATE TABLE alarm (
    site TEXT NOT NULL,
    source TEXT NOT NULL,
    alarm TEXT NOT NULL,
    state TEXT NOT NULL,
    -- All that is needed to go on after a restart, as JSON.
    body TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (site, source, alarm)
) WITHOUT ROWID;

CREATE TABLE alarm_transition (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL,
    source TEXT NOT NULL,
    alarm TEXT NOT NULL,
    priority TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    state_from TEXT NOT NULL,
    state_to TEXT NOT NULL,
    value REAL,
    limit_value REAL,
    unit TEXT NOT NULL,
    who TEXT,
    note TEXT,
    recorded_ms INTEGER NOT NULL
);
CREATE INDEX alarm_transition_by_time ON alarm_transition (site, at_ms);
CREATE INDEX alarm_transition_by_alarm ON alarm_transition (site, source, alarm, id);

-- What the detectors of movement and leak know of each tank, as JSON, by which basis of its volumes.
CREATE TABLE tank_watch (
    site TEXT NOT NULL,
    tank TEXT NOT NULL,
    basis TEXT NOT NULL,
    body TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (site, tank)
) WITHOUT ROWID;

-- What has yet to be told to a webhook or by e-mail, and what was.
CREATE TABLE notification (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    transition_id INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    tried_ms INTEGER,
    delivered_ms INTEGER,
    given_up_ms INTEGER,
    trouble TEXT
);
CREATE INDEX notification_that_waits ON notification (target, id)
    WHERE delivered_ms IS NULL AND given_up_ms IS NULL;

-- Hand measurements, beside what the gauge said at that time.
CREATE TABLE dip (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL,
    tank TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    level_mm REAL,
    interface_mm REAL,
    temperature_c REAL,
    taken_by TEXT NOT NULL,
    note TEXT,
    recorded_ms INTEGER NOT NULL,
    gauge_at_ms INTEGER,
    gauge_level_mm REAL,
    gauge_interface_mm REAL,
    gauge_temperature_c REAL,
    -- Volumes of both by the same basis; what was not measured by hand is the gauge's.
    tov_m3 REAL,
    nsv_m3 REAL,
    gauge_tov_m3 REAL,
    gauge_nsv_m3 REAL,
    basis TEXT NOT NULL,
    revoked_ms INTEGER,
    revoked_by TEXT
);
CREATE INDEX dip_by_time ON dip (site, tank, at_ms);
";

/// What was done to the database as a whole, whose readings go here, and the transition layer between water and oil.
const UPKEEP: &str = "
-- Made as a backup, restored from one, a site handed over or taken in.
CREATE TABLE upkeep (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    site TEXT,
    note TEXT NOT NULL
);

-- Sites that were ever handed over or taken in, how often, and whether they are served from here.
CREATE TABLE custody (
    site TEXT PRIMARY KEY,
    handovers INTEGER NOT NULL,
    is_here INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Points of height in mm and water cut as JSON, as the gauge showed them.
ALTER TABLE reading ADD COLUMN layer TEXT;
-- What is in the layer, and the water of it. NULL where the layer was taken for a step at the interface.
ALTER TABLE reading ADD COLUMN emulsion_m3 REAL;
ALTER TABLE reading ADD COLUMN emulsion_water_m3 REAL;
ALTER TABLE superseded ADD COLUMN emulsion_m3 REAL;
ALTER TABLE superseded ADD COLUMN emulsion_water_m3 REAL;
";
