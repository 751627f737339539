use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};

use super::*;

fn params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for name in names {
        params.distinguished_name.push(DnType::CommonName, *name);
    }
    params
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(authority_params(name), KeyPair::generate().unwrap()).unwrap()
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(&[name]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn signed(params: CertificateParams, by: &CertifiedIssuer<'static, KeyPair>) -> ClientCertificate {
    let certificate = params.signed_by(&KeyPair::generate().unwrap(), by).unwrap();
    ClientCertificate::from_chain(&[certificate.der().clone()]).unwrap()
}

#[test]
fn an_authority_knows_what_it_signed() {
    let root = authority("root");
    let trusted = TrustedAuthority::from_pem(&root.pem()).unwrap();
    let certificate = signed(params(&["dev-1"]), &root);
    assert!(trusted.signed(&certificate));
    assert_eq!(certificate.common_name().as_deref(), Some("dev-1"));
    let other = signed(params(&["dev-1"]), &authority("root"));
    assert!(!trusted.signed(&other), "another authority of the same name");
    let own_key = KeyPair::generate().unwrap();
    let self_signed = params(&["dev-1"]).self_signed(&own_key).unwrap();
    let self_signed = ClientCertificate::from_chain(&[self_signed.der().clone()]).unwrap();
    assert!(!trusted.signed(&self_signed));
}

#[test]
fn an_authority_knows_what_was_signed_below_it() {
    let root = authority("root");
    let key = KeyPair::generate().unwrap();
    let middle = CertifiedIssuer::signed_by(authority_params("middle"), key, &root).unwrap();
    let leaf = params(&["dev-1"])
        .signed_by(&KeyPair::generate().unwrap(), &middle)
        .unwrap();
    let trusted = TrustedAuthority::from_pem(&root.pem()).unwrap();
    let chain = [leaf.der().clone(), middle.der().clone()];
    assert!(trusted.signed(&ClientCertificate::from_chain(&chain).unwrap()));
    let without = ClientCertificate::from_chain(&chain[..1]).unwrap();
    assert!(!trusted.signed(&without));
    assert!(TrustedAuthority::from_pem(&middle.pem()).unwrap().signed(&without));
}

#[test]
fn a_certificate_is_for_clients_and_valid_now() {
    let root = authority("root");
    let trusted = TrustedAuthority::from_pem(&root.pem()).unwrap();
    let mut expired = params(&["dev-1"]);
    expired.not_after = date_time_ymd(2020, 1, 1);
    assert!(!trusted.signed(&signed(expired, &root)));
    let mut server = params(&["dev-1"]);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    assert!(!trusted.signed(&signed(server, &root)));
}

#[test]
fn a_text_without_a_certificate_is_no_authority() {
    assert_eq!(
        TrustedAuthority::from_pem("-----BEGIN").unwrap_err(),
        CertificateError::Pem
    );
    let key = KeyPair::generate().unwrap().serialize_pem();
    assert_eq!(TrustedAuthority::from_pem(&key).unwrap_err(), CertificateError::Pem);
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(
        TrustedAuthority::from_pem(damaged),
        Err(CertificateError::Unusable(_))
    ));
    assert_eq!(ClientCertificate::from_chain(&[]), None);
}
