//! Tokens: JSON Web Tokens (RFC 7519), and the keys that prove them.

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use super::claims::Claims;
use super::identity::{ClaimError, Identity};

/// How far a signer's clock may be ahead of ours, in seconds.
const LEEWAY: f64 = 60.0;

/// The longest token that is looked at, in bytes. A hundred channels fit.
pub const MAX_TOKEN: usize = 8 * 1024;

/// Why a token proves nothing. The text goes to the client, and says nothing about the key.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No three parts of base64 with JSON in them.
    #[error("the token is no JSON Web Token")]
    Malformed,
    /// Too long to be looked at.
    #[error("the token is longer than {MAX_TOKEN} bytes")]
    TooLong,
    /// `none`, or one that no key here is for.
    #[error("the token's algorithm is not accepted here; this server takes {0}")]
    Algorithm(String),
    /// It asks for something that is not understood (RFC 7515, section 4.1.11).
    #[error("the token's header has crit, which names extensions that are not known here")]
    Critical,
    /// Signed with another key, or changed since.
    #[error("the token's signature is wrong")]
    Signature,
    /// The id that came beside it is another one.
    #[error("the id beside the token is not the one that it was made for at the login")]
    Id,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is to come.
    #[error("the token is not valid yet")]
    TooEarly,
    /// Its `aud` does not name this server (RFC 7519, section 4.1.3).
    #[error(
        "the token is for another audience; what is for this server is named with --jwt-audience"
    )]
    Audience,
    /// No `exp`, or not a number.
    #[error("the token lacks the claim exp, a Unix time in seconds")]
    NoExpiry,
    /// A claim is not what it has to be.
    #[error("the token's claims: {0}")]
    Claims(#[from] serde_json::Error),
    /// A claim makes no sense.
    #[error("the token's claims: {0}")]
    Claim(#[from] ClaimError),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing.
    #[error("the secret is empty")]
    Empty,
    /// Not PEM of a public key of a kind that is taken.
    #[error("this is no public key in PEM of RSA, EC P-256 or Ed25519")]
    NotPublicKey,
}

/// What proves tokens, and signs them.
pub struct Keys {
    verifiers: Vec<Verifier>,
    signer: Option<EncodingKey>,
}

/// A key is used with its own algorithm only, so that none can be passed off as another's.
struct Verifier {
    algorithm: Algorithm,
    key: DecodingKey,
    /// For whom its tokens must be; `None` for those that are made for this server anyway.
    audience: Option<Vec<String>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.algorithms())
    }
}

impl Keys {
    /// The keys of a secret (HS256), of a public key in PEM (RS256, ES256 or `EdDSA`, by its kind), or of both.
    /// `None` if there is neither. A public key's owner makes tokens for others, too: those with an `aud` must name
    /// one of `audience`, and if that names any, all must.
    pub fn new(
        secret: Option<&[u8]>,
        public: Option<&[u8]>,
        audience: &[String],
    ) -> Result<Option<Self>, KeyError> {
        let mut keys = Self {
            verifiers: Vec::new(),
            signer: None,
        };
        if let Some(secret) = secret {
            if secret.is_empty() {
                return Err(KeyError::Empty);
            }
            keys.signer = Some(EncodingKey::from_secret(secret));
            keys.verifiers.push(Verifier {
                algorithm: Algorithm::HS256,
                key: DecodingKey::from_secret(secret),
                audience: None,
            });
        }
        if let Some(pem) = public {
            keys.verifiers.push(Verifier {
                audience: Some(audience.to_vec()),
                ..public_key(pem)?
            });
        }
        Ok((!keys.verifiers.is_empty()).then_some(keys))
    }

    /// Whom a token speaks for, at this Unix time in seconds.
    pub fn read(&self, token: &str, now: f64) -> Result<Identity, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| self.explain(&error))?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let verifier = self.verifiers.iter().find(|it| it.algorithm == header.alg);
        let verifier = verifier.ok_or_else(|| TokenError::Algorithm(self.algorithms()))?;
        let mut validation = Validation::new(verifier.algorithm);
        // Times are checked below, to the second: a stream ends when its token does.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let data = jsonwebtoken::decode::<serde_json::Value>(token, &verifier.key, &validation);
        let claims = data.map_err(|error| self.explain(&error))?.claims;
        let time = |claim: &str| claims.get(claim).map(serde_json::Value::as_f64);
        match time("exp").flatten() {
            None => return Err(TokenError::NoExpiry),
            Some(exp) if exp <= now => return Err(TokenError::Expired),
            Some(_) => {}
        }
        match time("nbf") {
            None => {}
            Some(Some(nbf)) if nbf <= now + LEEWAY => {}
            Some(_) => return Err(TokenError::TooEarly),
        }
        let claims: Claims = serde_json::from_value(claims)?;
        if !verifier.is_for_us(&claims) {
            return Err(TokenError::Audience);
        }
        Ok(Identity::of_claims(&claims)?)
    }

    /// Whether tokens can be made here: only a secret can.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.signer.is_some()
    }

    /// A token that claims this; `None` without a secret.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> Option<String> {
        let key = self.signer.as_ref()?;
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, key).ok()
    }

    fn algorithms(&self) -> String {
        let names = self
            .verifiers
            .iter()
            .map(|it| format!("{:?}", it.algorithm));
        names.collect::<Vec<_>>().join(" and ")
    }

    fn explain(&self, error: &jsonwebtoken::errors::Error) -> TokenError {
        match error.kind() {
            ErrorKind::InvalidSignature => TokenError::Signature,
            ErrorKind::InvalidAlgorithm
            | ErrorKind::InvalidAlgorithmName
            | ErrorKind::UnsupportedAlgorithm => TokenError::Algorithm(self.algorithms()),
            // An unknown algorithm, none among them, does not parse.
            ErrorKind::Json(error) if error.to_string().contains("variant") => {
                TokenError::Algorithm(self.algorithms())
            }
            _ => TokenError::Malformed,
        }
    }
}

impl Verifier {
    fn is_for_us(&self, claims: &Claims) -> bool {
        match (&self.audience, &claims.aud) {
            (None, _) => true,
            (Some(ours), None) => ours.is_empty(),
            (Some(ours), Some(theirs)) => theirs.0.iter().any(|it| ours.contains(it)),
        }
    }
}

/// Reads a public key in PEM of one kind.
type ReadKey = fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>;

fn public_key(pem: &[u8]) -> Result<Verifier, KeyError> {
    let kinds: [(Algorithm, ReadKey); 3] = [
        (Algorithm::RS256, DecodingKey::from_rsa_pem),
        (Algorithm::ES256, DecodingKey::from_ec_pem),
        (Algorithm::EdDSA, DecodingKey::from_ed_pem),
    ];
    let found = kinds
        .into_iter()
        .find_map(|(algorithm, read)| Some((algorithm, read(pem).ok()?)));
    let (algorithm, key) = found.ok_or(KeyError::NotPublicKey)?;
    Ok(Verifier {
        algorithm,
        key,
        audience: None,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use serde_json::{Value, json};

    use super::*;
    use crate::address::User;
    use crate::auth::claims::Name;

    const SECRET: &[u8] = b"correct horse battery staple, and more";
    const NOW: f64 = 1_000_000.0;

    fn keys() -> Keys {
        Keys::new(Some(SECRET), None, &[]).unwrap().unwrap()
    }

    /// As another program would make it.
    fn token(header: &Value, claims: &Value) -> String {
        let mut it: Header = serde_json::from_value(json!({ "alg": "HS256" })).unwrap();
        if let Some(alg) = header.get("alg") {
            it.alg = serde_json::from_value(alg.clone()).unwrap();
        }
        it.kid = header
            .get("kid")
            .map(|kid| kid.as_str().unwrap().to_owned());
        it.crit = header.get("crit").map(|_| vec!["exp".to_owned()]);
        jsonwebtoken::encode(&it, claims, &EncodingKey::from_secret(SECRET)).unwrap()
    }

    fn unsigned(header: &str, claims: &str, signature: &str) -> String {
        format!(
            "{}.{}.{signature}",
            BASE64.encode(header),
            BASE64.encode(claims)
        )
    }

    #[test]
    fn a_token_speaks_for_its_user_until_it_expires() {
        let text = token(&json!({}), &json!({ "userId": "ann", "exp": NOW + 1.0 }));
        let ann = keys().read(&text, NOW).unwrap();
        assert_eq!(ann.user(), Some(&User::new("ann").unwrap()));
        assert!(matches!(
            keys().read(&text, NOW + 1.0),
            Err(TokenError::Expired)
        ));
        let kid = token(
            &json!({ "kid": "../../dev/null" }),
            &json!({ "sub": "ann", "exp": NOW + 1.0 }),
        );
        assert!(keys().read(&kid, NOW).is_ok(), "a kid chooses nothing");
    }

    #[test]
    fn what_we_sign_we_read() {
        let claims = Claims {
            user_id: Some(Name("ann".to_owned())),
            exp: NOW + 60.9,
            ..Claims::default()
        };
        let text = keys().sign(&claims).unwrap();
        assert_eq!(keys().read(&text, NOW).unwrap().expires(), Some(NOW + 60.0));
        let other = Keys::new(Some(b"another secret"), None, &[]);
        let other = other.unwrap().unwrap();
        assert!(matches!(other.read(&text, NOW), Err(TokenError::Signature)));
    }

    #[test]
    fn expiry_is_required_and_a_number() {
        for claims in [
            json!({ "userId": "ann" }),
            json!({ "userId": "ann", "exp": "9999999999" }),
            json!({ "userId": "ann", "exp": null }),
        ] {
            let read = keys().read(&token(&json!({}), &claims), NOW);
            assert!(matches!(read, Err(TokenError::NoExpiry)), "{claims}");
        }
        for nbf in [json!(NOW + LEEWAY + 5.0), json!("1"), json!(null)] {
            let claims = json!({ "userId": "ann", "exp": NOW + 9.0, "nbf": nbf });
            let read = keys().read(&token(&json!({}), &claims), NOW);
            assert!(matches!(read, Err(TokenError::TooEarly)), "{claims}");
        }
    }

    #[test]
    fn no_other_algorithm_and_no_extension_is_taken() {
        let claims = json!({ "userId": "ann", "exp": NOW + 9.0 });
        let text = claims.to_string();
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None","typ":"JWT"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"ES256"}"#,
            r#"{"alg":"HS512"}"#,
        ] {
            for signature in ["", "AAAA"] {
                let read = keys().read(&unsigned(header, &text, signature), NOW);
                assert!(
                    matches!(read, Err(TokenError::Algorithm(_))),
                    "{header} {read:?}"
                );
            }
        }
        let larger = token(&json!({ "alg": "HS512" }), &claims);
        assert!(matches!(
            keys().read(&larger, NOW),
            Err(TokenError::Algorithm(_))
        ));
        let critical = token(&json!({ "crit": ["exp"] }), &claims);
        assert!(matches!(
            keys().read(&critical, NOW),
            Err(TokenError::Critical)
        ));
    }

    #[test]
    fn a_public_key_is_no_secret() {
        // The classic confusion: a token signed by HMAC with the text of the public key.
        let keys = public(&[]);
        let claims = json!({ "userId": "ann", "exp": NOW + 9.0 });
        let key = EncodingKey::from_secret(PUBLIC.as_bytes());
        let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        assert!(matches!(
            keys.read(&forged, NOW),
            Err(TokenError::Algorithm(_))
        ));
        let key = EncodingKey::from_ed_pem(PRIVATE.as_bytes()).unwrap();
        let good = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap();
        assert!(keys.read(&good, NOW).is_ok());
        assert!(!keys.can_sign());
        assert!(Keys::new(None, Some(b"no key"), &[]).is_err());
        assert!(Keys::new(Some(b""), None, &[]).is_err());
        assert!(Keys::new(None, None, &[]).unwrap().is_none());
    }

    fn public(audience: &[&str]) -> Keys {
        let audience: Vec<String> = audience.iter().map(ToString::to_string).collect();
        let keys = Keys::new(None, Some(PUBLIC.as_bytes()), &audience);
        keys.unwrap().unwrap()
    }

    #[test]
    fn a_token_for_another_audience_is_refused_and_one_for_nobody_only_if_ours_is_named() {
        let key = EncodingKey::from_ed_pem(PRIVATE.as_bytes()).unwrap();
        let reads = |keys: &Keys, aud: Value| {
            let mut claims = json!({ "sub": "ann", "exp": NOW + 9.0, "aud": aud });
            claims
                .as_object_mut()
                .unwrap()
                .retain(|_, it| !it.is_null());
            let header = Header::new(Algorithm::EdDSA);
            let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
            match keys.read(&token, NOW) {
                Ok(_) => true,
                Err(TokenError::Audience) => false,
                Err(other) => panic!("{other}"),
            }
        };
        let (any, ours) = (public(&[]), public(&["push", "live"]));
        assert!(reads(&any, json!(null)) && !reads(&any, json!("shop")));
        assert!(reads(&ours, json!("live")) && reads(&ours, json!(["shop", "push"])));
        assert!(!reads(&ours, json!("shop")) && !reads(&ours, json!(null)));
        let own = token(
            &json!({}),
            &json!({ "sub": "ann", "exp": NOW + 9.0, "aud": "shop" }),
        );
        assert!(keys().read(&own, NOW).is_ok(), "a secret is nobody else's");
    }

    #[test]
    fn ids_of_other_kinds_mean_nothing() {
        for id in [json!(42), json!("42"), json!(null), json!({ "a": 1 })] {
            let claims = json!({ "userId": "ann", "exp": NOW + 9.0, "id": id });
            let ann = keys().read(&token(&json!({}), &claims), NOW).unwrap();
            assert!(!ann.nameless(), "{id}");
        }
    }

    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAzarrJ9uCRAuQCzIefcSJkSxy5u5BNVZxUP4YzD4icDQ=\n-----END PUBLIC KEY-----\n";
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEILvukoVtoaydFRO5P0veCHpwZA7+PbczdPGXIy8IxF8m\n-----END PRIVATE KEY-----\n";

    #[test]
    fn nonsense_is_named_and_harmless() {
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            "....",
            "\u{0}.x.y",
            &"x".repeat(MAX_TOKEN),
        ] {
            assert!(keys().read(text, NOW).is_err(), "{text:?}");
        }
        let long = token(
            &json!({}),
            &json!({ "userId": "x".repeat(MAX_TOKEN), "exp": NOW + 1.0 }),
        );
        assert!(matches!(keys().read(&long, NOW), Err(TokenError::TooLong)));
        let odd = json!({ "userId": ["ann"], "exp": NOW + 1.0 });
        let read = keys().read(&token(&json!({}), &odd), NOW);
        assert!(matches!(read, Err(TokenError::Claims(_))));
        let good = token(&json!({}), &json!({ "userId": "ann", "exp": NOW + 1.0 }));
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let read = keys().read(&text, NOW);
            // The last character of the signature has bits that mean nothing, and they must be zero.
            assert!(read.is_err(), "changed at {at}");
        }
    }
}
