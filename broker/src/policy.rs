//! By what a client is judged: users, certificates and rights.

use std::sync::Arc;
use std::time::Duration;

use tankline_domain::units::UnixMillis;
use tankline_runtime::secret::Secret;

use crate::Users;
use crate::certificate::Certificate;
use crate::denied::Denied;
use crate::gate::Refusal;
use crate::gate::packet::Connect;
use crate::rights::{Granted, Rights};
use crate::tls::Tls;

/// Who is inside is judged again so often at least: the clock may have been set, and what lies between a certificate and its
/// authority ends too.
const JUDGED_AGAIN: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

/// Users, certificates and rights as the files have them now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Who may connect with a password; everybody when absent and no certificate is asked for.
    pub(crate) users: Option<Users>,
    /// What they may do.
    pub(crate) rights: Rights,
    /// Who may not come in.
    pub(crate) denied: Denied,
    /// Encryption, where it is wanted.
    pub(crate) tls: Option<Tls>,
}

/// Who a client has proved to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It was not asked.
    Unasked,
    /// It knows the password of a user.
    User {
        /// The user.
        name: String,
        /// What its password was held against.
        proof: Secret,
    },
    /// It has the key of a certificate.
    Certified {
        /// The one of its names that the client goes by.
        name: String,
        /// The certificate.
        certificate: Certificate,
    },
}

impl Identity {
    /// Gives the proved name.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Unasked => None,
            Self::User { name, .. } | Self::Certified { name, .. } => Some(name),
        }
    }

    /// Gives how long a judgement holds at the most, when no file changes.
    pub(crate) fn holds_for(&self, now: UnixMillis) -> Duration {
        let Self::Certified { certificate, .. } = self else { return JUDGED_AGAIN };
        let left_ms = certificate.not_after.get().saturating_sub(now.get());
        // Its last second is one of those in which it holds.
        Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)).saturating_add(SECOND).min(JUDGED_AGAIN)
    }

    /// Gives all names that were proved.
    fn all_names(&self) -> impl Iterator<Item = &str> {
        let others: &[String] = if let Self::Certified { certificate, .. } = self { &certificate.names } else { &[] };
        self.name().into_iter().chain(others.iter().map(String::as_str))
    }
}

impl Policy {
    /// Finds out who a client is. A certificate stands before a password.
    ///
    /// # Errors
    /// [`Refusal`] when it proves nothing.
    pub(crate) fn identify(&self, connect: &Connect, certificate: Option<Certificate>) -> Result<Identity, Refusal> {
        if let Some(certificate) = certificate {
            let name = self.rights.name_among(&certificate.names, &connect.client_id);
            let name = name.ok_or(Refusal::Nobody)?.to_owned();
            return Ok(Identity::Certified { name, certificate });
        }
        let Some(users) = &self.users else { return Ok(Identity::Unasked) };
        let login = connect.login.as_ref().ok_or(Refusal::Credentials)?;
        // Asked also for a user that there is not, so that the time of the answer does not tell.
        let is_right = users.admit(&login.user, &login.password);
        let proof = users.proof(&login.user).filter(|_| is_right);
        proof.map_or(Err(Refusal::Credentials), |proof| {
            Ok(Identity::User { name: login.user.clone(), proof: proof.clone() })
        })
    }

    /// Gives what a client may do that has proved who it is.
    ///
    /// # Errors
    /// [`Refusal`] when it may not come in so.
    pub(crate) fn grant(
        &self,
        identity: &Identity,
        connect: &Connect,
        now: UnixMillis,
    ) -> Result<Arc<Granted>, Refusal> {
        if let Identity::Certified { certificate, .. } = identity
            && !self.tls.as_ref().is_some_and(|tls| tls.accepts(certificate, now))
        {
            return Err(Refusal::Certificate);
        }
        let is_denied = match identity {
            Identity::Unasked => self.denied.holds(&connect.client_id),
            _ => identity.all_names().any(|name| self.denied.holds(name)),
        };
        if is_denied {
            return Err(Refusal::Denied);
        }
        let granted = self.rights.of(identity.name(), &connect.client_id).map_err(|_| Refusal::Stranger)?;
        if connect.will.as_ref().is_some_and(|will| !granted.may_publish(&will.topic)) {
            return Err(Refusal::Will);
        }
        Ok(Arc::new(granted))
    }

    /// Tells whether a client that is inside would be judged now as it was.
    pub(crate) fn confirms(&self, identity: &Identity, connect: &Connect, granted: &Granted, now: UnixMillis) -> bool {
        let is_known = match (identity, &self.users) {
            (Identity::Unasked, None) => true,
            (Identity::User { name, proof }, Some(users)) => users.proof(name) == Some(proof),
            (Identity::Certified { name, certificate }, _) => {
                self.rights.name_among(&certificate.names, &connect.client_id) == Some(name)
            }
            _ => false,
        };
        is_known && self.grant(identity, connect, now).is_ok_and(|now| *now == *granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::packet::Login;
    use crate::users::{self, HASHED};

    #[test]
    fn each_login_takes_one_hash_whether_there_is_such_a_user_or_not() {
        let hash = users::hash(b"secret").unwrap();
        let users = [("edge", hash.as_str()), ("clear", "secret")].into_iter().collect();
        let policy = Policy { users: Some(users), ..Policy::default() };
        for (user, password, is_right) in [
            ("edge", "secret", true),
            ("edge", "other", false),
            ("clear", "secret", true),
            ("clear", "other", false),
            ("nobody", "secret", false),
        ] {
            let login = Some(Login { user: user.to_owned(), password: password.as_bytes().to_vec() });
            let connect = Connect { client_id: "a".to_owned(), is_clean: true, keep_alive_s: 0, will: None, login };
            HASHED.set(0);
            assert_eq!(policy.identify(&connect, None).is_ok(), is_right, "{user} {password}");
            assert_eq!(HASHED.get(), 1, "{user} {password}");
        }
    }
}
