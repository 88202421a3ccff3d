//! The command line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::kit::{Server, folder, run, tailcast};

fn in_folder(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = tailcast();
    command
        .current_dir(folder.path())
        .args(args)
        .stdin(Stdio::null());
    command
}

fn output(folder: &TempDir, args: &[&str]) -> Output {
    in_folder(folder, args).output().unwrap()
}

#[track_caller]
fn fails(folder: &TempDir, args: &[&str], code: i32, says: &str) {
    let output = output(folder, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    assert!(said.contains(says), "{args:?}: {said}");
}

fn stream(folder: &TempDir, user: &str) -> String {
    let path = run(&mut in_folder(folder, &["path", user])).stdout;
    std::fs::read_to_string(String::from_utf8(path).unwrap().trim_end()).unwrap()
}

#[test]
fn sends_without_a_server() {
    let folder = folder();
    run(&mut in_folder(&folder, &["send", "ann", r#"{"time":1}"#]));
    run(&mut in_folder(
        &folder,
        &["send", "ann", "--event", "price", "--data", "a\nb"],
    ));
    std::fs::write(folder.path().join("record"), "{\n \"time\": 3\n}\n").unwrap();
    run(&mut in_folder(
        &folder,
        &["send", "ann", "--file", "record"],
    ));
    let mut piped = in_folder(&folder, &["send", "ann"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    piped
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"time\":4}")
        .unwrap();
    assert!(piped.wait().unwrap().success());
    let lines = stream(&folder, "ann");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(
        (lines[0], lines[2], lines[3]),
        (r#"{"time":1}"#, r#"{"time":3}"#, r#"{"time":4}"#)
    );
    assert!(
        lines[1].ends_with(r#""event":"price","data":"a\nb"}"#),
        "{}",
        lines[1]
    );
}

#[test]
fn sends_a_notification_with_all_its_fields() {
    let folder = folder();
    #[rustfmt::skip]
    run(&mut in_folder(&folder, &[
        "send", "all", "--title", "T", "--text", "-5 °C", "--color", "red", "--icon", "email", "--image", "/x.png",
        "--sound", "bell", "--volume", "0.5", "--time", "0", "--button", "Open=https://x.example/?a=b",
        "--url", "/y", "--position", "topLeft", "--id", "-7", "--desktop",
    ]));
    let record: serde_json::Value = serde_json::from_str(&stream(&folder, "all")).unwrap();
    assert_eq!(record["cmd"], "notify");
    let data = serde_json::json!({
        "title": "T", "text": "-5 °C", "color": "red", "icon": "email", "image": "/x.png", "sound": "bell",
        "volume": 0.5, "time": 0, "button": { "name": "Open", "url": "https://x.example/?a=b" },
        "url": "/y", "position": "topLeft", "id": "-7", "desktop": true,
    });
    assert_eq!(record["data"], data);
    run(&mut in_folder(&folder, &["send", "bob", "--destroy"]));
    assert!(
        stream(&folder, "bob").ends_with("\"cmd\":\"notify\",\"data\":{\"type\":\"destroy\"}}\n")
    );
}

#[test]
fn path_is_absolute_and_minds_the_channel() {
    let folder = folder();
    let path =
        |args: &[&str]| String::from_utf8(run(&mut in_folder(&folder, args)).stdout).unwrap();
    let root = folder.path().display();
    assert_eq!(
        path(&["path", "all"]),
        format!("{root}/streams/YWxs.stream\n")
    );
    assert_eq!(
        path(&["path", "ann", "--channel", "a/b"]),
        format!("{root}/streams/a%2Fb/YW5u.stream\n")
    );
    assert_eq!(
        path(&["--streams", "/x", "path", "ann"]),
        "/x/YW5u.stream\n"
    );
}

#[test]
fn check_lists_what_is_rejected() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("streams")).unwrap();
    let file = folder.path().join("streams/YW5u.stream");
    std::fs::write(&file, "{\"a\":1}\n").unwrap();
    assert_eq!(
        run(&mut in_folder(&folder, &["check"])).stdout,
        b"1 file checked, 0 rejected\n"
    );
    std::fs::write(
        &file,
        b"{\"a\":1}\nso {\n5\n\"x\"\n{\"b\":\"\xff\"}\n{\"event\":\"ready\"}\n{\"c\":",
    )
    .unwrap();
    let output = output(&folder, &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    let places: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split("YW5u.stream:").nth(1))
        .collect();
    let places: Vec<&str> = places
        .iter()
        .map(|it| it.split(';').next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "2:1: broken JSON: a record begins with {",
            "3:1: a number without an object after it",
            "4:1: a bare string instead of an object",
            "5:7: invalid UTF-8",
            "6:1: an event name that is not free (ready, reset, open, error)",
            "7:1: not complete yet",
        ]
    );
    assert!(said.ends_with("1 file checked, 5 rejected\n"), "{said}");
    fails_out(&folder, &["check", "missing"], "missing: cannot be checked");
}

fn fails_out(folder: &TempDir, args: &[&str], says: &str) {
    let output = output(folder, args);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains(says));
}

#[test]
fn tail_prints_the_past_and_follows() {
    let folder = folder();
    for n in 0..20 {
        run(&mut in_folder(
            &folder,
            &["send", "ann", &format!("{{\"time\":{n}}}")],
        ));
    }
    let mut child = in_folder(&folder, &["tail", "ann", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    for n in 10..20 {
        assert_eq!(lines.next().unwrap(), format!("{{\"time\":{n}}}"));
    }
    run(&mut in_folder(&folder, &["send", "ann", "{\"time\":20}"]));
    assert_eq!(lines.next().unwrap(), "{\"time\":20}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = in_folder(&folder, &["tail", "ann", "--since", "19"]);
    let mut child = child
        .env("TZ", "UTC")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let line = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(line, "1970-01-01 00:00:19  {\"time\":19}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_wrong_is_one_clear_line() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let server = Server::start();
    let taken = server.address.to_string();
    fails(
        &folder,
        &["--bind", &taken],
        1,
        "is in use by another program",
    );
    fails(&folder, &["--bind", "nonsense"], 1, "--bind nonsense");
    fails(&folder, &["--bind", "0.0.0.0:0"], 1, "--open");
    fails(
        &folder,
        &["--streams", "file/x"],
        1,
        "cannot make the folder for streams",
    );
    fails(&folder, &["--streams", "/proc"], 1, "--streams");
    fails(
        &folder,
        &["--web", "nowhere", "--bind", "127.0.0.1:0"],
        1,
        "--web nowhere",
    );
    fails(&folder, &["--frobnicate"], 2, "--frobnicate");
    fails(&folder, &["--max-record", "1"], 2, "256");
    fails(&folder, &["--log", "a=b=c"], 1, "--log");
    fails(&folder, &["send", "ann", "{"], 1, "not valid JSON: EOF");
    fails(
        &folder,
        &["send", "ann", "[]"],
        1,
        "a record is a JSON object",
    );
    fails(&folder, &["send", "", "{}"], 2, "must not be empty");
    fails(
        &folder,
        &["send", "ann", "--file", "nowhere"],
        1,
        "cannot read nowhere",
    );
    fails(
        &folder,
        &["send", "ann", "--event", "ready", "--data", "x"],
        1,
        "ready",
    );
}

#[test]
fn the_environment_and_a_dot_env_file_set_options() {
    let folder = folder();
    std::fs::write(
        folder.path().join(".env"),
        "TAILCAST_STREAMS=from-dot-env\n",
    )
    .unwrap();
    let path = run(&mut in_folder(&folder, &["path", "ann"])).stdout;
    assert!(String::from_utf8(path).unwrap().contains("/from-dot-env/"));
    let path = run(in_folder(&folder, &["path", "ann"]).env("TAILCAST_STREAMS", "from-env")).stdout;
    assert!(String::from_utf8(path).unwrap().contains("/from-env/"));
    std::fs::write(
        folder.path().join(".env"),
        "APP_NAME=My App\nTAILCAST_STREAMS='x\n",
    )
    .unwrap();
    fails(&folder, &["path", "ann"], 2, ".env: line 2");
    std::fs::write(
        folder.path().join(".env"),
        "APP_NAME=My App\nTAILCAST_STREAMS=from-dot-env\n",
    )
    .unwrap();
    run(&mut in_folder(&folder, &["path", "ann"]));
}

#[test]
fn ends_cleanly_on_a_signal_with_clients_connected() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    let (_folder, code) = server.stop();
    assert_eq!(code, Some(0));
    let last = ann.ends();
    let retry = last
        .strip_prefix("retry: ")
        .and_then(|it| it.strip_suffix('\n'));
    let retry: u32 = retry.unwrap_or_else(|| panic!("{last:?}")).parse().unwrap();
    assert!((2000..12_000).contains(&retry), "{retry}");
}

#[test]
fn help_names_every_option_with_its_variable() {
    let folder = folder();
    let help = String::from_utf8(output(&folder, &["serve", "--help"]).stdout).unwrap();
    for option in [
        "bind",
        "streams",
        "web",
        "heartbeat",
        "retry",
        "log",
        "max-record",
        "open",
    ] {
        assert!(help.contains(&format!("--{option}")), "{option}");
        let variable = format!("TAILCAST_{}", option.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable}");
    }
}

#[test]
fn a_socket_that_is_handed_over_loses_no_connection() {
    // This client connects and asks before there is a server.
    let early = r#"
        if (!fork) {
            close(STDOUT);
            socket(C, PF_INET, SOCK_STREAM, 0) && connect(C, sockaddr_in($port, INADDR_LOOPBACK)) or die;
            syswrite(C, "GET /me HTTP/1.0\r\nHost: localhost\r\n\r\n");
            open(my $f, '>', 'early.part') or die; print $f scalar <C>; close($f); rename('early.part', 'early');
            POSIX::_exit(0);
        }"#;
    let server = Server::start_with_socket(early);
    assert_eq!(server.get("/me").status, 200);
    let answer = server.folder.path().join("early");
    while !answer.exists() {
        std::thread::yield_now();
    }
    assert_eq!(
        std::fs::read_to_string(answer).unwrap(),
        "HTTP/1.0 200 OK\r\n"
    );
}

#[test]
fn a_server_whose_log_nobody_reads_answers_and_ends() {
    let server = Server::start();
    server.close_log();
    let mut ann = server.follow("user=ann");
    for _ in 0..20 {
        assert_eq!(server.get("/me").status, 200);
        server.stream("ann").append("no record\n{\"n\":1}\n");
        assert_eq!(ann.data(), r#"{"n":1}"#);
    }
    assert_eq!(server.stop().1, Some(0));
}
