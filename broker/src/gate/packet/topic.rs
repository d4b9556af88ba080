//! Topics and filters. MQTT 3.1.1, 4.7.

/// More than any topic that somebody has a use for; those of the contract have at most 210.
pub(crate) const MAX_TOPIC_BYTES: usize = 1024;

/// Reads a topic; `None` when it is none.
///
/// The inner broker cuts a topic after its first byte and breaks when that is not a character, so the first one must be
/// ASCII. Topics of the broker (`$SYS`) are read here, and nobody has a right to them.
pub(crate) fn topic(bytes: &[u8]) -> Option<&str> {
    text(bytes).filter(|topic| !topic.contains(['+', '#']))
}

/// Reads a filter; `None` when it is none.
pub(crate) fn filter(bytes: &[u8]) -> Option<&str> {
    let filter = text(bytes)?;
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let whole = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            other => !other.contains(['+', '#']),
        };
        if !whole {
            return None;
        }
    }
    Some(filter)
}

fn text(bytes: &[u8]) -> Option<&str> {
    let fits = (1..=MAX_TOPIC_BYTES).contains(&bytes.len()) && bytes[0].is_ascii() && !bytes.contains(&0);
    std::str::from_utf8(bytes).ok().filter(|_| fits)
}

/// Tells whether a pattern takes in all that a filter, or a topic, takes in.
///
/// What begins with `$` is the broker's own, and no wildcard takes it in. MQTT 3.1.1, 4.7.2.
pub(crate) fn covers(pattern: &str, filter: &str) -> bool {
    if filter.starts_with('$') && !pattern.starts_with('$') {
        return false;
    }
    let (mut pattern, mut filter) = (pattern.split('/'), filter.split('/'));
    loop {
        match (pattern.next(), filter.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => (),
            (Some(wanted), Some(level)) if wanted == level => (),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_and_filters_are_told_from_other_texts() {
        for good in ["a", "a/b", "/", "a//b", "tankline/v1/s/e/readings", "$SYS/x", "a/é"] {
            assert_eq!((topic(good.as_bytes()), filter(good.as_bytes())), (Some(good), Some(good)));
        }
        for wild in ["#", "+", "a/#", "+/+/#", "/+", "+/"] {
            assert_eq!((topic(wild.as_bytes()), filter(wild.as_bytes())), (None, Some(wild)));
        }
        let long = "x".repeat(MAX_TOPIC_BYTES + 1);
        for bad in ["", "a#", "#/a", "a+/b", "a/+b", "##", "a\0", "é/a", &long] {
            assert_eq!((topic(bad.as_bytes()), filter(bad.as_bytes())), (None, None), "{bad:?}");
        }
        assert_eq!(topic(b"a/\xFF"), None);
    }

    #[test]
    fn pattern_covers_what_is_inside_it_and_nothing_else() {
        for (pattern, filter) in [
            ("a/b", "a/b"),
            ("a/+", "a/b"),
            ("a/+", "a/+"),
            ("a/#", "a"),
            ("a/#", "a/b/c"),
            ("a/#", "a/+/#"),
            ("#", "a/b"),
            ("+/b", "/b"),
            ("$SYS/#", "$SYS/a"),
        ] {
            assert!(covers(pattern, filter), "{pattern} {filter}");
        }
        for (pattern, filter) in [
            ("a/b", "a/c"),
            ("a/b", "a/+"),
            ("a/b", "a/b/c"),
            ("a/b/c", "a/b"),
            ("a/+", "a/#"),
            ("a/+", "a"),
            ("a/+", "a/b/c"),
            ("+", "#"),
            ("a/#", "#"),
            ("a/#", "b"),
            ("#", "$SYS/a"),
            ("+/a", "$SYS/a"),
        ] {
            assert!(!covers(pattern, filter), "{pattern} {filter}");
        }
    }
}
