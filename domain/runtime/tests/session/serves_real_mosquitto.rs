//! An encrypted session with mosquitto.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use rcgen::ExtendedKeyUsagePurpose;
use serde_json::json;
use tankline_runtime::mqtt::SessionEvent;

use crate::support::authority::{Authority, NOW};
use crate::support::{Session, message};

/// A mosquitto that dies with its test.
struct Mosquitto(Child);

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn session_with_certificates_on_both_sides() {
    let authority = Authority::new();
    let broker = authority.broker("127.0.0.1", NOW);
    let client = authority.identity("lindong.rtu-01", NOW, ExtendedKeyUsagePurpose::ClientAuth);
    let certificate = authority.file("broker.pem", &broker.certificate, 0o644);
    let key = authority.file("broker.key", &broker.key, 0o644);
    authority.file("rtu.pem", &client.certificate, 0o644);
    authority.file("rtu.key", &client.key, 0o600);
    // Nothing listens there any more when mosquitto comes.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "listener {port} 127.0.0.1\nuser root\nallow_anonymous true\nrequire_certificate true\n\
         cafile {}\ncertfile {}\nkeyfile {}\n",
        authority.certificate_file().display(),
        certificate.display(),
        key.display()
    );
    let config = authority.file("mosquitto.conf", &config, 0o644);
    let mut child =
        Command::new("mosquitto").arg("-v").arg("-c").arg(config).stderr(Stdio::piped()).spawn().expect("no mosquitto");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let _mosquitto = Mosquitto(child);
    assert!(lines.any(|line| line.unwrap().contains("running")), "mosquitto does not come up");

    let url = format!("mqtts://127.0.0.1:{port}");
    let mut stranger = Session::with_settings(authority.read(json!({"url": url, "ca_file": "ca.pem"})).unwrap());
    let reason = stranger.next_disconnection().await;
    assert!(reason.contains("client_certificate_file"), "{reason}");

    let table = json!({
        "url": url, "ca_file": "ca.pem", "client_certificate_file": "rtu.pem", "client_key_file": "rtu.key"
    });
    let mut session = Session::with_settings(authority.read(table).unwrap());
    assert_eq!(session.next().await, SessionEvent::Connected);
    session.publisher.publish(message("1")).await.unwrap();
    session.ask_to_stop();
    session.stopped().await;
}
