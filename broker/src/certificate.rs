//! What a certificate says.

use rustls::pki_types::CertificateDer;
use tankline_domain::units::UnixMillis;
use tankline_runtime::mqtt::ENDS_SOON_MS;
use x509_parser::prelude::{CertificateRevocationList, FromDer, GeneralName, X509Certificate};

/// Whose a certificate is, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// Its common name and its DNS names, in this order.
    pub(crate) names: Vec<String>,
    /// The last moment at which it holds.
    pub(crate) not_after: UnixMillis,
    /// Its holder's name as the authority wrote it. DER.
    pub(crate) subject: Vec<u8>,
    /// The certificate itself, and after it those between it and its authority. DER.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

impl Certificate {
    /// Reads a certificate that comes with those between it and its authority.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn read(chain: &[CertificateDer<'_>]) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(chain.first().map_or(&[], |der| der.as_ref()))
            .map_err(|error| format!("holds a certificate that cannot be read: {error}"))?;
        let common = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        let alternatives = parsed.subject_alternative_name().ok().flatten();
        let dns = alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        });
        let names = common.chain(dns).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let seconds = parsed.validity().not_after.timestamp();
        let not_after = UnixMillis::new(seconds.saturating_mul(1000));
        let chain = chain.iter().map(|der| der.clone().into_owned()).collect();
        let subject = parsed.subject().as_raw().to_vec();
        Ok(Self { names, not_after, subject, chain })
    }

    /// Tells whether it ends within 30 days, or has ended.
    pub(crate) const fn ends_soon(&self, now: UnixMillis) -> bool {
        self.not_after.millis_since(now) < ENDS_SOON_MS
    }

    /// Gives what it is called in logs: its common name, or else its first DNS name.
    pub(crate) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// Gives the name of the authority that made a revocation list. DER.
///
/// # Errors
/// What is wrong with the list, in words.
pub(crate) fn issuer_of_list(der: &[u8]) -> Result<Vec<u8>, String> {
    let (_, list) = CertificateRevocationList::from_der(der)
        .map_err(|error| format!("holds a revocation list that cannot be read: {error}"))?;
    Ok(list.issuer().as_raw().to_vec())
}
