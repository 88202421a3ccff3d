//! Moments and ages, as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads `all`, a Unix time in seconds, or a number of `s`, `m`, `h` or `d` ago, as Unix time in seconds;
/// `all` is before every time. The error says what is understood.
pub fn parse(text: &str) -> Result<f64, String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    parse_at(text, now.as_secs_f64())
        .ok_or_else(|| "since is a Unix time, an age like 30s, 10m, 2h or 7d, or all".to_owned())
}

/// The Unix time now, in seconds.
#[must_use]
pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// The Unix time now, in seconds and parts of them.
#[must_use]
pub fn unix_now_exact() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

fn parse_at(text: &str, now: f64) -> Option<f64> {
    if text == "all" {
        return Some(f64::NEG_INFINITY);
    }
    match seconds(text)? {
        (number, None) => Some(number),
        (number, Some(unit)) => Some(now - number * unit),
    }
}

/// Reads an age, like `90s`, `10m`, `12h` or `30d`. The error says what is understood.
pub fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "an age is like 90s, 10m, 12h or 30d".to_owned();
    match seconds(text) {
        Some((number, Some(unit))) => {
            Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

/// A number, and the seconds of the unit behind it.
fn seconds(text: &str) -> Option<(f64, Option<f64>)> {
    let unit = match text.as_bytes().last()? {
        b's' => Some(1.0),
        b'm' => Some(60.0),
        b'h' => Some(3600.0),
        b'd' => Some(86400.0),
        _ => None,
    };
    let number = if unit.is_some() {
        &text[..text.len() - 1]
    } else {
        text
    };
    let number: f64 = number.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some((number, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        assert_eq!(age("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(age("30d"), Ok(Duration::from_secs(30 * 86400)));
        for bad in ["", "90", "-1s", "all", "1e300d"] {
            assert!(age(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_time_or_an_age() {
        let at = |text| parse_at(text, 1_000_000.0);
        assert_eq!(at("all"), Some(f64::NEG_INFINITY));
        assert_eq!(at("1732155000"), Some(1_732_155_000.0));
        assert_eq!(at("10m"), Some(999_400.0));
        assert_eq!(at("2h"), Some(992_800.0));
        assert_eq!(at("7d"), Some(395_200.0));
        for bad in ["", "x", "-5", "5y", "m", "NaN", "inf", "1e999", "10ё", "ё"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
