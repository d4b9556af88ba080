//! E-mails: over a real SMTP conversation, encrypted before the password, gathered, and nothing lost.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod receivers;
mod station;

use std::time::Duration;

use receivers::mail::MailServer;
use receivers::{Authority, Teller};
use station::until;
use tankline_ingest::local_time::UtcOffset;
use tankline_ingest::notify::{EmailConfig, Keep, Security, Selection, Target, Way};
use tankline_runtime::secret::Secret;

fn email(server: &MailServer) -> EmailConfig {
    EmailConfig {
        host: "localhost".to_owned(),
        port: server.port,
        security: Security::None,
        authorities: None,
        login: None,
        from: "Tanks <tanks@lindong.example>".parse().unwrap(),
        to: vec!["night@lindong.example".parse().unwrap()],
        gather: Duration::ZERO,
        spacing: Duration::ZERO,
        utc_offset: UtcOffset::default(),
        how_to_acknowledge: Some("Acknowledge at the desk.".to_owned()),
    }
}

fn target(email: EmailConfig) -> Target {
    Target {
        name: "night-shift".to_owned(),
        selection: Selection::default(),
        keep: Keep::default(),
        timeout: Duration::from_secs(10),
        way: Way::Email(Box::new(email)),
    }
}

#[tokio::test]
async fn an_alarm_is_an_email_that_says_what_to_do() {
    let server = MailServer::start(&[], &[], None).await;
    let teller = Teller::start(target(email(&server)));
    teller.put(7);
    until("the mail has come", || server.mails().len() == 1).await;
    let mail = server.mails()[0].clone();
    assert_eq!(mail.to, ["night@lindong.example"]);
    assert!(mail.header("From").contains("Tanks <tanks@lindong.example>"));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").starts_with("<tankline.s.7-"), "{}", mail.data);
    assert!(mail.header("Content-Type").contains("charset=utf-8"));
    // Titles are UTF-8, in the subject by RFC 2047 and in the text as quoted-printable.
    assert_eq!(mail.header("Subject"), "CRITICAL T-07 =?utf-8?b?5ray5L2N6auY6auYOg==?= 15204 > 15200 mm (s)");
    for line in [
        "  value       15204 mm, limit 15200 mm\r\n",
        "  what to do  Stop the transfer.\r\n",
        "Acknowledge at the desk.",
    ] {
        assert!(mail.data.contains(line), "{line} in {}", mail.data);
    }
    until("it is noted", || teller.count("delivered_ms IS NOT NULL") == 1).await;
}

#[tokio::test]
async fn the_password_is_said_only_when_the_connection_is_encrypted_and_trusted() {
    let (own, stranger) = (Authority::new(), Authority::new());
    let server = MailServer::start(&[], &[], Some(own.acceptor)).await;
    let encrypted = |pem: &str| EmailConfig {
        security: Security::StartTls,
        authorities: Some(pem.as_bytes().to_vec()),
        login: Some(("tanks".to_owned(), Secret::new("hunter2"))),
        ..email(&server)
    };
    let teller = Teller::start(target(encrypted(&stranger.pem)));
    teller.put(1);
    until("it was tried", || teller.tally().trouble().is_some()).await;
    assert!(!teller.tally().trouble().unwrap().contains("hunter2"));
    assert!(server.mails().is_empty());
    let teller = Teller::start(target(encrypted(&own.pem)));
    teller.put(1);
    until("the mail has come", || server.mails().len() == 1).await;
    let mail = server.mails()[0].clone();
    // printf '\0tanks\0hunter2' | base64
    assert_eq!((mail.encrypted, mail.login.as_deref()), (true, Some("AHRhbmtzAGh1bnRlcjI=")));
    assert!(!server.plain().contains("AUTH"), "{}", server.plain());
}

#[tokio::test]
async fn a_server_without_encryption_gets_neither_password_nor_mail() {
    let server = MailServer::start(&[], &[], None).await;
    let security = Security::StartTls;
    let login = Some(("tanks".to_owned(), Secret::new("hunter2")));
    let teller = Teller::start(target(EmailConfig { security, login, ..email(&server) }));
    teller.put(1);
    until("it was tried", || teller.tally().trouble().is_some()).await;
    assert!(server.mails().is_empty() && !server.plain().contains("AUTH"), "{}", server.plain());
}

#[tokio::test]
async fn a_flood_is_a_few_mails_with_every_alarm_in_them() {
    let server = MailServer::start(&["451 later"], &[], None).await;
    let mut email = email(&server);
    email.gather = Duration::from_secs(1);
    let teller = Teller::start(target(email));
    for id in 10..90 {
        teller.put(id);
    }
    until("all are told", || teller.count("delivered_ms IS NOT NULL") == 80).await;
    let mails = server.mails();
    assert!(mails.len() <= 20, "{}", mails.len());
    let all: String = mails.iter().map(|mail| mail.data.as_str()).collect();
    for id in 10..90 {
        assert!(all.contains(&format!("T-{id}")), "{id}");
    }
}

#[tokio::test]
async fn an_address_that_is_wrong_keeps_nobody_else_from_being_told() {
    let server = MailServer::start(&[], &["gone@lindong.example"], None).await;
    let mut email = email(&server);
    email.to.insert(0, "gone@lindong.example".parse().unwrap());
    let teller = Teller::start(target(email));
    teller.put(1);
    until("it is noted", || teller.count("delivered_ms IS NOT NULL") == 1).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["night@lindong.example"]);
}
