//! Another file takes the path.

use std::fs::OpenOptions;
use std::io::Write as _;

use super::Inode::{Any, New};
use super::tools::{adds, rewrites};
use super::{A, B, C, Case, M, N, RESET, case, lines, next, start, table};
use crate::kit::folder;

table!(
    by_shells,
    by_linkat,
    by_vim,
    by_emacs,
    from_elsewhere,
    by_logrotate,
    removed,
    in_steps
);

fn by_shells() -> Vec<Case> {
    let perl = r#"perl -i -ne 'if ($. == 1) { open my $new, "<", "new"; print <$new> }' "$F""#;
    [
        rewrites("sed", New, r#"sed -i -e '1r new' -e d "$F""#),
        rewrites("perl", New, perl),
        rewrites("rsync", New, r#"rsync -I new "$F""#),
        rewrites("mv", New, r#"mv new "$F""#),
        rewrites("rm_and_create", Any, r#"rm "$F"; cat new > "$F""#),
        adds("rm_and_append", Any, r#"rm "$F"; cat new >> "$F""#),
        adds("install", Any, r#"install new "$F""#),
        adds("cp", Any, r#"cp --remove-destination new "$F""#),
        adds("mv_away_and_create", New, r#"mv "$F" old; cat new > "$F""#),
        adds("ln", New, r#"ln -f new "$F"; rm new"#),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A file without a name gets one: there is a CREATE, and never a MODIFY or CLOSE.
fn by_linkat() -> Vec<Case> {
    let python = r#"python3 -c '
import os
F = os.environ["F"]
fd = os.open(os.path.dirname(F), os.O_TMPFILE | os.O_WRONLY, 0o644)
os.write(fd, open("new", "rb").read())
os.unlink(F)
os.link(f"/proc/self/fd/{fd}", F, src_dir_fd=fd)'"#;
    adds("tmpfile", New, python)
}

fn by_vim() -> Vec<Case> {
    rewrites(
        "vim",
        New,
        r#"vim -N -u NONE -es -c 'set backupskip=' -c '%!cat new' -c wq "$F""#,
    )
}

fn by_emacs() -> Vec<Case> {
    // Its backup is the file that was there; its lock is a link whose name ends in `.stream`, too.
    rewrites(
        "emacs",
        New,
        r#"emacs -Q --batch --eval '(let ((new (expand-file-name "new")))
            (setq backup-enable-predicate (lambda (_) t))
            (find-file (getenv "F"))
            (erase-buffer)
            (insert-file-contents new)
            (unless (file-symlink-p (concat (file-name-directory buffer-file-name) ".#" (buffer-name))) (error "no lock"))
            (save-buffer))'; test -s "$F~""#,
    )
}

fn from_elsewhere() -> Vec<Case> {
    let mv = r#"there="$(mktemp -p /dev/shm)"
        [ "$(stat -c %d "$there")" != "$(stat -c %d "$F")" ] || { echo "/dev/shm is no other file system" >&2; exit 1; }
        mv new "$there"; mv "$there" "$F""#;
    rewrites("mv", Any, mv)
}

fn by_logrotate() -> Vec<Case> {
    let rotate = r#"printf '%s {\nrotate 1\ncreate\n}\n' "$F" > conf; chmod 600 conf
        PATH="$PATH:/usr/sbin" logrotate -f -s state conf; test -s "$F.1""#;
    vec![
        case("create", New, rotate).away(&[RESET]),
        case(
            "create_and_append",
            New,
            format!("{rotate}; echo \"$N\" >> \"$F\""),
        )
        .live(&[N])
        .away(&[RESET, N]),
        // What was appended just before is read from the file that was moved.
        case(
            "append_and_create_and_append",
            New,
            format!("echo \"$N\" >> \"$F\"; {rotate}; echo \"$M\" >> \"$F\""),
        )
        .live(&[N, M])
        .away(&[RESET, M]),
        case(
            "twice",
            New,
            format!("{rotate}; echo \"$N\" >> \"$F\"; {rotate}"),
        )
        .live(&[N])
        .away(&[RESET]),
    ]
}

fn removed() -> Vec<Case> {
    vec![
        case("rm", Any, r#"rm "$F""#).away(&[RESET]),
        case("mv_away", Any, r#"mv "$F" old"#).away(&[RESET]),
        case("mv_away_and_back", Any, r#"mv "$F" old; mv old "$F""#),
        case(
            "mv_away_append_and_back",
            Any,
            r#"mv "$F" old; echo "$N" >> old; mv old "$F""#,
        )
        .brings(&[N]),
        case(
            "to_another_user",
            Any,
            r#"other="streams/$(printf other | base64).stream"; mv "$F" "$other"; echo "$N" > "$F"; echo "$M" >> "$other""#,
        )
        .live(&[N])
        .away(&[RESET, N]),
        case(
            "an_old_copy_is_put_back",
            Any,
            r#"cp "$F" old; echo "$N" >> old; rm "$F"; mv old "$F""#,
        )
        .brings(&[N]),
    ]
}

fn in_steps() -> Vec<Case> {
    vec![
        case(
            "last_deleted_then_appended",
            New,
            r#"sed -i '$d' "$F"; echo "$N" >> "$F""#,
        )
        .brings(&[N]),
        case(
            "last_three_deleted_then_appended",
            New,
            r#"sed -i 2,4d "$F"; echo "$N" >> "$F""#,
        )
        .before(lines(&[M, A, B, C]))
        .brings(&[N]),
        case(
            "appended_then_first_deleted",
            New,
            r#"echo "$N" >> "$F"; sed -i 1d "$F""#,
        )
        .brings(&[N]),
        case(
            "edited_ten_times",
            Any,
            r#"for i in 1 2 3 4 5 6 7 8 9 10; do sed -i "s/^/ /" "$F"; done; echo "$N" >> "$F""#,
        )
        .brings(&[N]),
        case(
            "emptied_and_filled",
            New,
            r#"cp "$F" old; sed -i d "$F"; echo "$N" >> old; mv old "$F""#,
        )
        .brings(&[N]),
    ]
}

/// Who has opened the file before it is moved may write to it after another is in its place.
#[test]
fn a_late_writer_is_heard() {
    let server = start(folder());
    let case = case("late", New, r#"mv "$F" old; echo "$M" > "$F""#).live(&[M]);
    let (stream, mut client) = case.begin(&server);
    let mut late = OpenOptions::new().append(true).open(stream.path()).unwrap();
    case.change(&server.folder, &stream);
    case.brought(&mut client, &case.live);
    writeln!(late, "{N}").unwrap();
    assert_eq!(next(&mut client), N);
    let again = server.resume(&case.query(), &client.id());
    case.end(&server, &stream, &mut [client, again]);
}

/// While a file is elsewhere it is read on, but not twice once it is at its path again.
#[test]
fn a_file_that_comes_back_is_read_once() {
    let server = start(folder());
    for (name, back) in [
        ("moved", r#"mv streams/moved.jsonl "$F""#),
        ("linked", r#"ln -s linked.jsonl "$F""#),
        ("linked_twice", r#"ln streams/linked_twice.jsonl "$F""#),
    ] {
        let elsewhere = format!("streams/{name}.jsonl");
        let case = case(
            name,
            Any,
            format!(r#"mv "$F" {elsewhere}; echo "$N" >> {elsewhere}"#),
        )
        .live(&[N])
        .mended_by(format!(r#"{back}; echo "$M" >> "$F""#), &[M]);
        let (stream, mut client) = case.begin(&server);
        case.change(&server.folder, &stream);
        case.brought(&mut client, &case.live);
        case.end(&server, &stream, &mut [client]);
    }
}
