//! What a certificate says.

use tankline_domain::units::UnixMillis;
use x509_parser::prelude::{CertificateRevocationList, FromDer, GeneralName, X509Certificate};

/// When an end that comes near is warned of.
pub(crate) const WARNING_MS: i64 = 30 * 24 * 3600 * 1000;

/// Whose a certificate is, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// Its common name and its DNS names, in this order.
    pub(crate) names: Vec<String>,
    /// The number that its authority gave it, without zeros before it.
    pub(crate) serial: Vec<u8>,
    /// The last moment at which it holds.
    pub(crate) not_after: UnixMillis,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn read(der: &[u8]) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(der)
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
        Ok(Self { names, serial: plain(parsed.raw_serial()), not_after })
    }

    /// Gives what it is called in logs: its common name, or else its first DNS name.
    pub(crate) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// Gives the serial numbers of a revocation list in DER.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn revoked(der: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let (_, list) = CertificateRevocationList::from_der(der)
        .map_err(|error| format!("holds a revocation list that cannot be read: {error}"))?;
    Ok(list.iter_revoked_certificates().map(|revoked| plain(revoked.raw_serial())).collect())
}

/// A number as it is written in DER may have a zero before it.
fn plain(serial: &[u8]) -> Vec<u8> {
    serial.iter().copied().skip_while(|byte| *byte == 0).collect()
}
