//! What was posted, in whatever format: named texts.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::value::RawValue;

use super::reply::Problem;

/// The most fields a form may have: ours have ten.
const MAX_FIELDS: usize = 64;

/// Named texts, each name with one or several.
#[derive(Debug, Default)]
pub struct Form(HashMap<String, Vec<String>>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` (also without saying so), `multipart/form-data` or a JSON
    /// object. Of that, a text is taken as it is, a list of texts as several, and all else as the JSON it is.
    pub async fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, Problem> {
        let content_type = headers
            .get(CONTENT_TYPE)
            .map_or("", |it| it.to_str().unwrap_or("?"));
        let mime = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match &*mime {
            "application/x-www-form-urlencoded" | "" => {
                let mut form = Self::default();
                for (name, value) in form_urlencoded::parse(&body) {
                    form.add(&name, value.into_owned())?;
                }
                Ok(form)
            }
            "application/json" => Self::read_json(&body),
            "multipart/form-data" => Self::read_multipart(content_type, body).await,
            _ => Err(Problem::MediaType(
                "send application/x-www-form-urlencoded, multipart/form-data or application/json"
                    .to_owned(),
            )),
        }
    }

    /// The last text of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    /// All texts of this name.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, name: &str, value: String) -> Result<(), Problem> {
        if self.0.values().map(Vec::len).sum::<usize>() == MAX_FIELDS {
            return Err(Problem::BadRequest(format!(
                "the form has more than {MAX_FIELDS} fields"
            )));
        }
        self.0.entry(name.to_owned()).or_default().push(value);
        Ok(())
    }

    fn read_json(body: &[u8]) -> Result<Self, Problem> {
        let fields: HashMap<String, &RawValue> = serde_json::from_slice(body).map_err(|error| {
            Problem::BadRequest(format!("the body is not JSON with named fields: {error}"))
        })?;
        let mut form = Self::default();
        for (name, value) in fields {
            let json = value.get();
            if json == "null" {
                continue;
            }
            match serde_json::from_str::<String>(json) {
                Ok(text) => form.add(&name, text)?,
                Err(_) => match serde_json::from_str::<Vec<String>>(json) {
                    Ok(texts) => texts
                        .into_iter()
                        .try_for_each(|text| form.add(&name, text))?,
                    Err(_) => form.add(&name, json.to_owned())?,
                },
            }
        }
        Ok(form)
    }

    async fn read_multipart(content_type: &str, body: Bytes) -> Result<Self, Problem> {
        let bad =
            |error: multer::Error| Problem::BadRequest(format!("the form is broken: {error}"));
        let boundary = multer::parse_boundary(content_type).map_err(bad)?;
        let body = stream::once(async { Ok::<_, std::io::Error>(body) });
        let mut parts = multer::Multipart::new(body, boundary);
        let mut form = Self::default();
        while let Some(field) = parts.next_field().await.map_err(bad)? {
            if let Some(name) = field.name().map(str::to_owned) {
                // As in the other formats: UTF-8, whatever a part says of its charset, and with its byte order mark.
                let value = field.bytes().await.map_err(bad)?;
                form.add(&name, String::from_utf8_lossy(&value).into_owned())?;
            }
        }
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_fields_are_texts() {
        let form = Form::read_json(
            br#"{"user":"ann","n":7,"data":{"a": 1},"text":"{\"b\":2}","channel":["x","y"],"none":null}"#,
        )
        .unwrap();
        let get = |name| form.get(name);
        assert_eq!(get("user"), Some("ann"));
        assert_eq!(get("n"), Some("7"));
        assert_eq!(get("data"), Some(r#"{"a": 1}"#));
        assert_eq!(get("text"), Some(r#"{"b":2}"#));
        assert_eq!(form.all("channel"), ["x", "y"]);
        assert_eq!(get("none"), None);
        let many: Vec<String> = (0..=MAX_FIELDS).map(|n| format!("\"{n}\":1")).collect();
        let many = format!("{{{}}}", many.join(","));
        for bad in ["", "[]", "{", "{\"a\":}", "7", &many] {
            assert!(Form::read_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
