//! Secrets of webhooks and the signatures made with them: the service's own (`X-Webhook-Signature`, HMAC-SHA256 of the
//! body in hexadecimal) and that of Standard Webhooks 1.0 (`webhook-signature`, HMAC-SHA256 of id, time and body in
//! base64).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock;

/// How a secret starts whose rest is a key in base64.
const PREFIX: &str = "whsec_";

/// Fewest and most characters of a secret that a user chooses.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=200;

/// A new secret: `whsec_` and 32 random bytes in base64.
pub fn new_secret() -> String {
    format!("{PREFIX}{}", STANDARD.encode(clock::random_bytes::<32>()))
}

/// What is wrong with a secret that a user chose; `None` where it can be used.
pub fn secret_problem(secret: &str) -> Option<String> {
    if !LENGTHS.contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(format!(
            "`secret` must have {} to {} visible ASCII characters without spaces",
            LENGTHS.start(),
            LENGTHS.end()
        ));
    }
    let key = secret.strip_prefix(PREFIX)?;
    let is_key = STANDARD.decode(key).is_ok_and(|key| !key.is_empty());
    (!is_key).then(|| format!("`secret` begins with `{PREFIX}`, so what follows must be a key in base64"))
}

/// The value of `X-Webhook-Signature`: keyed with the characters of the secret as they are.
pub(super) fn of_body(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(authenticated(secret.as_bytes(), &[body])))
}

/// The values in `webhook-signature` for one secret. The key is what follows `whsec_`, decoded; a secret without this
/// prefix is a key by its characters, and, where it can be read as base64, also decoded: libraries differ in this.
pub(super) fn standard(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Vec<String> {
    let keys = match secret.strip_prefix(PREFIX).map(|key| STANDARD.decode(key)) {
        Some(Ok(key)) => vec![key],
        _ => {
            let decoded = STANDARD.decode(secret).ok();
            std::iter::once(secret.as_bytes().to_vec()).chain(decoded).collect()
        }
    };
    let head = format!("{id}.{seconds}.");
    keys.iter()
        .map(|key| format!("v1,{}", STANDARD.encode(authenticated(key, &[head.as_bytes(), body]))))
        .collect()
}

fn authenticated(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("invariant: HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example_is_signed_as_it_says() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed =
            standard(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, ["v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="]);
    }

    #[test]
    fn a_body_is_signed_with_the_secret_as_it_is() {
        // RFC 4231, test case 2.
        assert_eq!(
            of_body("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_new_secret_is_one_that_can_be_used() {
        assert_eq!(secret_problem(&new_secret()), None);
        assert_ne!(new_secret(), new_secret());
    }

    #[test]
    fn secrets_that_no_receiver_could_use_are_refused() {
        for wrong in ["", "short", "with a space in it", "über-geheimes-wort", "whsec_not*base64*at*all"] {
            assert!(secret_problem(wrong).is_some(), "{wrong}");
        }
        assert_eq!(secret_problem("my-own-secret-word"), None);
    }
}
