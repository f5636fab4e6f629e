//! One-time tokens by which devices enrol. Only the secret's SHA-256 is kept.

use fleetmend_model::{DeviceId, Millis};

use crate::db::{Read, Tx};
use crate::error::{Error, Result};
use crate::page::{Kind, Page, Paged};
use crate::sql::statements;
use crate::value::{Row, args};

statements! {
    CREATE = "INSERT INTO enrol_tokens (secret_sha256, label, created_at, expires_at)
              VALUES ($1, $2, $3, $4) ON CONFLICT (secret_sha256) DO NOTHING";
    CLAIM = "UPDATE enrol_tokens SET used_at = $2
             WHERE secret_sha256 = $1 AND used_at IS NULL AND expires_at > $2";
    GET = "SELECT * FROM enrol_tokens WHERE secret_sha256 = $1";
    SET_DEVICE = "UPDATE enrol_tokens SET device = $2, key_sha256 = $3, certificate = $4
                  WHERE secret_sha256 = $1";
    REVOKE = "UPDATE enrol_tokens SET expires_at = $2
              WHERE secret_sha256 = $1 AND used_at IS NULL AND expires_at > $2";
    LIST = "SELECT * FROM enrol_tokens
            WHERE CAST($1 AS BIGINT) IS NULL OR created_at < CAST($1 AS BIGINT)
               OR (created_at = CAST($1 AS BIGINT) AND secret_sha256 > CAST($2 AS TEXT))
            ORDER BY created_at DESC, secret_sha256 LIMIT $3";
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolToken {
    /// SHA-256 of its secret, lower-case hexadecimal.
    pub secret_sha256: String,
    /// What a person called it.
    pub label: String,
    /// When it was made.
    pub created_at: Millis,
    /// From when on it is worthless.
    pub expires_at: Millis,
    /// When it was used.
    pub used_at: Option<Millis>,
    /// The device that used it.
    pub device: Option<DeviceId>,
    /// What that device got for it.
    pub enrolled: Option<Enrolled>,
}

/// What a device got for its token, to be given again to the one that has the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// SHA-256 of the device's public key (DER of its `SubjectPublicKeyInfo`), lower-case
    /// hexadecimal.
    pub key_sha256: String,
    /// The device's certificate, PEM.
    pub certificate: String,
}

impl EnrolToken {
    /// The device that the token made, and its certificate, for the machine that has its key and
    /// asks again; `None` for any other, and once the token's time is over.
    pub fn made_for(&self, key_sha256: &str, now: Millis) -> Option<(DeviceId, &str)> {
        let enrolled = self.enrolled.as_ref()?;
        let is_theirs = enrolled.key_sha256 == key_sha256 && now < self.expires_at;
        let device = self.device.filter(|_| is_theirs)?;
        Some((device, &enrolled.certificate))
    }
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// There is no such token.
    Unknown,
    /// It was used before.
    Used,
    /// Its time is over.
    Expired,
    /// It is the caller's, and nobody else's.
    Claimed,
}

fn read(row: &Row) -> Result<EnrolToken> {
    Ok(EnrolToken {
        secret_sha256: row.text("secret_sha256")?,
        label: row.text("label")?,
        created_at: row.millis("created_at")?,
        expires_at: row.millis("expires_at")?,
        used_at: row.millis_opt("used_at")?,
        device: row.int_opt("device")?.map(DeviceId),
        enrolled: enrolled(row)?,
    })
}

fn enrolled(row: &Row) -> Result<Option<Enrolled>> {
    let key = row.text_opt("key_sha256")?;
    let certificate = row.text_opt("certificate")?;
    Ok(key
        .zip(certificate)
        .map(|(key_sha256, certificate)| Enrolled {
            key_sha256,
            certificate,
        }))
}

/// Adds a token.
pub async fn create(
    tx: &mut Tx,
    secret_sha256: &str,
    label: &str,
    now: Millis,
    expires_at: Millis,
) -> Result<()> {
    match tx
        .run(&CREATE, args![secret_sha256, label, now, expires_at])
        .await?
    {
        0 => Err(Error::Exists {
            what: "enrolment token",
            name: label.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Uses a token. At most one caller ever gets [`Claim::Claimed`]; if its transaction does not
/// commit, the token is unused.
pub async fn claim(tx: &mut Tx, secret_sha256: &str, now: Millis) -> Result<Claim> {
    if tx.run(&CLAIM, args![secret_sha256, now]).await? == 1 {
        return Ok(Claim::Claimed);
    }
    Ok(match get(tx, secret_sha256).await? {
        None => Claim::Unknown,
        Some(token) if token.used_at.is_some() => Claim::Used,
        Some(_) => Claim::Expired,
    })
}

/// Notes which device used a token, and what it got.
pub async fn set_device(
    tx: &mut Tx,
    secret_sha256: &str,
    device: DeviceId,
    enrolled: &Enrolled,
) -> Result<()> {
    let (key, certificate) = (&enrolled.key_sha256, &enrolled.certificate);
    tx.run(&SET_DEVICE, args![secret_sha256, device, key, certificate])
        .await
        .map(drop)
}

/// Makes an unused token worthless; false if it was that already.
pub async fn revoke(tx: &mut Tx, secret_sha256: &str, now: Millis) -> Result<bool> {
    Ok(tx.run(&REVOKE, args![secret_sha256, now]).await? == 1)
}

/// A token by its secret's digest.
pub async fn get(mut from: impl Read, secret_sha256: &str) -> Result<Option<EnrolToken>> {
    from.row(&GET, args![secret_sha256])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All tokens, newest first.
pub async fn list(mut from: impl Read, page: &Page) -> Result<Paged<EnrolToken>> {
    let mut values = page.cursor(&[Kind::Int, Kind::Text])?;
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let tokens = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(tokens, |it| {
        serde_json::json!([it.created_at, it.secret_sha256])
    }))
}
