//! Rotation and expiry: what is set aside is still resumed from, and a follower at the seam sees nothing.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::kit::{Server, folder, run, tailcast};

fn line(n: usize) -> String {
    format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(100))
}

fn prune(server: &Server, args: &[&str]) -> String {
    let mut command = tailcast();
    command
        .current_dir(server.folder.path())
        .arg("prune")
        .args(args);
    String::from_utf8(run(&mut command).stdout).unwrap()
}

/// Though it was rotated just now.
fn rotate(server: &Server) -> String {
    prune(server, &["--rotate-size", "256", "--rotate-every", "0s"])
}

#[test]
fn a_stream_that_was_just_rotated_is_not_rotated_again() {
    let server = Server::start_in(folder(), &[]);
    let stream = server.stream("ann");
    let old = server.streams().join(".old/YW5u.stream");
    for (n, expected) in [(1, "1 rotated, 0 removed\n"), (2, "0 rotated, 0 removed\n")] {
        stream.append(&line(n).repeat(3));
        assert_eq!(prune(&server, &["--rotate-size", "256"]), expected);
        assert!(std::fs::read_to_string(&old).unwrap().contains("\"n\":1"));
    }
}

#[test]
fn a_follower_at_the_seam_sees_nothing() {
    let server = Server::start();
    let stream = server.stream("ann");
    let mut ann = server.follow("user=ann");
    for n in 0..100 {
        stream.append(&line(n));
        if n % 20 == 10 {
            assert_eq!(rotate(&server), "1 rotated, 0 removed\n");
        }
        // By the next time the one before is read, with what is written into the new one.
        if n % 20 == 19 {
            for n in n - 19..=n {
                assert_eq!(ann.data(), line(n));
            }
        }
    }
    assert!(server.streams().join(".old/YW5u.stream").exists());
}

#[test]
fn the_server_rotates_what_is_followed() {
    let server = Server::start_with(&["--rotate-size", "1000"]);
    let stream = server.stream("ann");
    let mut ann = server.follow("user=ann");
    for n in 0..20 {
        stream.append(&line(n));
    }
    for n in 0..20 {
        assert_eq!(ann.data(), line(n));
    }
    // The sweep sets it aside; then what is appended stands in a file that begins with it.
    while std::fs::metadata(stream.path()).map_or(true, |it| it.len() > 1000) {
        std::thread::yield_now();
    }
    stream.append(&line(20));
    assert_eq!(ann.data(), line(20));
    assert_eq!(stream.read(), line(20) + "\n");
}

#[test]
fn cursors_into_the_rotated_file_and_to_the_seam_resume() {
    let server = Server::start();
    let stream = server.stream("ann");
    let mut ann = server.follow("user=ann");
    let mut ids = vec![ann.id()];
    for n in 0..10 {
        stream.append(&line(n));
        ann.data();
        ids.push(ann.id());
    }
    assert_eq!(
        prune(&server, &["--rotate-size", "256"]),
        "1 rotated, 0 removed\n"
    );
    // One that connects now and gets nothing has the seam in its cursor.
    let seam = server.follow("user=ann").id();
    for n in 10..20 {
        stream.append(&line(n));
        ann.data();
        ids.push(ann.id());
    }
    drop(ann);
    let (folder, _) = server.stop();
    let server = Server::start_in(folder, &[]);
    let last = "{\"last\":1}";
    let own = |client: &mut crate::kit::Follower| {
        server.stream("ann").append(last);
        let mut got = Vec::new();
        while got.last().is_none_or(|it| it != last) {
            got.push(client.data());
        }
        server.stream("ann").sh("sed -i '$d' \"$F\"");
        got
    };
    let want = |from: usize| {
        (from..20)
            .map(line)
            .chain([last.to_owned()])
            .collect::<Vec<String>>()
    };
    for (from, id) in ids.iter().enumerate().chain([(10, &seam)]) {
        assert_eq!(
            own(&mut server.resume("user=ann", id)),
            want(from),
            "from {from}"
        );
    }
    for (query, from) in [
        ("since=all", 0),
        ("last=15", 5),
        ("last=3", 17),
        ("last=0", 20),
    ] {
        assert_eq!(
            own(&mut server.follow(&format!("user=ann&{query}"))),
            want(from),
            "{query}"
        );
    }
}

#[test]
fn what_is_old_is_removed() {
    let server = Server::start();
    server.stream("ann").append(&line(1));
    server.stream("bob").append(&line(1));
    run(Command::new("touch")
        .args(["-d", "3 days ago"])
        .arg(server.stream("ann").path()));
    assert_eq!(
        prune(&server, &["--expire", "2d"]),
        "0 rotated, 1 removed\n"
    );
    assert!(!server.stream("ann").path().exists() && server.stream("bob").path().exists());
}

#[test]
fn a_rotated_stream_keeps_its_mode_and_writers_go_on() {
    let server = Server::start_in(folder(), &[]);
    let stream = server.stream("ann");
    stream.append(&line(1));
    run(Command::new("chmod").arg("660").arg(stream.path()));
    prune(&server, &["--rotate-size", "10"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(stream.path()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(stream.read(), "");
}

#[test]
fn a_writer_that_is_delayed_does_not_write_into_the_rotated_file() {
    let server = Server::start();
    let stream = server.stream("ann");
    let mut ann = server.follow("user=ann");
    for n in 0..20 {
        stream.append(&line(n));
        assert_eq!(ann.data(), line(n));
    }
    // The writer has opened the file, and holds the lock; rotation waits for it, and takes what it wrote along.
    let lock = server.streams().join(".old/.lock");
    let held = format!(
        "exec 9>>{}; flock -s 9; sleep 1; echo '{{\"late\":1}}' >> {}",
        lock.display(),
        stream.path().display()
    );
    let mut writer = Command::new("sh").args(["-euc", &held]).spawn().unwrap();
    while !locked(&lock) {
        std::thread::yield_now();
    }
    assert_eq!(
        prune(&server, &["--rotate-size", "256"]),
        "1 rotated, 0 removed\n"
    );
    assert!(writer.try_wait().unwrap().is_some() || writer.wait().unwrap().success());
    stream.append("{\"after\":1}");
    assert_eq!(ann.datas(2), ["{\"late\":1}", "{\"after\":1}"]);
}

#[test]
fn our_writers_wait_while_a_stream_is_set_aside() {
    let server = Server::start();
    let lock = server.streams().join(".old/.lock");
    let held = format!("exec 9>>{}; flock -x 9; read -r line", lock.display());
    let mut rotation = Command::new("sh")
        .args(["-euc", &held])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    while !locked(&lock) {
        std::thread::yield_now();
    }
    let mut send = tailcast()
        .args(["send", "ann", "{\"n\":1}"])
        .current_dir(server.folder.path())
        .spawn()
        .unwrap();
    let stream = server.stream("ann");
    std::thread::sleep(Duration::from_millis(500));
    assert!(send.try_wait().unwrap().is_none() && !stream.path().exists());
    drop(rotation.stdin.take());
    assert!(send.wait().unwrap().success());
    assert!(stream.read().contains("\"n\":1"));
    let _ = rotation.wait();
}

/// Whether somebody holds this lock.
fn locked(lock: &std::path::Path) -> bool {
    let tried = Command::new("flock")
        .arg("-nx")
        .arg(lock)
        .arg("true")
        .status()
        .unwrap();
    !tried.success()
}
