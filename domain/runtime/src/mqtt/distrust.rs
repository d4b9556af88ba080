//! Why an encrypted connection does not come about, in words that a person can act on.

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};
use tankline_domain::units::UnixMillis;

/// Says why TLS with this host failed.
pub(super) fn of(error: &Error, host: &str, port: u16) -> String {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error, host),
        Error::AlertReceived(alert) => of_alert(*alert, host),
        Error::InvalidMessage(_) => {
            format!(
                "what answers on port {port} of {host} does not speak TLS; brokers do on a port of its own, often 8883"
            )
        }
        Error::PeerIncompatible(why) => {
            format!("{host} and this client have no kind of TLS 1.2 or 1.3 in common: {why:?}")
        }
        Error::NoCertificatesPresented => format!("{host} shows no certificate"),
        other => format!("TLS with {host} failed: {other}"),
    }
}

fn of_certificate(error: &CertificateError, host: &str) -> String {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("the certificate of {host} is not of an authority trusted here; is ca_file that of its authority?")
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            let end = day(*not_after);
            format!(
                "the certificate of {host} expired on {end}; renew it there, or set the clock of this machine right"
            )
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!(
                "the certificate of {host} holds only from {}; is the clock of this machine right?",
                day(*not_before)
            )
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come as DnsName("broker.example") and IpAddress(10.0.0.7).
            let name = |name: &String| name.split(['(', ')']).nth(1).unwrap_or(name).trim_matches('"').to_owned();
            let names: Vec<String> = presented.iter().map(name).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            format!(
                "the certificate of the broker is for {names} and not for {host}; the url must have a name of these"
            )
        }
        CertificateError::Revoked => format!("the certificate of {host} was revoked"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("the certificate of {host} is not one for servers")
        }
        CertificateError::Other(error) if format!("{error:?}").contains("CaUsedAsEndEntity") => {
            format!("{host} shows the certificate of an authority as its own; it needs one that the authority signed")
        }
        other => format!("the certificate of {host} cannot be trusted: {other}"),
    }
}

fn of_alert(alert: AlertDescription, host: &str) -> String {
    const OURS: &str = "client_certificate_file and client_key_file";
    match alert {
        AlertDescription::CertificateRequired => format!("{host} wants a certificate of this client: {OURS}"),
        AlertDescription::HandshakeFailure => {
            format!("{host} broke off TLS: no cipher in common, or it wants a certificate of this client ({OURS})")
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::AccessDenied => {
            format!("{host} refused the certificate of this client, or that there is none ({alert:?}); check {OURS}")
        }
        AlertDescription::ProtocolVersion => format!("{host} speaks neither TLS 1.2 nor 1.3"),
        other => format!("{host} broke off TLS: {other:?}"),
    }
}

fn day(time: UnixTime) -> String {
    let millis = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000);
    UnixMillis::new(millis).to_string().chars().take_while(|c| *c != 'T').collect()
}
