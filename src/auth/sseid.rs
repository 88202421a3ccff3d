//! The cookie `sseid`, which names a user: base64 of the name, as the PHP demo has it.

use std::str::Utf8Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cookie::{Cookie, time};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::address::{NameError, User};

/// The cookie that carries a user's name: base64, percent-encoded as PHP's `setcookie` does.
pub const USER_COOKIE: &str = "sseid";

/// How long a browser keeps it.
const USER_COOKIE_AGE: time::Duration = time::Duration::days(365);

/// Why a cookie or an `sseid` names nobody.
#[derive(Debug, thiserror::Error)]
pub enum SseidError {
    /// Not base64.
    #[error("sseid is not base64; set it with GET /sseCookie?set=NAME")]
    NotBase64(#[source] base64::DecodeError),
    /// base64 of something that is no text.
    #[error("sseid is not base64 of UTF-8; set it with GET /sseCookie?set=NAME")]
    NotText(#[source] Utf8Error),
    /// Not a user's name.
    #[error("sseid: {0}")]
    Name(#[from] NameError),
}

/// The user that a `Cookie` header names; `None` without such a cookie.
pub fn of_cookies(header: &str) -> Result<Option<User>, SseidError> {
    let mut cookies = Cookie::split_parse(header).flatten();
    let Some(cookie) = cookies.find(|cookie| cookie.name() == USER_COOKIE) else {
        return Ok(None);
    };
    let value = percent_decode_str(cookie.value())
        .decode_utf8()
        .map_err(SseidError::NotText)?;
    if value.is_empty() {
        return Ok(None);
    }
    of_sseid(&value).map(Some)
}

/// The user that an `sseid` names: base64 of the name.
pub fn of_sseid(sseid: &str) -> Result<User, SseidError> {
    // A form that did not escape its `+` arrives with spaces.
    let name = BASE64
        .decode(sseid.replace(' ', "+"))
        .map_err(SseidError::NotBase64)?;
    let name = std::str::from_utf8(&name).map_err(SseidError::NotText)?;
    Ok(User::new(name)?)
}

/// The cookie that makes a browser this user.
#[must_use]
pub fn cookie(user: &User) -> Cookie<'static> {
    let sseid = BASE64.encode(user.as_str());
    let value = utf8_percent_encode(&sseid, NON_ALPHANUMERIC).to_string();
    Cookie::build((USER_COOKIE, value))
        .max_age(USER_COOKIE_AGE)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_as_php_sets_it_and_comes_back() {
        let ann = User::new("ann").unwrap();
        assert_eq!(cookie(&ann).to_string(), "sseid=YW5u; Max-Age=31536000");
        for name in ["мойшэ", "ann lee", "a/b", "🦀", "a", "???>>>"] {
            let user = User::new(name).unwrap();
            let header = cookie(&user).stripped().to_string();
            assert!(!header[6..].contains(['=', '/', '+']), "{header}");
            assert_eq!(
                of_cookies(&format!("x=1; {header}; y=2")).unwrap(),
                Some(user)
            );
        }
    }

    #[test]
    fn broken_cookies_are_errors_and_missing_ones_are_nobody() {
        assert!(of_cookies("").unwrap().is_none());
        assert!(of_cookies("other=YW5u; sseid=").unwrap().is_none());
        assert!(of_cookies(";;==;\u{7f}; =x").unwrap().is_none());
        assert!(matches!(
            of_cookies("sseid=%%%"),
            Err(SseidError::NotBase64(_))
        ));
        assert!(matches!(
            of_cookies("sseid=%FF"),
            Err(SseidError::NotText(_))
        ));
        assert!(matches!(
            of_cookies("sseid=gA%3D%3D"),
            Err(SseidError::NotText(_))
        ));
        assert!(matches!(
            of_cookies("sseid=Cg%3D%3D"),
            Err(SseidError::Name(_))
        ));
    }

    #[test]
    fn an_unescaped_plus_still_counts() {
        let user = of_sseid(&BASE64.encode("~~>").replace('+', " ")).unwrap();
        assert_eq!(user.as_str(), "~~>");
    }

    proptest::proptest! {
        #[test]
        fn no_cookie_header_harms(header in ".{0,100}") {
            let _ = of_cookies(&header);
            let _ = of_cookies(&format!("sseid={header}"));
        }
    }
}
