//! Filters with blanks, which the name of a peer fills.

use std::str::FromStr;

use crate::gate::packet::topic;

/// A filter that may hold `{identity}`, `{site}` and `{edge}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

/// What fills the blanks of a pattern.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Blanks<'n> {
    pub(crate) identity: Option<&'n str>,
    pub(crate) site: Option<&'n str>,
    pub(crate) edge: Option<&'n str>,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let filled =
            ["{identity}", "{site}", "{edge}"].iter().fold(text.to_owned(), |text, blank| text.replace(blank, "x"));
        if filled.contains(['{', '}']) {
            return Err(format!("{text:?} holds another blank than {{identity}}, {{site}} or {{edge}}"));
        }
        if filled.starts_with('$') {
            return Err(format!("{text:?} is the broker's own"));
        }
        let is_filter = topic::filter(filled.as_bytes()).is_some();
        is_filter.then(|| Self(text.to_owned())).ok_or_else(|| {
            format!("{text:?} is not a topic filter: + stands for a whole level, # for all that follows, at the end")
        })
    }
}

impl Pattern {
    /// Fills the blanks; `None` when nothing fits into one of them.
    pub(crate) fn fill(&self, blanks: &Blanks<'_>) -> Option<String> {
        let mut text = self.0.clone();
        for (blank, name) in [("{identity}", blanks.identity), ("{site}", blanks.site), ("{edge}", blanks.edge)] {
            if text.contains(blank) {
                // A name with a wildcard in it would reach what is others'.
                let name = name.filter(|name| !name.is_empty() && !name.contains(['+', '#', '/', '$', '{', '\0']))?;
                text = text.replace(blank, name);
            }
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_by_names_alone() {
        let pattern: Pattern = "a/{site}/{edge}/{identity}".parse().unwrap();
        let blanks = Blanks { identity: Some("s.e"), site: Some("s"), edge: Some("e") };
        assert_eq!(pattern.fill(&blanks).as_deref(), Some("a/s/e/s.e"));
        for name in ["+", "#", "a/b", "", "{edge}"] {
            assert_eq!(pattern.fill(&Blanks { site: Some(name), ..blanks }), None, "{name:?}");
        }
        assert_eq!(pattern.fill(&Blanks { edge: None, ..blanks }), None);
    }

    #[test]
    fn texts_that_are_no_patterns_are_refused() {
        for text in ["", "a/#/b", "a/b+", "{user}/a", "a/{site", "$SYS/#", "$share/g/a"] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
    }
}
