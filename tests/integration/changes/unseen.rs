//! Changes that raise no event, or whose events are lost: a look finds them.

use std::fs::OpenOptions;
use std::io::Write as _;

use super::Inode::{Any, Kept, New};
use super::{Case, M, N, case, next};
use crate::kit::{Server, Stream};

/// Changes of all kinds. That of a folder comes last, for it needs another watch.
fn changes() -> Vec<Case> {
    vec![
        case("appended", Kept, r#"echo "$N" >> "$F""#).live(&[N]),
        case(
            "rewritten",
            Kept,
            r#"(echo "$N"; cat "$F") > new; cp new "$F""#,
        )
        .live(&[N]),
        case("replaced", New, r#"sed -i "1a $N" "$F""#).live(&[N]),
        case(
            "made_again",
            Any,
            r#"rm "$F"; printf '%s\n' "$N" "$M" > "$F""#,
        )
        .live(&[N, M]),
        case("untouched", Kept, r#"touch "$F""#),
        case("made", Any, r#"mkdir -p streams/c1; echo "$N" > "$F""#)
            .channel("c1")
            .before("")
            .live(&[N]),
        case("grown", Kept, r#"echo "$N" >> "$F""#)
            .channel("c2")
            .live(&[N]),
    ]
}

/// Every one of them arrives, after `around` has let them happen.
fn all_arrive(server: &Server, around: impl FnOnce(&dyn Fn())) {
    let cases = changes();
    let mut begun: Vec<_> = cases.iter().map(|case| case.begin(server)).collect();
    around(&|| {
        for (case, (stream, _)) in cases.iter().zip(&begun) {
            case.change(&server.folder, stream);
        }
    });
    for (case, (stream, client)) in cases.iter().zip(&mut begun) {
        case.brought(client, &case.live);
        case.end(server, stream, std::slice::from_mut(client));
    }
}

#[test]
fn inotify_overflows() {
    let server = Server::start();
    let noise = ["one", "two"].map(|user| server.stream(user));
    all_arrive(&server, |change| {
        server.freeze(|| {
            // Each is an event or more, as the one before was of the other file.
            for number in 0..max_queued_events() {
                noise[number % 2].append("{}");
            }
            change();
        });
    });
}

fn max_queued_events() -> usize {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    text.trim().parse().unwrap()
}

#[test]
fn no_watch_is_left_for_channels() {
    let server = Server::start_apart("echo 1 > /proc/sys/user/max_inotify_watches");
    all_arrive(&server, |change| {
        server.logged(&["WARN", "cannot watch", "c2"]);
        change();
    });
}

#[test]
fn no_watch_is_left() {
    let server = Server::start_apart("echo 0 > /proc/sys/user/max_inotify_watches");
    server.logged(&["WARN", "cannot watch"]);
    all_arrive(&server, |change| change());
}

#[test]
fn no_inotify_is_left() {
    let server = Server::start_apart("echo 0 > /proc/sys/user/max_inotify_instances");
    server.logged(&["WARN", "cannot watch"]);
    all_arrive(&server, |change| change());
}

/// Everyone follows the stream `all`, which need not have a file.
#[test]
fn a_missing_file_is_no_news() {
    let server = Server::start();
    let _ann = server.follow("user=ann");
    let looked = server.logged(&["looked", "\"all\""]);
    assert!(looked.contains("came=false"), "{looked}");
}

/// The folder is an overlay, and the writer works in the layer below it.
#[test]
fn an_overlay_is_written_from_below() {
    let server = Server::start_apart(
        "mkdir streams layers && mount -t tmpfs tmpfs layers && mkdir layers/lower layers/upper layers/work && \
         mount -t overlay -o userxattr,lowerdir=layers/lower,upperdir=layers/upper,workdir=layers/work overlay streams",
    );
    let name = |stream: &Stream| stream.path().file_name().unwrap().to_owned();
    let stream = server.stream("ann");
    let upper = server
        .inside(server.folder.path())
        .join("layers/upper")
        .join(name(&stream));
    let append = |line: &str| {
        let mut file = OpenOptions::new().append(true).create(true).open(&upper);
        writeln!(file.as_mut().unwrap(), "{line}").unwrap();
    };
    append(N);
    let mut ann = server.follow("user=ann&since=all");
    assert_eq!(next(&mut ann), N);
    append(M);
    assert_eq!(next(&mut ann), M);
    let id = ann.leave();
    append(N);
    assert_eq!(next(&mut server.resume("user=ann", &id)), N);
}
