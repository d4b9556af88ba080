//! The `[broker]` table: what is wrong with its encryption is told when it is read.

use rcgen::ExtendedKeyUsagePurpose;
use serde_json::{Value, json};

use crate::support::authority::{Authority, NOW};

fn wrong(authority: &Authority, table: Value) -> String {
    authority.read(table).unwrap_err().to_string()
}

fn assert_told(authority: &Authority, table: Value, wanted: &[&str]) {
    let told = wrong(authority, table);
    assert_eq!(told.lines().count(), 1, "{told}");
    for words in wanted {
        assert!(told.contains(words), "{words:?} is not in {told}");
    }
}

#[test]
fn files_of_the_authority_are_checked() {
    let authority = Authority::new();
    authority.file("empty.pem", "", 0o644);
    authority.file("words.pem", "to whom it may concern", 0o644);
    let certificate = std::fs::read_to_string(authority.certificate_file()).unwrap();
    let cut = certificate.replace("-----END CERTIFICATE-----", "");
    authority.file("cut.pem", &cut, 0o644);
    authority.file("bent.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", 0o644);
    authority.file("hollow.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", 0o644);
    let identity = authority.broker("127.0.0.1", NOW);
    authority.file("key.pem", &identity.key, 0o600);
    for (file, wanted) in [
        ("none.pem", "none.pem: No such file or directory"),
        ("empty.pem", "empty.pem is not PEM, which begins with -----BEGIN"),
        ("words.pem", "words.pem is not PEM"),
        ("cut.pem", "cut.pem is damaged PEM: "),
        ("bent.pem", "bent.pem is damaged PEM: "),
        ("hollow.pem", "hollow.pem holds something that cannot be used: "),
        ("key.pem", "key.pem holds no certificate (-----BEGIN CERTIFICATE-----)"),
    ] {
        let place = format!("edge.toml: broker.ca_file = {file:?}: ");
        assert_told(&authority, json!({"url": "mqtts://broker", "ca_file": file}), &[&place, wanted]);
    }
}

#[test]
fn certificate_and_key_of_the_client_are_checked() {
    let authority = Authority::new();
    let identity = authority.identity("lindong.rtu-01", NOW, ExtendedKeyUsagePurpose::ClientAuth);
    let other = authority.identity("lindong.rtu-02", NOW, ExtendedKeyUsagePurpose::ClientAuth);
    authority.file("rtu.pem", &identity.certificate, 0o644);
    authority.file("rtu.key", &identity.key, 0o640);
    authority.file("other.key", &other.key, 0o600);
    authority.file("open.key", &identity.key, 0o644);
    let locked = identity.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    authority.file("locked.key", &locked, 0o600);
    let with = |certificate: &str, key: &str| {
        let files = json!({"client_certificate_file": certificate, "client_key_file": key});
        let mut table = json!({"url": "mqtts://broker", "ca_file": "ca.pem"});
        table.as_object_mut().unwrap().extend(files.as_object().unwrap().clone());
        table
    };
    let settings = authority.read(with("rtu.pem", "rtu.key")).unwrap();
    assert_eq!(settings.files.len(), 3);
    for (certificate, key, wanted) in [
        ("rtu.pem", "none.key", &["broker.client_key_file = \"none.key\"", "No such file"][..]),
        ("rtu.key", "rtu.key", &["broker.client_certificate_file = \"rtu.key\"", "holds no certificate"]),
        (
            "rtu.pem",
            "rtu.pem",
            &["broker.client_key_file = \"rtu.pem\"", "is open to everybody (mode 0644)", "chmod o="],
        ),
        ("rtu.pem", "open.key", &["broker.client_key_file = \"open.key\"", "is open to everybody (mode 0644)"]),
        ("rtu.pem", "locked.key", &["broker.client_key_file", "holds no private key without a passphrase"]),
        ("rtu.pem", "other.key", &["other.key does not belong to the certificate in", "rtu.pem"]),
    ] {
        assert_told(&authority, with(certificate, key), wanted);
    }
    let mut half = with("rtu.pem", "rtu.key");
    half.as_object_mut().unwrap().remove("client_key_file");
    assert_told(&authority, half, &["broker.client_certificate_file", "needs a client_key_file beside it"]);
    let mut half = with("rtu.pem", "rtu.key");
    half.as_object_mut().unwrap().remove("client_certificate_file");
    assert_told(&authority, half, &["broker.client_key_file", "needs a client_certificate_file beside it"]);
}

#[test]
fn address_and_files_must_mean_the_same() {
    let authority = Authority::new();
    let told = wrong(&authority, json!({"url": "mqtt://broker", "ca_file": "ca.pem"}));
    assert!(told.contains("broker.ca_file = \"ca.pem\": serves an encrypted connection only"), "{told}");
    assert!(told.contains("mqtts://broker"), "{told}");
    let told = wrong(&authority, json!({"url": "mqtts://-", "ca_file": "ca.pem"}));
    assert!(told.contains("must have a host that a certificate can name"), "{told}");
    for url in ["mqtts://broker_1.example", "mqtts://10.0.0.7:8884", "mqtts://[::1]"] {
        authority.read(json!({"url": url, "ca_file": "ca.pem"})).unwrap();
    }
}

#[test]
fn settings_differ_exactly_when_what_they_were_read_from_differs() {
    let authority = Authority::new();
    let table = json!({"url": "mqtts://broker", "ca_file": "ca.pem"});
    let first = authority.read(table.clone()).unwrap();
    assert_eq!(first, authority.read(table.clone()).unwrap());
    let others = std::fs::read_to_string(Authority::new().certificate_file()).unwrap();
    authority.file("ca.pem", &others, 0o644);
    assert_ne!(first, authority.read(table).unwrap());
}

#[test]
fn certificates_that_end_soon_are_warned_of() {
    let authority = Authority::new();
    let mut table = json!({"url": "mqtts://broker", "ca_file": "ca.pem", "client_certificate_file": "rtu.pem"});
    table["client_key_file"] = json!("rtu.key");
    let warned = |years, now: &str| {
        let identity = authority.identity("lindong.rtu-01", years, ExtendedKeyUsagePurpose::ClientAuth);
        authority.file("rtu.pem", &identity.certificate, 0o644);
        authority.file("rtu.key", &identity.key, 0o600);
        let settings = authority.read(table.clone()).unwrap();
        assert_eq!(settings.first_end(), Some("2030-01-01".parse().unwrap()));
        settings.warnings(now.parse().unwrap())
    };
    let words = "broker.client_certificate_file: a certificate in it ends 2030-01-01T00:00:00.000Z";
    assert_eq!(warned((2000, 2030), "2029-12-15"), [words]);
    assert_eq!(warned((2000, 2030), "2030-12-15"), [words]);
    assert_eq!(warned((2000, 2030), "2029-11-15"), Vec::<String>::new());
}
