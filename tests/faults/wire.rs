//! An event stream as it comes over the wire, cut anywhere: HTTP head, chunks, events.

/// One complete event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    pub name: String,
    pub data: String,
    pub id: String,
}

/// Takes bytes as they come and gives the events that are complete.
#[derive(Debug, Default)]
pub struct Wire {
    stage: Stage,
    /// What the stage has not used yet.
    raw: Vec<u8>,
    text: Vec<u8>,
    pub status: Option<u16>,
    pub ended: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum Stage {
    #[default]
    Head,
    Size,
    Chunk(usize),
    /// Without chunks, until the connection ends.
    Open,
}

impl Wire {
    /// The events that these bytes complete, or what is wrong with them.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Event>, String> {
        self.raw.extend_from_slice(bytes);
        while !self.ended && self.step()? {}
        let mut events = Vec::new();
        while let Some(end) = find(&self.text, b"\n\n") {
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            let block = String::from_utf8(block).map_err(|_| "an event that is not UTF-8")?;
            events.push(event(&block)?);
        }
        Ok(events)
    }

    /// Uses up one head, size or chunk; `false` if it is not all there.
    fn step(&mut self) -> Result<bool, String> {
        match self.stage {
            Stage::Head => {
                let Some(end) = find(&self.raw, b"\r\n\r\n") else {
                    return Ok(false);
                };
                let head: Vec<u8> = self.raw.drain(..end + 4).collect();
                let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
                self.status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
                let is_chunked = head.contains("transfer-encoding: chunked");
                if self.status == Some(200) && !is_chunked && !head.contains("connection: close") {
                    return Err(format!("a reply without an end: {head}"));
                }
                self.stage = if is_chunked { Stage::Size } else { Stage::Open };
            }
            Stage::Open => {
                self.text.append(&mut self.raw);
                return Ok(false);
            }
            Stage::Size => {
                let Some(end) = find(&self.raw, b"\r\n") else {
                    return Ok(false);
                };
                let line: Vec<u8> = self.raw.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&line);
                let size = usize::from_str_radix(line.trim_end(), 16);
                let size = size.map_err(|_| format!("{line:?} is no chunk size"))?;
                self.ended = size == 0;
                self.stage = Stage::Chunk(size);
            }
            Stage::Chunk(size) => {
                // Part of a chunk counts, as it does for browsers.
                let got = size.min(self.raw.len());
                self.text.extend(self.raw.drain(..got));
                self.stage = Stage::Chunk(size - got);
                if got < size || self.raw.len() < 2 {
                    return Ok(false);
                }
                self.raw.drain(..2);
                self.stage = Stage::Size;
            }
        }
        Ok(true)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|it| it == what)
}

fn event(block: &str) -> Result<Event, String> {
    let mut event = Event::default();
    for line in block
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(':'))
    {
        let (field, value) = line
            .split_once(": ")
            .ok_or(format!("{line:?} in {block:?}"))?;
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" if event.data.is_empty() => value.clone_into(&mut event.data),
            "data" => event.data.extend(["\n", value]),
            "id" => value.clone_into(&mut event.id),
            "retry" => {}
            _ => return Err(format!("field {field:?} in {block:?}")),
        }
    }
    if event.data.is_empty() || event.id.is_empty() {
        return Err(format!("no data or no id in {block:?}"));
    }
    Ok(event)
}
