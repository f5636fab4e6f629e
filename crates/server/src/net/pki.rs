//! Certificates: the server's own, and one for each device from its signing request.

use anyhow::{Context as _, bail};
use fleetmend_trust::digest_hex;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The longest signing request that is read, in bytes.
const MAX_REQUEST: usize = 8 * 1024;

/// What the certificate authority is.
pub fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Fleetmend certificate authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params);
    params
}

/// A fresh certificate and key for the server under these names (host names and addresses).
pub fn server_certificate(
    ca: &Issuer<'static, KeyPair>,
    names: Vec<String>,
) -> anyhow::Result<(CertificateDer<'static>, PrivateKeyDer<'static>)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names).context("a name of the server is not valid")?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Fleetmend server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    validity(&mut params);
    let certificate = params.signed_by(&key, ca)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|error| anyhow::anyhow!("the server's key cannot be used: {error}"))?;
    Ok((certificate.der().clone(), key))
}

/// A device's certificate.
pub struct DeviceCertificate {
    /// The certificate.
    pub pem: String,
    /// SHA-256 of it (DER), lower-case hexadecimal.
    pub sha256: String,
    /// SHA-256 of its public key (DER of the `SubjectPublicKeyInfo`), lower-case hexadecimal.
    pub key_sha256: String,
}

/// Makes a device's certificate. Of the request only the key is taken, which it proves to have:
/// names and usages are ours.
pub fn device_certificate(
    ca: &Issuer<'static, KeyPair>,
    request_pem: &str,
) -> anyhow::Result<DeviceCertificate> {
    if request_pem.len() > MAX_REQUEST {
        bail!("it is larger than {MAX_REQUEST} bytes");
    }
    let mut request = CertificateSigningRequestParams::from_pem(request_pem)?;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Fleetmend device");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    validity(&mut params);
    request.params = params;
    let certificate = request.signed_by(ca)?;
    Ok(DeviceCertificate {
        pem: certificate.pem(),
        sha256: digest_hex(certificate.der()),
        key_sha256: digest_hex(&request.public_key.subject_public_key_info()),
    })
}

/// What is read of a certificate.
pub struct Facts {
    /// Its public key, as a `SubjectPublicKeyInfo` (RFC 5280) in DER.
    pub public_key: Vec<u8>,
    /// From when it is valid, in seconds since 1970.
    pub not_before: i64,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: i64,
}

/// Reads a certificate.
pub fn facts(der: &[u8]) -> Result<Facts, String> {
    let (_, certificate) =
        x509_parser::parse_x509_certificate(der).map_err(|error| error.to_string())?;
    Ok(Facts {
        public_key: certificate.public_key().raw.to_vec(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
    })
}

/// The DER bytes of the first certificate in a PEM text.
pub fn der_of(pem: &str) -> Result<Vec<u8>, rustls::pki_types::pem::Error> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map(|der| der.as_ref().to_vec())
}

/// Devices' clocks are often wrong, so certificates are valid from long ago; they are revoked by
/// the server's own list, not by their end.
fn validity(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
}
