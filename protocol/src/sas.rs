//! Shared access signatures: how a device proves to DPS and IoT Hub, and an operator to IoT Hub, who it is.
//!
//! `SharedAccessSignature sr={resource}&sig={signature}&se={expiry}[&skn={policy}]`, each value URL-encoded. The
//! signature is base64 of HMAC-SHA256 over `{resource as encoded}\n{expiry}`.
//!
//! Source: Microsoft, "Control access to IoT Hub using shared access signatures". The fields may come in any order;
//! resources are `{idScope}/registrations/{registrationId}`, `{hub}/devices/{deviceId}` and, for operators, `{hub}`.

use crate::encoding::{decode, encode, pairs};
use crate::key::Key;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::Mac;
use std::fmt;

const SCHEME: &str = "SharedAccessSignature ";

/// A token, signed here or parsed from what a client sent. Whoever holds its text can use it until it expires, so
/// `Debug` leaves the signature out.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// As presented: the signature covers these very characters, and SDKs differ in the case of their hex digits.
    encoded_resource: String,
    resource: String,
    signature: Vec<u8>,
    expiry: u64,
    policy: Option<String>,
}

/// Why a token is not accepted. Holds no part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The text does not begin with `SharedAccessSignature `.
    #[error("not a shared access signature")]
    NotASignature,
    /// A required field is absent.
    #[error("the token has no {0} field")]
    Missing(&'static str),
    /// A field occurs twice.
    #[error("the token has more than one {0} field")]
    Repeated(&'static str),
    /// A field's value does not decode.
    #[error("the token's {0} field is malformed")]
    Malformed(&'static str),
    /// The time is the expiry or later.
    #[error("the token has expired")]
    Expired,
    /// Another key signed it, or it was altered.
    #[error("the token's signature does not match the key")]
    BadSignature,
}

impl Token {
    /// Signs `resource` (not encoded) with `key`. `expiry` is in Unix seconds. `policy` is the `skn` field: the policy's
    /// name for an operator, nothing for a device.
    pub fn sign(resource: &str, key: &Key, expiry: u64, policy: Option<&str>) -> Token {
        let encoded_resource = encode(resource).to_string();
        let signature = key
            .mac(message(&encoded_resource, expiry).as_bytes())
            .finalize()
            .into_bytes()
            .to_vec();
        let policy = policy.filter(|name| !name.is_empty()).map(str::to_owned);
        Token {
            encoded_resource,
            resource: resource.to_owned(),
            signature,
            expiry,
            policy,
        }
    }

    /// Reads a token; its fields may stand in any order, and fields this version does not know are passed over.
    /// An empty `skn`, which the C SDK sends, counts as none.
    pub fn parse(text: &str) -> Result<Token, TokenError> {
        let fields = text.strip_prefix(SCHEME).ok_or(TokenError::NotASignature)?;
        let (mut sr, mut sig, mut se, mut skn) = (None, None, None, None);
        for (name, value) in pairs(fields) {
            let (slot, name) = match name {
                "sr" => (&mut sr, "sr"),
                "sig" => (&mut sig, "sig"),
                "se" => (&mut se, "se"),
                "skn" => (&mut skn, "skn"),
                _ => continue,
            };
            if slot.replace(value.unwrap_or_default()).is_some() {
                return Err(TokenError::Repeated(name));
            }
        }

        let encoded_resource = sr.ok_or(TokenError::Missing("sr"))?.to_owned();
        let resource = decode(&encoded_resource).ok_or(TokenError::Malformed("sr"))?;
        let signature = decode(sig.ok_or(TokenError::Missing("sig"))?)
            .and_then(|base64| STANDARD.decode(base64).ok())
            .ok_or(TokenError::Malformed("sig"))?;
        let se = se.ok_or(TokenError::Missing("se"))?;
        let expiry = se.parse::<u64>().map_err(|_| TokenError::Malformed("se"))?;
        if expiry.to_string() != se {
            // The signature covers the text, so another spelling of the number could not be verified from the number.
            return Err(TokenError::Malformed("se"));
        }
        let policy = decode(skn.unwrap_or_default()).ok_or(TokenError::Malformed("skn"))?;
        let policy = Some(policy).filter(|name| !name.is_empty());
        Ok(Token {
            encoded_resource,
            resource,
            signature,
            expiry,
            policy,
        })
    }

    /// What the token gives access to, decoded.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The first second, Unix time, at which the token no longer holds.
    pub fn expiry(&self) -> u64 {
        self.expiry
    }

    /// The service policy whose key signed it; devices have none, or `registration` towards DPS.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// Whether `key` signed this token and it still holds at `now` (Unix seconds). The signature is compared in constant
    /// time, and before the expiry, so that only the holder of a key learns that a token of it has expired.
    ///
    /// Errors: [`TokenError::BadSignature`], [`TokenError::Expired`].
    pub fn verify(&self, key: &Key, now: u64) -> Result<(), TokenError> {
        key.mac(message(&self.encoded_resource, self.expiry).as_bytes())
            .verify_slice(&self.signature)
            .map_err(|_| TokenError::BadSignature)?;
        if now < self.expiry {
            Ok(())
        } else {
            Err(TokenError::Expired)
        }
    }
}

fn message(encoded_resource: &str, expiry: u64) -> String {
    format!("{encoded_resource}\n{expiry}")
}

/// The token as it is presented. This is a secret until it expires.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = STANDARD.encode(&self.signature);
        write!(
            f,
            "{SCHEME}sr={}&sig={}&se={}",
            self.encoded_resource,
            encode(&signature),
            self.expiry
        )?;
        match &self.policy {
            Some(policy) => write!(f, "&skn={}", encode(policy)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("resource", &self.resource)
            .field("expiry", &self.expiry)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "sas_tests.rs"]
mod tests;
