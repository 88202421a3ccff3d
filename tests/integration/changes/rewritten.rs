//! The file stays the same file, and its content is written anew or cut.

use std::fs::File;
use std::io::Write as _;

use super::Inode::Kept;
use super::tools::{adds, rewrites};
use super::{A, B, C, Case, M, N, RESET, case, lines, next, start, table};
use crate::kit::folder;

table!(
    by_shells,
    by_programs,
    by_vim,
    by_nano,
    by_ed,
    by_vs_code,
    by_rsync,
    cut,
    in_steps,
    in_detail
);

fn by_shells() -> Vec<Case> {
    let mut cases = rewrites("redirection", Kept, r#"cat new > "$F""#);
    cases.extend(rewrites("cp", Kept, r#"cp new "$F""#));
    cases.extend(adds("tee", Kept, r#"tee "$F" < new"#));
    cases.extend(adds("dd", Kept, r#"dd if=new of="$F""#));
    cases
}

fn by_programs() -> Vec<Case> {
    let php = |args: &str| format!("php -r 'file_put_contents(getenv(\"F\"), {args});'");
    let python = r#"python3 -c 'import os; open(os.environ["F"], "w").writelines(open("new"))'"#;
    [
        adds("python", Kept, python),
        adds("php", Kept, &php(r#"file_get_contents("new")"#)),
        adds("php_array", Kept, &php(r#"file("new")"#)),
        adds("php_locked", Kept, &php(r#"file("new"), LOCK_EX"#)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn by_vim() -> Vec<Case> {
    rewrites(
        "vim",
        Kept,
        r#"vim -N -u NONE -es -c 'set backupskip= backupcopy=yes' -c '%!cat new' -c wq "$F""#,
    )
}

/// What a person types, on a terminal of its own: everything is cut, and the file `new` inserted.
fn by_nano() -> Vec<Case> {
    rewrites(
        "nano",
        Kept,
        r#"t() { tmux -L "$$" "$@"; }
        trap 't kill-server' EXIT
        t new-session -d -x 80 -y 24 "nano -I '$F'; tmux -L $$ wait-for -S done" \; set -g exit-empty off
        until t capture-pane -p | grep -q Exit; do :; done
        t send-keys M-t C-r new Enter C-o Enter C-x
        t wait-for done"#,
    )
}

fn by_ed() -> Vec<Case> {
    rewrites(
        "ed",
        Kept,
        r#"printf '%s\n' 1,\$d '0r new' w q | ed -s "$F""#,
    )
}

fn by_vs_code() -> Vec<Case> {
    rewrites(
        "vs_code",
        Kept,
        r#"node -e 'const f = fs.openSync(process.env.F, "w"); fs.writeSync(f, fs.readFileSync("new")); fs.fdatasyncSync(f); fs.closeSync(f)'"#,
    )
}

fn by_rsync() -> Vec<Case> {
    // It takes files of the same size and second for the same.
    rewrites("rsync", Kept, r#"rsync -I --inplace new "$F""#)
}

fn cut() -> Vec<Case> {
    let logrotate = r#"printf '%s {\nrotate 1\ncopytruncate\n}\n' "$F" > conf; chmod 600 conf
        PATH="$PATH:/usr/sbin" logrotate -f -s state conf; test -s "$F.1""#;
    vec![
        case("to_nothing", Kept, r#"truncate -s 0 "$F""#).away(&[RESET]),
        case(
            "to_a_line",
            Kept,
            r#"truncate -s "$(head -n 1 "$F" | wc -c)" "$F""#,
        ),
        case(
            "inside_a_line",
            Kept,
            r#"truncate -s -4 "$F"; echo >> "$F""#,
        ),
        case(
            "inside_and_appended",
            Kept,
            r#"truncate -s -4 "$F"; printf '\n%s\n' "$N" >> "$F""#,
        )
        .brings(&[N]),
        case(
            "and_appended",
            Kept,
            r#"truncate -s 0 "$F"; echo "$N" >> "$F""#,
        )
        .live(&[N])
        .away(&[RESET, N]),
        case("copytruncate", Kept, logrotate).away(&[RESET]),
        case(
            "copytruncate_and_appended",
            Kept,
            format!("{logrotate}; echo \"$N\" >> \"$F\""),
        )
        .live(&[N])
        .away(&[RESET, N]),
    ]
}

fn in_steps() -> Vec<Case> {
    vec![
        case(
            "last_deleted_then_appended",
            Kept,
            r#"head -n 2 "$F" > new; cat new > "$F"; echo "$N" >> "$F""#,
        )
        .brings(&[N]),
        case(
            "taken_back",
            Kept,
            r#"cp "$F" old; echo >> old; cat old > "$F"; cat old > "$F""#,
        ),
        case(
            "appended_by_rewrites",
            Kept,
            r#"(cat "$F"; echo "$N") > new; cp new "$F"; echo "$M" >> new; cp new "$F""#,
        )
        .brings(&[N, M]),
    ]
}

fn in_detail() -> Vec<Case> {
    vec![
        case("touch", Kept, r#"touch "$F""#),
        case("touch_back", Kept, r#"touch -d '2 days ago' "$F""#),
        case("chmod", Kept, r#"chmod 600 "$F""#),
        case("chown", Kept, r#"chown "$(id -u):$(id -g)" "$F""#),
        case("opened_to_append", Kept, r#": >> "$F""#),
        case(
            "read_by_itself",
            Kept,
            r#"cat "$F" | tee new; grep -c . "$F""#,
        ),
        case("final_newline_removed", Kept, r#"truncate -s -1 "$F""#),
        case(
            "white_space_between",
            Kept,
            r#"sed 's/:/ : /; G' "$F" > new; cat new > "$F""#,
        ),
        case(
            "on_one_line",
            Kept,
            r#"tr -d '\n' < "$F" > new; cat new > "$F""#,
        ),
        case(
            "indented",
            Kept,
            r#"php -r '$f = getenv("F"); file_put_contents($f, array_map(fn($it) => json_encode(json_decode($it), JSON_PRETTY_PRINT)."\n", file($f)));'"#,
        ),
        case(
            "to_windows",
            Kept,
            r#"sed 's/$/\r/' "$F" > new; cat new > "$F""#,
        ),
        case(
            "with_a_byte_order_mark",
            Kept,
            r#"(printf '\xEF\xBB\xBF'; cat "$F"; echo "$N") > new; cat new > "$F""#,
        )
        .brings(&[N]),
        // Old records may be edited: that is news to those who see it.
        case(
            "first_edited",
            Kept,
            r#"sed 's/"a":1/"n":1/' "$F" > new; cat new > "$F""#,
        )
        .live(&[N]),
        case(
            "last_edited",
            Kept,
            r#"sed 's/"c":3/"n":1/' "$F" > new; cat new > "$F""#,
        )
        .brings(&[N]),
        case(
            "a_time_added",
            Kept,
            r#"(head -n 2 "$F"; echo 1732155000; tail -n 1 "$F") > new; cat new > "$F""#,
        )
        .brings(&[C]),
        case(
            "torn_then_mended",
            Kept,
            r#"printf '{"n":' >> "$F"; sed 's/:$/:1}/' "$F" > new; cat new > "$F""#,
        )
        .brings(&[N]),
        case(
            "commas_mended",
            Kept,
            r#"echo '{"n":1,}' >> "$F"; sed 's/,}/}/' "$F" > new; cat new > "$F""#,
        )
        .brings(&[N]),
        case(
            "one_of_twins_deleted",
            Kept,
            r#"sed 2d "$F" > new; cat new > "$F""#,
        )
        .before(lines(&[A, B, B, B])),
        case(
            "one_more_twin",
            Kept,
            r#"cat "$F" "$F" > new; sed -n 1,5p new > "$F""#,
        )
        .before(lines(&[B, B, B, B]))
        .brings(&[B]),
    ]
}

/// The policy for a stream that was cleared: half a second later, its old records are new again.
#[test]
fn cleared_and_the_same_again_is_new() {
    let server = start(folder());
    let case = case("cleared", Kept, r#": > "$F""#);
    let (stream, mut client) = case.begin(&server);
    case.change(&server.folder, &stream);
    server.logged(&["looked", &case.name, "end=0"]);
    stream.append(A);
    assert_eq!(next(&mut client), A);
    case.end(&server, &stream, &mut [client]);
}

/// What a writer has not finished yet is not taken for what it wants to leave there.
#[test]
fn a_writer_takes_its_time() {
    let server = start(folder());
    let case = case("slow", Kept, "");
    let (stream, mut client) = case.begin(&server);
    let mut file = File::create(stream.path()).unwrap();
    for line in [A, N, B, C] {
        writeln!(file, "{line}").unwrap();
        server.logged(&["looked", &case.name, "writing=true"]);
    }
    drop(file);
    assert_eq!(next(&mut client), N);
    case.end(&server, &stream, &mut [client]);
}
