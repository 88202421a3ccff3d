//! `tailcast send`: appends a record to a stream's file, server or no server.

use std::io::{IsTerminal as _, Read as _};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use crate::cli::{Notification, Send};
use crate::record::Json;
use crate::store::Store;
use crate::store::since::unix_now;

/// Appends what was asked for.
pub fn run(store: &Arc<Store>, send: &Send) -> anyhow::Result<()> {
    let record = record(store, send)?;
    store.append(&send.target.address(), &record)?;
    Ok(())
}

fn record(store: &Arc<Store>, send: &Send) -> anyhow::Result<Json> {
    let now = unix_now();
    if let (Some(name), Some(data)) = (&send.event, &send.data) {
        return Ok(Json::event(name, data, now)?);
    }
    if let Some(data) = send.notification.data() {
        let record = json!({ "cmd": "notify", "data": data });
        return Ok(Json::new(&record.to_string(), now)?);
    }
    let text = match (&send.json, &send.file) {
        (Some(json), _) => json.clone(),
        (None, Some(file)) => {
            let file_or = || format!("cannot read {}", file.display());
            limited(std::fs::File::open(file).with_context(file_or)?, store)
                .with_context(file_or)?
        }
        (None, None) => {
            let stdin = std::io::stdin();
            if stdin.is_terminal() {
                bail!(
                    "nothing to send: give JSON, or --title and --text, or --event and --data, or pipe JSON in"
                );
            }
            limited(stdin, store).context("cannot read standard input")?
        }
    };
    Ok(Json::new(&text, now)?)
}

/// Reads no more than could be a record with white space around; a larger one fails when it is appended.
fn limited(from: impl std::io::Read, store: &Arc<Store>) -> std::io::Result<String> {
    let limit = store.max_record() as u64 * 4;
    let mut text = String::new();
    let read = from.take(limit + 1).read_to_string(&mut text)?;
    if read as u64 > limit {
        return Err(std::io::Error::other(format!(
            "more than {limit} bytes, which is no record"
        )));
    }
    Ok(text)
}

impl Notification {
    /// The notification's data, if any of its options was given.
    fn data(&self) -> Option<Map<String, Value>> {
        let mut data = Map::new();
        let texts = [
            ("title", &self.title),
            ("text", &self.text),
            ("color", &self.color),
            ("icon", &self.icon),
            ("image", &self.image),
            ("sound", &self.sound),
            ("url", &self.url),
            ("position", &self.position),
            ("id", &self.id),
        ];
        for (name, value) in texts {
            data.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
        }
        data.extend(
            self.volume
                .map(|volume| ("volume".to_owned(), json!(volume))),
        );
        data.extend(self.time.map(|time| ("time".to_owned(), json!(time))));
        let mut buttons: Vec<Value> = self
            .button
            .iter()
            .map(|(name, url)| json!({ "name": name, "url": url }))
            .collect();
        match buttons.len() {
            0 => {}
            1 => data.extend(buttons.pop().map(|button| ("button".to_owned(), button))),
            _ => data.extend([("button".to_owned(), buttons.into())]),
        }
        if self.desktop {
            data.insert("desktop".to_owned(), json!(true));
        }
        if self.destroy {
            data.insert("type".to_owned(), json!("destroy"));
        }
        (!data.is_empty()).then_some(data)
    }
}
