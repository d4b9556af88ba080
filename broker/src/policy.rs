//! By what a client is judged: users, certificates and rights.

use std::sync::Arc;

use tankline_runtime::secret::Secret;

use crate::Users;
use crate::certificate::Certificate;
use crate::denied::Denied;
use crate::gate::Refusal;
use crate::gate::packet::Connect;
use crate::rights::{Granted, Rights};
use crate::tls::Tls;

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
    Certified(Certificate),
}

impl Identity {
    /// Gives the proved name.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Unasked => None,
            Self::User { name, .. } => Some(name),
            Self::Certified(certificate) => Some(&certificate.name),
        }
    }
}

impl Policy {
    /// Finds out who a client is. A certificate stands before a password.
    ///
    /// # Errors
    /// [`Refusal`] when it proves nothing.
    pub(crate) fn identify(&self, connect: &Connect, certificate: Option<Certificate>) -> Result<Identity, Refusal> {
        if let Some(certificate) = certificate {
            let has_name = !certificate.name.is_empty();
            return if has_name { Ok(Identity::Certified(certificate)) } else { Err(Refusal::Credentials) };
        }
        let Some(users) = &self.users else { return Ok(Identity::Unasked) };
        let login = connect.login.as_ref().ok_or(Refusal::Credentials)?;
        let proof = users.proof(&login.user).filter(|_| users.admit(&login.user, &login.password));
        proof.map_or(Err(Refusal::Credentials), |proof| {
            Ok(Identity::User { name: login.user.clone(), proof: proof.clone() })
        })
    }

    /// Gives what a client may do that has proved who it is.
    ///
    /// # Errors
    /// [`Refusal`] when it may not come in so.
    pub(crate) fn grant(&self, identity: &Identity, connect: &Connect) -> Result<Arc<Granted>, Refusal> {
        if self.denied.holds(identity.name().unwrap_or(&connect.client_id)) {
            return Err(Refusal::Denied);
        }
        let granted = self.rights.of(identity.name(), &connect.client_id).map_err(|_| Refusal::Stranger)?;
        if connect.will.as_ref().is_some_and(|will| !granted.may_publish(&will.topic)) {
            return Err(Refusal::Will);
        }
        Ok(Arc::new(granted))
    }

    /// Tells whether a client that is inside would be judged now as it was.
    pub(crate) fn confirms(&self, identity: &Identity, connect: &Connect, granted: &Granted) -> bool {
        let is_known = match (identity, &self.users, &self.tls) {
            (Identity::Unasked, None, _) => true,
            (Identity::User { name, proof }, Some(users), _) => users.proof(name) == Some(proof),
            (Identity::Certified(certificate), _, Some(tls)) => !tls.has_revoked(&certificate.serial),
            _ => false,
        };
        is_known && self.grant(identity, connect).is_ok_and(|now| *now == *granted)
    }
}
