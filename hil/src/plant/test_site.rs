//! Sites for the tests of the plant.

use std::path::Path;

use tankline_domain::site::Site;
use tankline_runtime::site_file;

/// The demo station.
pub(crate) fn lindong() -> Site {
    site_file::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sites/lindong.toml")).unwrap()
}
