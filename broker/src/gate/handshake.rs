//! The beginning of encryption, and why it failed.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    AlertDescription, CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};
use tankline_domain::units::UnixMillis;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::claim::shown_names;
use crate::certificate::Certificate;

tokio::task_local! {
    /// What the certificate that the client of this task was refused for is called.
    static REFUSED: RefCell<Option<String>>;
}

/// Encryption that did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) fault: TlsFault,
    /// What the certificate that was refused is called; nobody has proved to be that.
    pub(super) certificate: Option<String>,
}

/// Why encryption did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsFault {
    #[error("it has no certificate")]
    NoCertificate,
    #[error("its certificate ended at {0}")]
    Ended(UnixMillis),
    #[error("its certificate holds from {0} on only; look at the clocks")]
    NotYet(UnixMillis),
    #[error("its certificate was revoked")]
    Revoked,
    #[error("its certificate is of an authority that is not in client_ca")]
    UnknownIssuer,
    #[error("no list in crl tells whether its certificate was revoked")]
    NoList,
    #[error("its certificate is not one for clients")]
    Purpose,
    #[error("its certificate cannot be used")]
    Certificate,
    #[error("it does not accept the broker's certificate")]
    Distrust,
    #[error("it does not speak TLS")]
    Unencrypted,
    #[error("it speaks no version of TLS, and no ciphers, that are spoken here")]
    Incompatible,
    #[error("it broke off while encryption began")]
    BrokeOff,
    #[error("its encryption is none that is accepted here")]
    Other,
}

/// Begins encryption with a client.
///
/// # Errors
/// [`Failure`], with the cause as far as it is known.
pub(super) async fn shake_hands(config: Arc<ServerConfig>, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
    let shaking = async {
        TlsAcceptor::from(config)
            .accept(stream)
            .await
            .map_err(|error| Failure { fault: TlsFault::of(&error), certificate: REFUSED.with(RefCell::take) })
    };
    REFUSED.scope(RefCell::new(None), shaking).await
}

impl TlsFault {
    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            None => Self::BrokeOff,
            Some(Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(Error::InvalidCertificate(wrong)) => Self::of_certificate(wrong),
            Some(Error::InvalidMessage(_) | Error::InappropriateMessage { .. }) => Self::Unencrypted,
            Some(Error::PeerIncompatible(_)) => Self::Incompatible,
            Some(Error::AlertReceived(alert)) => match alert {
                AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateExpired
                | AlertDescription::UnsupportedCertificate => Self::Distrust,
                AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => Self::Incompatible,
                _ => Self::BrokeOff,
            },
            Some(_) => Self::Other,
        }
    }

    fn of_certificate(wrong: &CertificateError) -> Self {
        match wrong {
            CertificateError::ExpiredContext { not_after, .. } => Self::Ended(millis(*not_after)),
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYet(millis(*not_before)),
            CertificateError::Revoked => Self::Revoked,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::UnknownRevocationStatus => Self::NoList,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::Purpose,
            _ => Self::Certificate,
        }
    }
}

fn millis(time: UnixTime) -> UnixMillis {
    let since = Duration::from_secs(time.as_secs());
    UnixMillis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Judges certificates as another does, and notes what those are called that are refused: the connection that failed tells
/// nothing of them.
#[derive(Debug)]
pub(crate) struct Noting(pub(crate) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Noting {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.verify_client_cert(end_entity, intermediates, now).inspect_err(|_| {
            let names =
                Certificate::read(std::slice::from_ref(end_entity)).map(|certificate| shown_names(&certificate)).ok();
            // Also judged where nobody shakes hands.
            let _ = REFUSED.try_with(|refused| refused.replace(names));
        })
    }

    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
