//! Anything else that appends: real editors and tools on a followed stream file.

use std::process::Command;

use crate::kit::{Follower, Server, Stream, run};

/// A server, a stream with some lines, and a client that has read them.
fn followed(lines: &[&str]) -> (Server, Stream, Follower) {
    let server = Server::start();
    let stream = server.stream("ann");
    let client = server.follow("user=ann");
    let mut client = client;
    for line in lines {
        stream.append(line);
        assert_eq!(client.data(), *line);
    }
    (server, stream, client)
}

/// Nothing but the next appended line arrives.
#[track_caller]
fn nothing_but(stream: &Stream, client: &mut Follower, line: &str) {
    stream.append(line);
    assert_eq!(client.data(), line);
}

const A: &str = r#"{"a":1}"#;
const B: &str = r#"{"b":2}"#;
const C: &str = r#"{"c":3}"#;

#[test]
fn shells_append() {
    let (_server, stream, mut client) = followed(&[A]);
    stream.sh(r#"echo '{"n":1}' >> "$F""#);
    assert_eq!(client.data(), r#"{"n":1}"#);
    stream.sh(r#"printf '{"n":2}' >> "$F"; echo '{"n":3}' | tee -a "$F""#);
    assert_eq!(client.datas(2), [r#"{"n":2}"#, r#"{"n":3}"#]);
    stream.sh(r#"dd if=/dev/zero bs=1000 count=100 2>/dev/null | tr '\0' x | (printf '{"n":"'; cat; echo '"}') >> "$F""#);
    assert_eq!(client.data().len(), 100_008);
}

#[test]
fn pieces_of_a_line_are_one_record() {
    let (_server, stream, mut client) = followed(&[A]);
    for byte in br#"{"n":"in pieces"}"# {
        stream.append_raw(&[*byte]);
    }
    assert_eq!(client.data(), r#"{"n":"in pieces"}"#);
    nothing_but(&stream, &mut client, B);
}

#[test]
fn php_overwrites_and_appends() {
    let (_server, stream, mut client) = followed(&[]);
    let php = |code: &str| {
        run(Command::new("php")
            .args(["-r", code])
            .env("F", stream.path()));
    };
    php(r#"file_put_contents(getenv('F'), time()."\n".'{"cmd":"x"}'."\n");"#);
    assert_eq!(client.data(), r#"{"cmd":"x"}"#);
    php(r#"file_put_contents(getenv('F'), (time()+1)."\n".'{"cmd":"x"}'."\n");"#);
    assert_eq!(client.data(), r#"{"cmd":"x"}"#);
    php(r#"file_put_contents(getenv('F'), [time()+2, "\n", '{"cmd":"y"}', "\n"], LOCK_EX);"#);
    assert_eq!(client.data(), r#"{"cmd":"y"}"#);
    php(r#"file_put_contents(getenv('F'), '{"cmd":"z"}'."\n", FILE_APPEND | LOCK_EX);"#);
    assert_eq!(client.data(), r#"{"cmd":"z"}"#);
    nothing_but(&stream, &mut client, B);
}

#[test]
fn vim_adds_a_line_in_both_of_its_ways() {
    for backupcopy in ["auto", "yes"] {
        let (_server, stream, mut client) = followed(&[A, B]);
        let set = format!("set backupcopy={backupcopy}");
        let vim = |command: &str| {
            run(Command::new("vim")
                .args([
                    "-N", "-u", "NONE", "-es", "-c", &set, "-c", command, "-c", "wq",
                ])
                .arg(stream.path()));
        };
        vim(r#"call append('$', '{"vim":1}')"#);
        assert_eq!(client.data(), r#"{"vim":1}"#, "{backupcopy}");
        vim(r#"call append(1, '{"vim":"between"}')"#);
        assert_eq!(client.data(), r#"{"vim":"between"}"#, "{backupcopy}");
        vim("2delete");
        vim("set noeol nofixeol");
        nothing_but(&stream, &mut client, C);
    }
}

#[test]
fn nano_adds_a_line() {
    let (_server, stream, mut client) = followed(&[A]);
    // What a person types, on a terminal of its own.
    stream.sh(r#"t() { tmux -L "$$" "$@"; }
        trap 't kill-server' EXIT
        t new-session -d -x 80 -y 24 "nano -I '$F'; tmux -L $$ wait-for -S done" \; set -g exit-empty off
        until t capture-pane -p | grep -q Exit; do :; done
        t send-keys '{"nano":1}' Enter C-o Enter C-x
        t wait-for done"#);
    assert_eq!(client.data(), r#"{"nano":1}"#);
    nothing_but(&stream, &mut client, C);
}

#[test]
fn sed_and_perl_edit_in_place() {
    let (_server, stream, mut client) = followed(&[A, B]);
    stream.sh(r#"sed -i '1a {"sed":1}' "$F""#);
    assert_eq!(client.data(), r#"{"sed":1}"#);
    stream.sh(r#"perl -i -pe 's/$/\n{"perl":1}/ if /"b"/' "$F""#);
    assert_eq!(client.data(), r#"{"perl":1}"#);
    stream.sh(r#"sed -i '/"b"/d' "$F""#);
    nothing_but(&stream, &mut client, C);
}

#[test]
fn rewrites_by_rsync_cp_and_mv() {
    let (_server, stream, mut client) = followed(&[A, B]);
    for (n, how) in [r#"rsync -a new "$F""#, r#"cp new "$F""#, r#"mv new "$F""#]
        .into_iter()
        .enumerate()
    {
        stream.sh(&format!(
            r#"(cat "$F"; echo '{{"n":{n}}}') > new; {how}; rm -f new"#
        ));
        assert_eq!(client.data(), format!("{{\"n\":{n}}}"), "{how}");
    }
    stream.sh(r#"cp "$F" same; cp same "$F"; touch "$F"; chmod 600 "$F"; rsync -a same "$F"; mv same "$F""#);
    nothing_but(&stream, &mut client, C);
}

#[test]
fn removed_and_made_again() {
    let (_server, stream, mut client) = followed(&[A, B]);
    stream.sh(r#"rm "$F"; echo '{"n":1}' > "$F""#);
    assert_eq!(client.data(), r#"{"n":1}"#);
    stream.sh(r#"rm "$F"; echo '{"n":2}' > tmp; ln tmp "$F"; rm tmp"#);
    assert_eq!(client.data(), r#"{"n":2}"#);
    nothing_but(&stream, &mut client, C);
}

#[test]
fn rotated_by_logrotate_in_both_of_its_ways() {
    for mode in ["create", "copytruncate"] {
        let (_server, stream, mut client) = followed(&[A, B]);
        stream.sh(&format!(
            r#"printf '%s {{\nrotate 1\n{mode}\n}}\n' "$F" > .conf; chmod 600 .conf; /usr/sbin/logrotate -f -s .state .conf"#
        ));
        nothing_but(&stream, &mut client, r#"{"after":1}"#);
    }
}

#[test]
fn a_pretty_printed_record_keeps_its_lines() {
    let (_server, stream, mut client) = followed(&[]);
    stream.append("{\n  \"cmd\": \"x\",\r\n  \"n\": 1\n}");
    assert_eq!(client.data(), "{\n  \"cmd\": \"x\",\n  \"n\": 1\n}");
    // Reformatted by jq's way of writing, it is the same record.
    stream.overwrite("{\"cmd\":\"x\",\"n\":1}\n");
    nothing_but(&stream, &mut client, C);
}

#[test]
fn bad_lines_are_named_and_good_ones_beside_them_flow() {
    let (server, stream, mut client) = followed(&[A]);
    stream.append("{\"a\":1,}");
    server.logged(&[
        "rejected: broken JSON: trailing comma",
        "line=2",
        "column=8",
        "hint=",
    ]);
    stream.append_raw(b"{\"x\":\"\xff\"}\n");
    server.logged(&["invalid UTF-8", "line=3", "column=7"]);
    stream.append_raw(b"{\"x\":\"\0\"}\n\0\0\n");
    server.logged(&["broken JSON: control character", "line=4"]);
    nothing_but(&stream, &mut client, B);
    // The broken line is corrected: that is a new record, and the others are not.
    stream.sh(r#"sed -i 's/,}/}/; s/^{"a":1}$/{"a":7}/' "$F""#);
    assert_eq!(client.datas(2), [r#"{"a":7}"#, r#"{"a":7}"#]);
    nothing_but(&stream, &mut client, C);
}

#[test]
fn the_folder_of_streams_is_deleted_and_made_again() {
    let (server, stream, mut client) = followed(&[A]);
    stream.sh(r#"cd ..; rm -r streams; mkdir streams; echo '{"n":1}' > "$F""#);
    assert_eq!(client.data(), r#"{"n":1}"#);
    let mut other = server.follow("user=ann&channel=news");
    stream.sh(r#"mkdir news; echo '{"n":2}' > "news/$(basename "$F")""#);
    assert_eq!(other.data(), r#"{"n":2}"#);
    stream.sh(r#"mv news old; mkdir news; echo '{"n":3}' > "news/$(basename "$F")""#);
    assert_eq!(other.data(), r#"{"n":3}"#);
    nothing_but(&stream, &mut client, C);
}

#[test]
fn records_inserted_by_the_megabyte_reach_those_who_are_connected() {
    let (_server, stream, mut client) = followed(&[A, B]);
    let large = |n: u32| format!("{{\"n\":{n},\"x\":\"{}\"}}", "x".repeat(300_000));
    let lines = [A, &large(1), &large(2), &large(3), B].join("\n");
    std::fs::write(stream.path().with_extension("new"), lines + "\n").unwrap();
    stream.sh(r#"mv "${F%.stream}.new" "$F""#);
    for n in 1..=3 {
        assert_eq!(client.data(), large(n));
    }
    nothing_but(&stream, &mut client, C);
}

#[test]
fn a_rewrite_that_changes_nothing_does_not_strand_a_client_that_is_behind() {
    let server = Server::start();
    let stream = server.stream("ann");
    let lines: String = (0..60_000)
        .map(|n| format!("{{\"n\":{n},\"x\":\"{:050}\"}}\n", 0))
        .collect();
    stream.overwrite(&lines);
    let _prompt = server.follow("user=ann");
    let mut behind = server.follow("user=ann&since=all");
    behind.datas(1000);
    stream.sh(r#"sed -i s/nothing/else/ "$F""#);
    stream.append(r#"{"n":60000}"#);
    for n in 1000..=60_000 {
        assert_eq!(behind.next().json()["n"], n);
    }
    nothing_but(&stream, &mut behind, C);
}

#[test]
fn a_writer_that_never_closes_its_file_does_not_put_an_edit_off() {
    let server = Server::start();
    let stream = server.stream("ann");
    let lines: String = (0..200_000)
        .map(|n| format!("{{\"n\":{n},\"x\":\"{:050}\"}}\n", 0))
        .collect();
    stream.overwrite(&lines);
    let mut client = server.follow("user=ann");
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let stream = &stream;
        scope.spawn(move || {
            for n in 0.. {
                stream.append(&format!("{{\"live\":{n}}}"));
                if stopped.recv_timeout(std::time::Duration::from_millis(5))
                    != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                {
                    return;
                }
            }
        });
        client.datas(5);
        stream.sh(r#"sed -i 1d "$F""#);
        // Those appended while sed worked are gone from the file; those after it come.
        client.datas(50);
        drop(stop);
    });
}

#[test]
fn channels_are_joined_while_files_change() {
    let server = Server::start();
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let all = server.stream("all");
        scope.spawn(move || {
            let a_while = std::time::Duration::from_micros(500);
            while stopped.recv_timeout(a_while) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                all.append(A);
            }
        });
        for n in 0..100 {
            std::fs::create_dir_all(server.streams().join(format!("c{n}"))).unwrap();
            drop(server.follow(&format!("user=ann&channel=c{n}")));
        }
        drop(stop);
    });
}
