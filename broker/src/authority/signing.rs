//! Making certificates and revocation lists.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tankline_domain::units::UnixMillis;

use super::AuthorityError;
use super::index::Issued;

/// Clocks of RTUs go wrong: a certificate holds from a day before it was made.
const EARLIER: Duration = Duration::from_secs(24 * 3600);
/// A revocation list is asked for what it names; when its day has passed it still counts.
const LIST_DAYS: u32 = 3650;

/// Whose a certificate is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A client: an edge by `{site}.{edge}`, the centre by `tankline-ingest`, or another.
    Client(String),
    /// A broker, by the names and addresses that clients reach it by; at least one.
    Broker(Vec<String>),
}

impl Holder {
    /// Makes the holder of a client's certificate.
    ///
    /// # Errors
    /// [`AuthorityError::Name`] when nobody can be called so.
    pub fn client(name: &str) -> Result<Self, AuthorityError> {
        checked(name).map(Self::Client)
    }

    /// Makes the holder of a broker's certificate.
    ///
    /// # Errors
    /// [`AuthorityError::Name`] when there is no name, or one that no machine can have.
    pub fn broker(hosts: &[String]) -> Result<Self, AuthorityError> {
        let hosts = hosts.iter().map(|host| checked(host)).collect::<Result<Vec<_>, _>>()?;
        match hosts.is_empty() {
            true => Err(AuthorityError::Name { name: String::new(), wrong: "it is empty" }),
            false => Ok(Self::Broker(hosts)),
        }
    }

    /// Gives the name, which the files are called by.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Client(name) => name,
            Self::Broker(hosts) => hosts.first().map_or("", String::as_str),
        }
    }
}

/// A certificate that was made.
pub(super) struct Made {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) issued: Issued,
}

fn checked(name: &str) -> Result<String, AuthorityError> {
    let wrong = match name {
        "" => "it is empty",
        _ if name.len() > 64 => "it is longer than 64 characters",
        _ if name.starts_with('.') => "it begins with a point",
        _ if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte)) => {
            "it holds other characters than A-Z a-z 0-9 . _ - :"
        }
        _ => return Ok(name.to_owned()),
    };
    Err(AuthorityError::Name { name: name.to_owned(), wrong })
}

/// Makes the certificate and the key of a new authority.
pub(super) fn found(name: &str, now: UnixMillis, days: u32) -> Result<(String, String), AuthorityError> {
    let mut params = params(Vec::new(), name, now, days)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate().map_err(making)?;
    let certificate = params.self_signed(&key).map_err(making)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Takes up an authority that was founded before.
pub(super) fn signer(certificate: &str, key: &str) -> Result<Issuer<'static, KeyPair>, AuthorityError> {
    let key = KeyPair::from_pem(key).map_err(making)?;
    Issuer::from_ca_cert_pem(certificate, key).map_err(making)
}

/// Makes a certificate and its key.
pub(super) fn issue(
    signer: &Issuer<'_, KeyPair>,
    holder: &Holder,
    now: UnixMillis,
    days: u32,
) -> Result<Made, AuthorityError> {
    let (hosts, usage) = match holder {
        Holder::Client(name) => (vec![name.clone()], ExtendedKeyUsagePurpose::ClientAuth),
        Holder::Broker(hosts) => (hosts.clone(), ExtendedKeyUsagePurpose::ServerAuth),
    };
    let mut params = params(hosts, holder.name(), now, days)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    let serial = serial()?;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let key = KeyPair::generate().map_err(making)?;
    let certificate = params.signed_by(&key, signer).map_err(making)?;
    let issued = Issued {
        serial: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
        name: holder.name().to_owned(),
        not_after: UnixMillis::new(now.get().saturating_add(i64::from(days) * 86_400_000)),
        revoked: None,
    };
    Ok(Made { certificate: certificate.pem(), key: key.serialize_pem(), issued })
}

/// Makes the list of these serial numbers.
pub(super) fn revocations<'i>(
    signer: &Issuer<'_, KeyPair>,
    revoked: impl Iterator<Item = (&'i str, UnixMillis)>,
    now: UnixMillis,
) -> Result<String, AuthorityError> {
    let entry = |(serial, at): (&str, UnixMillis)| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&bytes_of(serial)),
        revocation_time: date_time_ymd(1970, 1, 1) + since_1970(at),
        reason_code: None,
        invalidity_date: None,
    };
    let this_update = date_time_ymd(1970, 1, 1) + since_1970(now).saturating_sub(EARLIER);
    let list = CertificateRevocationListParams {
        this_update,
        next_update: this_update + days_long(LIST_DAYS),
        crl_number: SerialNumber::from_slice(&now.get().to_be_bytes()),
        issuing_distribution_point: None,
        revoked_certs: revoked.map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(signer).and_then(|list| list.pem()).map_err(making)
}

fn params(hosts: Vec<String>, name: &str, now: UnixMillis, days: u32) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(hosts).map_err(making)?;
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(now).saturating_sub(EARLIER);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(now) + days_long(days);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

/// A random number of 16 bytes whose first is neither zero nor a sign.
fn serial() -> Result<[u8; 16], AuthorityError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|error| AuthorityError::Making { reason: error.to_string() })?;
    serial[0] = (serial[0] & 0x3F) | 0x40;
    Ok(serial)
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn since_1970(at: UnixMillis) -> Duration {
    Duration::from_secs(u64::try_from(at.get() / 1000).unwrap_or(0))
}

fn days_long(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3600)
}

fn making(error: rcgen::Error) -> AuthorityError {
    AuthorityError::Making { reason: error.to_string() }
}
