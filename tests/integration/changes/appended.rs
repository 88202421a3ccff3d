//! Appended, at once or in pieces, by whatever appends; the file stays the same file.

use super::Inode::{Any, Kept};
use super::{B, C, Case, M, N, RESET, case, lines, table};

table!(by_shells, by_programs, by_php, with_odd_bytes, to_odd_files);

fn by_shells() -> Vec<Case> {
    let long = format!("{{\"n\":\"{}\"}}", "0".repeat(100_000));
    vec![
        case("echo", Kept, r#"echo "$N" >> "$F""#).brings(&[N]),
        case("two_lines", Kept, r#"printf '%s\n' "$N" "$M" >> "$F""#).brings(&[N, M]),
        case("no_newline", Kept, r#"printf %s "$N" >> "$F""#).brings(&[N]),
        case("one_line", Kept, r#"printf %s "$N" "$M" >> "$F""#).brings(&[N, M]),
        case(
            "pieces",
            Kept,
            r#"(printf '{"n'; printf '":1'; echo '}') >> "$F""#,
        )
        .brings(&[N]),
        case(
            "opened_for_each_byte",
            Kept,
            r#"for byte in '{' '"' n '"' : 1 '}'; do printf %s "$byte" >> "$F"; done"#,
        )
        .brings(&[N]),
        case(
            "bash_100_kb",
            Kept,
            r#"printf -v zeros '%0100000d' 0; echo "{\"n\":\"$zeros\"}" >> "$F""#,
        )
        .brings(&[&long]),
        case("tee", Kept, r#"echo "$N" | tee -a "$F""#).brings(&[N]),
        case(
            "dd",
            Kept,
            r#"echo "$N" | dd of="$F" oflag=append conv=notrunc"#,
        )
        .brings(&[N]),
        case("the_last_once_more", Kept, r#"echo "$C" >> "$F""#).brings(&[C]),
        case("an_older_once_more", Kept, r#"echo "$B" >> "$F""#).brings(&[B]),
        case(
            "rsync_append",
            Kept,
            r#"(cat "$F"; echo "$N") > new; rsync --append new "$F""#,
        )
        .brings(&[N]),
    ]
}

fn by_programs() -> Vec<Case> {
    let long = format!("{{\"n\":\"{}\"}}", "x".repeat(20_000));
    let env = r#"import os; F, N = os.environ["F"], os.environ["N"]"#;
    vec![
        case(
            "python",
            Kept,
            format!("python3 -c '{env}\nwith open(F, \"a\") as f: print(N, file=f)'"),
        )
        .brings(&[N]),
        // Its buffer has 8 KiB.
        case(
            "python_buffered",
            Kept,
            format!(
                "python3 -c '{env}
with open(F, \"a\") as f:
    f.write(\"{{\\\"n\\\":\\\"\")
    for _ in range(20): f.write(1000 * \"x\")
    f.write(\"\\\"}}\\n\")'"
            ),
        )
        .brings(&[&long]),
        case(
            "awk",
            Kept,
            r#"awk 'BEGIN { print ENVIRON["N"] >> ENVIRON["F"] }'"#,
        )
        .brings(&[N]),
        case(
            "perl",
            Kept,
            r#"perl -e 'open my $f, ">>", $ENV{F} or die; print $f "$ENV{N}\n"'"#,
        )
        .brings(&[N]),
        case(
            "node",
            Kept,
            r#"node -e 'fs.appendFileSync(process.env.F, process.env.N + "\n")'"#,
        )
        .brings(&[N]),
        case(
            "vim",
            Kept,
            r#"echo "$N" > new; vim -N -u NONE -es -c "w >> $F" -c 'q!' new"#,
        )
        .brings(&[N]),
        case(
            "mmap",
            Kept,
            format!(
                "python3 -c '{env}
import mmap
with open(F, \"r+b\") as f:
    end = os.path.getsize(F)
    f.truncate(end + 4096)
    with mmap.mmap(f.fileno(), 0) as m: m[end:end + len(N)] = N.encode()'"
            ),
        )
        .brings(&[N]),
        case(
            "mmap_after_close",
            Kept,
            format!(
                "python3 -c '{env}
import mmap
end = os.path.getsize(F)
with open(F, \"r+b\") as f:
    f.truncate(end + len(N))
    m = mmap.mmap(f.fileno(), 0)
m[end:] = N.encode()'"
            ),
        )
        .brings(&[N]),
    ]
}

fn by_php() -> Vec<Case> {
    let put = |name: &str, flags: &str| {
        let code = format!(r#"file_put_contents(getenv("F"), getenv("N")."\n", {flags});"#);
        case(name, Kept, format!("php -r '{code}'")).brings(&[N])
    };
    vec![
        put("append", "FILE_APPEND"),
        put("append_locked", "FILE_APPEND | LOCK_EX"),
        case(
            "append_an_array",
            Kept,
            r#"php -r 'file_put_contents(getenv("F"), [time(), "\n", getenv("N"), "\n"], FILE_APPEND);'"#,
        )
        .brings(&[N]),
        // Each overwrites the one before, as the PHP demo does.
        case(
            "overwrite",
            Kept,
            r#"php -r 'file_put_contents(getenv("F"), time()."\n".getenv("N")."\n");'"#,
        )
        .live(&[N])
        .away(&[RESET, N]),
        case(
            "overwrite_with_an_array",
            Kept,
            r#"php -r 'file_put_contents(getenv("F"), [time(), "\n", getenv("N"), "\n"]);'"#,
        )
        .live(&[N])
        .away(&[RESET, N]),
        case(
            "overwrite_locked",
            Kept,
            r#"php -r 'file_put_contents(getenv("F"), time()."\n".getenv("N")."\n", LOCK_EX);'"#,
        )
        .live(&[N])
        .away(&[RESET, N]),
        case(
            "overwrite_with_the_same_at_another_time",
            Kept,
            r#"php -r 'file_put_contents(getenv("F"), "1732155001\n".getenv("N")."\n");'"#,
        )
        .before(format!("1732155000\n{N}\n"))
        .live(&[N])
        .away(&[RESET, N]),
        case(
            "overwrite_with_the_same_at_the_same_time",
            Kept,
            r#"php -r 'file_put_contents(getenv("F"), "1732155000\n".getenv("N")."\n");'"#,
        )
        .before(format!("1732155000\n{N}\n")),
    ]
}

fn with_odd_bytes() -> Vec<Case> {
    let windows = lines(&[C, N]).replace('\n', "\r\n");
    vec![
        case("nuls_before", Kept, r#"printf '\0\0\0%s\n' "$N" >> "$F""#).brings(&[N]),
        case("nuls_behind", Kept, r#"printf '%s\n\0\0\0' "$N" >> "$F""#).brings(&[N]),
        case("nuls_alone", Kept, r#"truncate -s +5000 "$F""#),
        case(
            "preallocated",
            Kept,
            r#"truncate -s +5000 "$F"; echo "$N" >> "$F""#,
        )
        .brings(&[N]),
        case(
            "byte_order_mark",
            Kept,
            r#"printf '\xEF\xBB\xBF%s\n' "$N" >> "$F""#,
        )
        .brings(&[N]),
        case(
            "carriage_returns",
            Kept,
            r#"printf '%s\r\n' "$C" "$N" >> "$F""#,
        )
        .before(windows)
        .brings(&[C, N]),
        case("white_space", Kept, r#"printf '\n\n \t\n' >> "$F""#),
        case(
            "with_a_time",
            Kept,
            r#"printf '1732155000\n%s\n' "$N" >> "$F""#,
        )
        .brings(&[N]),
        case("a_time_alone", Kept, r#"echo 1732155000 >> "$F""#),
        case(
            "behind_a_torn_line",
            Kept,
            r#"printf '{"torn":\n%s\n' "$N" >> "$F""#,
        )
        .brings(&[N]),
        case(
            "behind_broken_json",
            Kept,
            r#"printf '%s\n' '{"a":1,}' "$N" >> "$F""#,
        )
        .brings(&[N]),
        case("behind_no_newline", Kept, r#"echo "$N" >> "$F""#)
            .before(C)
            .brings(&[N]),
    ]
}

fn to_odd_files() -> Vec<Case> {
    vec![
        case("no_file", Any, r#"echo "$N" >> "$F""#)
            .before("")
            .brings(&[N]),
        case("an_empty_file", Kept, r#"echo "$N" >> "$F""#)
            .before("")
            .prepare(r#"touch "$F""#)
            .brings(&[N]),
        case("white_space_alone", Kept, r#"echo "$N" >> "$F""#)
            .before("\n\n")
            .brings(&[N]),
        case("read_only", Kept, r#"chmod 400 "$F"; echo "$N" >> "$F""#).brings(&[N]),
        case("a_megabyte", Kept, r#"echo "$N" >> "$F""#)
            .before(
                format!(
                    "{{\"x\":\"{}\"}}
",
                    "x".repeat(10_000)
                )
                .repeat(150),
            )
            .brings(&[N]),
    ]
}
