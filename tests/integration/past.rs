//! `/history`: pages of what came before.

use serde_json::Value;

use crate::kit::Server;

fn page(server: &Server, query: &str) -> Vec<Value> {
    let reply = server.get(&format!("/history?{query}"));
    assert_eq!(reply.status, 200, "{query}: {}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

/// A record each second, every third one for everyone.
fn written(server: &Server, count: u32) -> Vec<u32> {
    let (own, all) = (server.stream("ann"), server.stream("all"));
    for n in 0..count {
        let stream = if n % 3 == 0 { &all } else { &own };
        stream.append(&format!("{{\"time\":{}}}", 1000 + n));
    }
    (1000..1000 + count).collect()
}

fn times(items: &[Value]) -> Vec<u32> {
    items
        .iter()
        .map(|item| u32::try_from(item["record"]["time"].as_u64().unwrap()).unwrap())
        .collect()
}

#[test]
fn pages_go_back_without_a_gap_or_a_repetition() {
    let server = Server::start();
    let all = written(&server, 47);
    let mut seen: Vec<u32> = Vec::new();
    let mut query = "user=ann&limit=10".to_owned();
    loop {
        let items = page(&server, &query);
        if items.is_empty() {
            break;
        }
        assert!(items.len() == 10 || seen.len() == 40, "{}", items.len());
        seen.splice(0..0, times(&items));
        query = format!(
            "user=ann&limit=10&before={}",
            items[0]["id"].as_str().unwrap()
        );
    }
    assert_eq!(seen, all);
}

#[test]
fn a_records_id_is_where_the_event_stream_goes_on() {
    let server = Server::start();
    written(&server, 20);
    let items = page(&server, "user=ann");
    let id = items[12]["id"].as_str().unwrap();
    let mut client = server.resume("user=ann", id);
    let mut got: Vec<u64> = (13..20)
        .map(|_| client.next().json()["time"].as_u64().unwrap())
        .collect();
    got.sort_unstable();
    assert_eq!(got, (1013..1020).collect::<Vec<u64>>());
}

#[test]
fn since_type_and_whose() {
    let server = Server::start();
    written(&server, 9);
    assert_eq!(
        times(&page(&server, "user=ann&since=1006")),
        [1006, 1007, 1008]
    );
    assert_eq!(times(&page(&server, "")), [1000, 1003, 1006]);
    assert!(page(&server, "user=ann&channel=empty").is_empty());
    server
        .stream("all")
        .append(r#"{"event":"price","data":1,"time":2000}"#);
    server
        .stream("all")
        .append(r#"{"event":"other","data":1,"time":2001}"#);
    let items = page(&server, "user=ann&type=price&limit=1");
    assert_eq!(
        (times(&items), &items[0]["user"]),
        (vec![2000], &Value::from("all"))
    );
}

#[test]
fn across_a_rotation_and_wrong_questions() {
    let server = Server::start();
    let all = written(&server, 30);
    let mut prune = crate::kit::tailcast();
    prune
        .current_dir(server.folder.path())
        .args(["prune", "--rotate-size", "100"]);
    crate::kit::run(&mut prune);
    server.stream("ann").append("{\"time\":1030}");
    let mut want = all;
    want.push(1030);
    assert_eq!(times(&page(&server, "user=ann&limit=500")), want);
    let newest = page(&server, "user=ann&limit=5");
    let older = page(
        &server,
        &format!(
            "user=ann&limit=5&before={}",
            newest[0]["id"].as_str().unwrap()
        ),
    );
    assert_eq!(times(&older), [1021, 1022, 1023, 1024, 1025]);
    for bad in [
        "limit=0",
        "limit=501",
        "limit=x",
        "before=garbage",
        "since=x",
    ] {
        assert_eq!(server.get(&format!("/history?{bad}")).status, 400, "{bad}");
    }
}
