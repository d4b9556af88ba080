//! Messages as one e-mail, over SMTP.

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::Message as Mail;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tankline_domain::units::UnixMillis;

use super::letter;
use super::target::{EmailConfig, Security};
use super::{Failure, Message};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

impl EmailConfig {
    /// Sends one e-mail with all of these. There is no time-out here.
    ///
    /// A recipient that the server does not know keeps nobody else from getting it.
    ///
    /// # Errors
    /// [`Failure`]; its words do not show the password.
    pub async fn send(&self, messages: &[&Message], now: UnixMillis) -> Result<(), Failure> {
        let transport = self.transport()?;
        let mail = self.write(messages, now)?;
        let Err(error) = transport.send(mail.clone()).await else { return Ok(()) };
        if !error.is_permanent() || self.to.len() == 1 || concerns_login(&error) {
            return Err(failure(&error));
        }
        let (mut reached, mut last) = (0, failure(&error));
        for recipient in &self.to {
            let envelope = Envelope::new(Some(self.from.email.clone()), vec![recipient.email.clone()])
                .map_err(|error| Failure::Denied(error.to_string()))?;
            match transport.send_raw(&envelope, &mail.formatted()).await {
                Ok(_) => reached += 1,
                Err(error) => {
                    tracing::warn!(recipient = %recipient.email, %error, "an e-mail is refused for one recipient");
                    last = failure(&error);
                }
            }
        }
        if reached == 0 { Err(last) } else { Ok(()) }
    }

    fn transport(&self) -> Result<Transport, Failure> {
        let denied = |error: Error| Failure::Denied(in_full(&error));
        let tls = || {
            let builder = TlsParameters::builder(self.host.clone());
            let builder = match &self.authorities {
                None => builder,
                Some(pem) => {
                    let authorities = Certificate::from_pem(pem).map_err(denied)?;
                    builder.certificate_store(CertificateStore::None).add_root_certificate(authorities)
                }
            };
            builder.build_rustls().map_err(denied)
        };
        let tls = match self.security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(tls()?),
            Security::Tls => Tls::Wrapper(tls()?),
        };
        let mut builder = Transport::builder_dangerous(self.host.clone())
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(self.from.email.domain().to_owned()));
        if let Some((user, password)) = &self.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(builder.build())
    }

    fn write(&self, messages: &[&Message], now: UnixMillis) -> Result<Mail, Failure> {
        let (subject, body) = (
            letter::subject(messages),
            letter::body(messages, self.how_to_acknowledge.as_deref(), now, self.utc_offset),
        );
        let since_1970 = Duration::from_millis(now.get().max(0).unsigned_abs());
        let mut builder = Mail::builder().from(self.from.clone()).subject(subject).date(UNIX_EPOCH + since_1970);
        if let (Some(first), Some(last)) = (messages.first(), messages.last()) {
            // The same for a repeat, so that mail programs show it once.
            let id = format!("<tankline.{}.{}.{}@{}>", first.site, first.id, last.id, self.from.email.domain());
            builder = builder.message_id(Some(id));
        }
        for recipient in &self.to {
            builder = builder.to(recipient.clone());
        }
        let mail = builder.header(ContentType::TEXT_PLAIN).body(body);
        let mut mail = mail.map_err(|error| Failure::Refused(format!("no e-mail can be made of it: {error}")))?;
        // RFC 3834: out-of-office programs do not answer this.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        mail.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(mail)
    }
}

/// RFC 4954 section 6.
fn concerns_login(error: &Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538))
}

fn failure(error: &Error) -> Failure {
    let words = in_full(error);
    let code = error.status().map(u16::from);
    match code {
        Some(530 | 534 | 535 | 538 | 550 | 551 | 553) => Failure::Denied(words),
        Some(500..) => Failure::Refused(words),
        _ => Failure::Later(words),
    }
}

fn in_full(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
