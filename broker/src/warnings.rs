//! What can be used and had better be otherwise.

use tankline_runtime::secret::open_to_others;

use crate::{BrokerConfig, Users};

impl BrokerConfig {
    /// Gives what had better be otherwise, each in a sentence. No password is shown.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let Some(file) = &self.files.users else { return Vec::new() };
        let mut warnings = Vec::new();
        if std::fs::metadata(file).is_ok_and(|metadata| open_to_others(&metadata).is_some()) {
            let file = file.display();
            warnings.push(format!("others than owner and group may read or write the users file {file}; chmod o= it"));
        }
        if self.files.tls.is_none() && !self.listen.ip().is_loopback() {
            warnings.push(
                "passwords cross the network in clear, for everybody on the way to read; [tls] hides them".into(),
            );
        }
        // A file that cannot be read is an error elsewhere.
        let users = Users::read_file(file).unwrap_or_default();
        let in_clear = |user: &str| {
            format!("the password of {user} can be read in the users file; `tankline-broker user add` hashes it")
        };
        warnings.extend(users.in_clear().map(in_clear));
        warnings
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::PolicyFiles;

    #[test]
    fn open_users_file_and_passwords_in_clear_are_warned_of() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        std::fs::write(&file, "desk:secret\n").unwrap();
        let warnings = |listen: &str, mode| {
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let files = PolicyFiles { users: Some(file.clone()), ..PolicyFiles::default() };
            let config = BrokerConfig { listen: listen.parse().unwrap(), files, ..BrokerConfig::default() };
            config.warnings()
        };
        let [in_clear] = &warnings("127.0.0.1:1883", 0o640)[..] else { panic!("one warning was due") };
        assert!(in_clear.contains("desk") && !in_clear.contains("secret"), "{in_clear}");
        let all = warnings("0.0.0.0:1883", 0o644);
        assert_eq!(all.len(), 3, "{all:#?}");
        assert!(all[0].contains("users; chmod o= it") && all[1].contains("in clear"), "{all:#?}");
        assert_eq!(BrokerConfig::default().warnings(), Vec::<String>::new());
    }
}
