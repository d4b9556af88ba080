use std::os::unix::fs::PermissionsExt;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

use super::*;

/// 2026-01-01 and the last second of a certificate that ends with that year.
const NOW: UnixMillis = UnixMillis::new(1_767_225_600_000);
const END: UnixMillis = UnixMillis::new(1_798_761_600_000);

/// An authority of any name.
struct Signer {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2030, 1, 1));
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Signer {
    fn found(name: &str) -> Self {
        let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Signs an authority below itself.
    fn below(&self, name: &str) -> Self {
        let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Signs a certificate of this number that ends with 2026.
    fn client(&self, serial: u64, between: &[&Self]) -> Certificate {
        let mut params = params("lindong.rtu-01");
        params.not_after = date_time_ymd(2027, 1, 1);
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let own = params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().clone();
        let der = |signer: &&Self| CertificateDer::from_pem_slice(signer.pem.as_bytes()).unwrap();
        let chain: Vec<_> = std::iter::once(own).chain(between.iter().map(der)).collect();
        Certificate::read(&chain).unwrap()
    }

    /// Signs a list of revoked numbers.
    fn revokes(&self, serials: &[u64]) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2025, 6, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 6, 1),
            next_update: date_time_ymd(2030, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// Reads files of these authorities of clients and these lists.
fn tls(authorities: &[&Signer], lists: &[String]) -> (TempDir, Tls) {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = dir.path().join(file);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let key = KeyPair::generate().unwrap();
    let own = params("localhost").self_signed(&key).unwrap();
    let files = TlsFiles {
        certificate: write("broker.crt", &own.pem()),
        key: write("broker.key", &key.serialize_pem()),
        client_ca: Some(write("ca.crt", &authorities.iter().map(|signer| signer.pem.as_str()).collect::<String>())),
        clients: ClientCertificates::Required,
        crl: (!lists.is_empty()).then(|| write("ca.crl", &lists.concat())),
    };
    let read = files.read().unwrap();
    (dir, read)
}

#[test]
fn number_that_one_authority_has_revoked_holds_with_another() {
    let (one, other) = (Signer::found("one"), Signer::found("other"));
    let (_dir, tls) = tls(&[&one, &other], &[one.revokes(&[5]), other.revokes(&[])]);
    for (signer, serial, holds) in [(&one, 5, false), (&one, 6, true), (&other, 5, true)] {
        assert_eq!(tls.accepts(&signer.client(serial, &[]), NOW), holds, "{serial}");
    }
}

#[test]
fn certificate_holds_until_its_end_and_as_long_as_its_authority_is_trusted() {
    let (one, other) = (Signer::found("one"), Signer::found("other"));
    let client = one.client(5, &[]);
    assert_eq!(client.not_after, END);
    let (_dir, before) = tls(&[&one], &[]);
    assert!(before.accepts(&client, NOW) && before.accepts(&client, END));
    assert!(!before.accepts(&client, UnixMillis::new(END.get() + 1000)));
    let (_dir, after) = tls(&[&other], &[]);
    assert!(!after.accepts(&client, NOW));
}

fn has_made(signer: &Signer, list: &str) -> bool {
    let list = CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap();
    let der = CertificateDer::from_pem_slice(signer.pem.as_bytes()).unwrap();
    certificate::issuer_of_list(&list).unwrap() == Certificate::read(&[der]).unwrap().subject
}

#[test]
fn each_authority_between_a_client_and_the_trusted_one_needs_its_list() {
    let root = Signer::found("root");
    let issuing = root.below("issuing");
    let client = issuing.client(5, &[&issuing]);
    let (of_root, of_issuing) = (root.revokes(&[]), issuing.revokes(&[]));
    for (trusted, lists, holds) in [
        (&root, vec![], true),
        (&root, vec![&of_root], false),
        (&root, vec![&of_issuing], false),
        (&root, vec![&of_root, &of_issuing], true),
        (&issuing, vec![&of_issuing], true),
        (&issuing, vec![&issuing.revokes(&[5])], false),
    ] {
        let lists: Vec<_> = lists.into_iter().cloned().collect();
        let (_dir, tls) = tls(&[trusted], &lists);
        assert_eq!(tls.accepts(&client, NOW), holds, "{} lists", lists.len());
        assert_eq!(tls.unlisted.is_empty(), lists.is_empty() || lists.iter().any(|list| has_made(trusted, list)));
    }
}
