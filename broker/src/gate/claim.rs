//! Who a client says that it is.

use super::packet::Connect;
use crate::certificate::Certificate;

/// What is told of a name at the most.
const MAX_CHARS: usize = 100;

/// Who a client is or says that it is, as far as that is known. For the log alone: a password is never in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) client_id: Option<String>,
    pub(super) user: Option<String>,
    /// All names of its certificate.
    pub(super) certificate: Option<String>,
}

impl Claim {
    /// Begins with what a certificate says.
    pub(super) fn of(certificate: Option<&Certificate>) -> Self {
        Self { certificate: certificate.map(shown_names), ..Self::default() }
    }

    /// Takes in what a CONNECT says.
    pub(super) fn note(&mut self, connect: &Connect) {
        self.client_id = Some(shown(&connect.client_id));
        self.user = connect.login.as_ref().map(|login| shown(&login.user));
    }
}

/// Gives all names of a certificate as they are told; most have one, twice.
pub(super) fn shown_names(certificate: &Certificate) -> String {
    let mut names: Vec<&str> = certificate.names.iter().map(String::as_str).collect();
    names.dedup();
    shown(&names.join(", "))
}

/// Gives a name as it is told: its beginning, with a ? for each control character.
fn shown(name: &str) -> String {
    let mut shown: String =
        name.chars().take(MAX_CHARS).map(|char| if char.is_control() { '?' } else { char }).collect();
    if name.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_told_shortly_and_on_one_line() {
        assert_eq!(shown("lindong.rtu-01"), "lindong.rtu-01");
        assert_eq!(shown("a\nERROR all is lost\u{1b}[2J"), "a?ERROR all is lost?[2J");
        assert_eq!(shown(&"é".repeat(70_000)), "é".repeat(MAX_CHARS) + "…");
    }
}
