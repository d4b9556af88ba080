use std::fmt;
use std::str::FromStr;

use tankline_domain::names::{NameError, TankName};

/// Name of a pump or a valve: 1 to 64 of `[A-Za-z0-9_-]`, as all names are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EquipmentName(TankName);

impl FromStr for EquipmentName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // The rules of all names are the same.
        text.parse().map(Self)
    }
}

impl fmt::Display for EquipmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
