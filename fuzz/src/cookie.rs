//! Who a request comes from: the input is a `Cookie` header, and an `sseid`.

use http::header::{COOKIE, HeaderMap, HeaderValue};
use tailcast::address::User;
use tailcast::auth::sseid::{USER_COOKIE, cookie as cookie_of, of_cookies, of_sseid};
use tailcast::http::guard::user_of;

/// Any header names a user, nobody, or is refused; the cookie that we set for a user names that user again, also
/// between other cookies.
pub fn cookie(input: &[u8]) {
    let header = String::from_utf8_lossy(input);
    let named = of_cookies(&header);
    if let Ok(Some(user)) = &named {
        assert!(header.contains(USER_COOKIE));
        comes_back(user);
    }
    if let Ok(user) = of_sseid(&header) {
        comes_back(&user);
    }
    let _ =
        of_cookies(&format!("{USER_COOKIE}={header}")).map(|user| user.as_ref().map(comes_back));
    if let Ok(user) = User::new(&header) {
        comes_back(&user);
    }
    if let Ok(value) = HeaderValue::from_bytes(input) {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, value);
        assert_eq!(user_of(&headers).ok(), named.ok());
    }
}

fn comes_back(user: &User) {
    assert!((1..=User::MAX_BYTES).contains(&user.as_str().len()));
    assert!(!user.as_str().contains(char::is_control));
    let set = cookie_of(user).to_string();
    assert!(HeaderValue::from_str(&set).is_ok());
    let pair = set.split(';').next().unwrap_or_default();
    let value = &pair[USER_COOKIE.len() + 1..];
    let escaped = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'%';
    assert!(value.bytes().all(escaped), "{value}");
    // As a form sends it that escapes nothing.
    let sseid = ["%2B +", "%2F/", "%3D="]
        .iter()
        .fold(value.to_owned(), |text, it| {
            let (escaped, plain) = it.split_at(3);
            text.replace(escaped, &plain[..1])
        });
    assert_eq!(of_sseid(&sseid).unwrap(), *user);
    for header in [
        pair.to_owned(),
        format!("x=\"1\"; {pair}; {USER_COOKIE}x=2"),
    ] {
        assert_eq!(of_cookies(&header).unwrap().as_ref(), Some(user));
    }
}
