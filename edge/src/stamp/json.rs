//! Finds and changes time and quality in a journalled reading, without reading the rest of it.

use std::ops::Range;

/// The number behind `"at":` and where it stands. Names and qualities hold no quotes, so that a key stands there once.
pub(super) struct At {
    pub(super) value: i64,
    place: Range<usize>,
}

/// Finds the time in a journalled reading.
pub(super) fn find_at(json: &[u8]) -> Option<At> {
    let start = behind(json, b"\"at\":")?;
    let length = json[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let value = str::from_utf8(&json[start..start + length]).ok()?.parse().ok()?;
    Some(At { value, place: start..start + length })
}

/// Gives the time in a journalled reading, in ms: since 1970, or since the machine's start.
pub(crate) fn stamp_of(json: &[u8]) -> Option<i64> {
    find_at(json).map(|at| at.value)
}

/// Puts another time in.
pub(super) fn with_at(json: &[u8], at: &At, value: i64) -> Vec<u8> {
    replaced(json, at.place.clone(), value.to_string().as_bytes())
}

/// Puts another reason in; the band stays, and what is good becomes uncertain.
pub(super) fn with_reason(json: &[u8], reason: &str) -> Vec<u8> {
    let Some(start) = behind(json, b"\"quality\":\"") else { return json.to_vec() };
    let length = json[start..].iter().take_while(|byte| **byte != b'"').count();
    let band = if json[start..].starts_with(b"bad") { "bad" } else { "uncertain" };
    replaced(json, start..start + length, format!("{band}:{reason}").as_bytes())
}

fn behind(json: &[u8], key: &[u8]) -> Option<usize> {
    Some(json.windows(key.len()).position(|window| window == key)? + key.len())
}

fn replaced(json: &[u8], place: Range<usize>, with: &[u8]) -> Vec<u8> {
    [&json[..place.start], with, &json[place.end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_left_alone() {
        for json in [&b""[..], b"{}", b"\"at\":", b"\"at\":x", b"\"at\":99999999999999999999"] {
            assert_eq!(stamp_of(json), None);
            assert_eq!(with_reason(json, "clock"), json);
        }
    }

    #[test]
    fn reasons_change_and_bands_stay() {
        for (before, after) in
            [("good", "uncertain:x"), ("uncertain:stuck", "uncertain:x"), ("bad:crc", "bad:x"), ("bad", "bad:x")]
        {
            let json = |quality: &str| format!(r#"{{"seq":7,"quality":"{quality}","more":1}}"#).into_bytes();
            assert_eq!(with_reason(&json(before), "x"), json(after));
        }
    }
}
