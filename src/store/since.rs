//! `since`: a moment, as people write it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Reads `all`, a Unix time in seconds, or a number of `s`, `m`, `h` or `d` ago, as Unix time in seconds;
/// `all` is before every time. The error says what is understood.
pub fn parse(text: &str) -> Result<f64, String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    parse_at(text, now.as_secs_f64())
        .ok_or_else(|| "since is a Unix time, an age like 30s, 10m, 2h or 7d, or all".to_owned())
}

fn parse_at(text: &str, now: f64) -> Option<f64> {
    if text == "all" {
        return Some(f64::NEG_INFINITY);
    }
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
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    Some(unit.map_or(number, |unit| now - number * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

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
