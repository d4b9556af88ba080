//! Types that a key can have.

use std::path::PathBuf;

use serde_json::Value;

use crate::alarm::{AlarmKind, Priority};
use crate::names::{EdgeName, LineName, ProductName, RegisterMapName, SiteName, TankName};
use crate::site::Port;
use crate::units::{Celsius, CubicMetres, KilogramsPerCubicMetre, Metres, Millimetres};

/// A type that can be read from the value of a key.
pub trait Setting: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    fn read(value: &Value) -> Result<Self, String>;
}

impl Setting for String {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "must be a text in quotes".to_owned())
    }
}

impl Setting for PathBuf {
    fn read(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some(path) if !path.is_empty() => Ok(path.into()),
            _ => Err("must be a path in quotes".to_owned()),
        }
    }
}

impl Setting for bool {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "must be true or false".to_owned())
    }
}

impl Setting for f64 {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| "must be a number".to_owned())
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Setting for $number {
            fn read(value: &Value) -> Result<Self, String> {
                let whole = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
                whole.and_then(|number| number.try_into().ok()).ok_or_else(|| {
                    format!("must be a whole number from {} to {}", <$number>::MIN, <$number>::MAX)
                })
            }
        }
    )*};
}
whole_numbers!(u8, u16, u32, u64, i64, usize);

macro_rules! quantities {
    ($($quantity:ty),*) => {$(
        impl Setting for $quantity {
            fn read(value: &Value) -> Result<Self, String> {
                f64::read(value).map(<$quantity>::new)
            }
        }
    )*};
}
quantities!(Millimetres, Metres, CubicMetres, Celsius, KilogramsPerCubicMetre);

macro_rules! parsed {
    ($($parsed:ty),*) => {$(
        impl Setting for $parsed {
            fn read(value: &Value) -> Result<Self, String> {
                String::read(value)?.parse().map_err(|error: <$parsed as std::str::FromStr>::Err| error.to_string())
            }
        }
    )*};
}
parsed!(
    SiteName,
    EdgeName,
    LineName,
    TankName,
    ProductName,
    RegisterMapName,
    Port,
    AlarmKind,
    Priority,
    std::net::SocketAddr
);

impl<T: Setting> Setting for Vec<T> {
    fn read(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or_else(|| "must be a list in brackets".to_owned())?;
        let read = |(index, item)| T::read(item).map_err(|wrong| format!("item {} {wrong}", index + 1));
        items.iter().enumerate().map(read).collect()
    }
}
