//! Who may what: each cell of the table in `docs/security.md` is asked for.

use serde_json::{Value, json};

use crate::kit::{SECRET, Server, folder, token};

const FORM: &str = "application/x-www-form-urlencoded";

/// The columns: how the server is started, and the token's claims.
fn identities() -> Vec<(&'static [&'static str], Option<Value>)> {
    const SECURED: &[&str] = &["--secret", SECRET];
    let claims = [
        json!({ "userId": "ann" }),
        json!({ "userId": "ann", "publish": ["bob"] }),
        json!({ "publish": "*", "channel": "*" }),
        json!({ "admin": true }),
    ];
    let open: (&[&str], _) = (&[], None);
    let nobody = (SECURED, None);
    let proven = claims.map(|claims| (SECURED, Some(claims)));
    [open, nobody].into_iter().chain(proven).collect()
}

struct Row {
    method: String,
    path: String,
    body: String,
    by_cookie: bool,
    statuses: Vec<u16>,
}

impl Row {
    fn read(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (request, statuses) = cells.split_first()?;
        let (quoted, body) = request.strip_prefix('`')?.split_once('`')?;
        let (method, path) = quoted.split_once(' ')?;
        let statuses: Vec<u16> = statuses
            .iter()
            .map(|it| it.parse().ok())
            .collect::<Option<_>>()?;
        if statuses.is_empty() {
            return None;
        }
        let by_cookie = body.trim() == "by cookie";
        let body = match body.trim() {
            "by cookie" if path == "/broadcast" => r#"{"content":"x"}"#,
            "by cookie" => "",
            body => body,
        };
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.to_owned(),
            by_cookie,
            statuses,
        })
    }

    fn ask(&self, server: &Server, token: Option<&str>) -> u16 {
        let mut headers = Vec::new();
        if let Some(token) = token {
            headers.push(if self.by_cookie {
                ("Cookie", format!("sse_token={token}"))
            } else {
                ("Authorization", format!("Bearer {token}"))
            });
        }
        let body = if self.path == "/writer" {
            headers.push(("Content-Type", FORM.to_owned()));
            format!("{}&data=%7B%22cmd%22%3A%22x%22%7D", self.body)
        } else {
            self.body.clone()
        };
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, it)| (*name, &**it)).collect();
        server
            .request(&self.method, &self.path, &headers, body.as_bytes())
            .status
    }
}

#[test]
fn each_cell_of_the_table() {
    let document = include_str!("../../docs/security.md");
    let rows: Vec<Row> = document.lines().filter_map(Row::read).collect();
    assert!(rows.len() > 20, "the table is not found");
    let mut wrong = Vec::new();
    for (column, (args, claims)) in identities().into_iter().enumerate() {
        let mut server = Server::start_with(args);
        let token = claims.map(|claims| token(SECRET, claims));
        for row in &rows {
            let status = row.ask(&server, token.as_deref());
            if status != row.statuses[column] {
                let (method, path, body) = (&row.method, &row.path, &row.body);
                wrong.push(format!("{method} {path} {body}, column {column}: {status}"));
            }
            if row.path == "/admin/stop" && status == 200 {
                server = Server::start_in(folder(), args);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
