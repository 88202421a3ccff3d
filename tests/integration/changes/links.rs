//! Links: a symlink to a file in the folder is that file, one that leads out is refused; what is appended through
//! another name raises no event.

use super::Inode::{Any, Kept};
use super::{Case, M, N, case, table};

table!(hard_links, links_inside, links_outside);

fn hard_links() -> Vec<Case> {
    vec![
        case("appended_outside", Kept, r#"echo "$N" >> outside-1"#)
            .prepare(r#"ln "$F" outside-1"#)
            .brings(&[N]),
        case(
            "rewritten_outside",
            Kept,
            r#"(head -n 1 "$F"; echo "$N"; tail -n 2 "$F") > new; cat new > outside-2"#,
        )
        .prepare(r#"ln "$F" outside-2"#)
        .live(&[N]),
        case(
            "linked_then_appended_outside",
            Kept,
            r#"ln "$F" outside-3; echo "$N" >> outside-3"#,
        )
        .brings(&[N]),
        case(
            "put_in_then_appended_outside",
            Any,
            r#"cp "$F" outside-4; ln -f outside-4 "$F"; echo "$N" >> outside-4"#,
        )
        .brings(&[N]),
        case(
            "link_outside_removed",
            Kept,
            r#"rm outside-5; echo "$N" >> "$F""#,
        )
        .prepare(r#"ln "$F" outside-5"#)
        .brings(&[N]),
        case(
            "through_a_symlink_outside",
            Kept,
            r#"ln -s "$F" outside-6; echo "$N" >> outside-6"#,
        )
        .brings(&[N]),
    ]
}

/// The file stands beside, and the stream is a link to it.
fn links_inside() -> Vec<Case> {
    let to = |name: &str, to: &str, change: &str| {
        let move_there = format!(
            "mkdir -p streams/folder; T={to}; mv \"$F\" \"streams/$T\"; ln -s \"$T\" \"$F\""
        );
        case(name, Any, format!("T=streams/{to}; {change}"))
            .prepare(move_there)
            .brings(&[N])
    };
    let other = "b3RoZXI=.stream";
    vec![
        to("appended", other, r#"echo "$N" >> "$F""#),
        to("appended_to_the_target", "target-1.jsonl", r#"echo "$N" >> "$T""#),
        to("in_a_folder", "folder/target.jsonl", r#"echo "$N" >> "$T""#),
        to("target_edited", "target-2.jsonl", r#"sed -i "\$a $N" "$T""#),
        to("target_edited_between", "target-3.jsonl", r#"sed -i "1a $N" "$T""#).away(&[]),
        to("target_replaced", "target-4.jsonl", r#"(cat "$T"; echo "$N") > new; mv new "$T""#),
        to("target_exchanged", "target-5.jsonl", r#"(cat "$F"; echo "$N") > streams/target-6.jsonl; ln -sfn target-6.jsonl "$F""#),
        to("replaced_by_its_target", "target-7.jsonl", r#"mv "$T" "$F"; echo "$N" >> "$F""#),
        to("changes_nothing", "target-8.jsonl", r#"cp "$F" new; mv new "$T"; touch "$T"; ln -sfn target-8.jsonl "$F""#).brings(&[]),
        case("by_its_whole_path", Any, r#"mv "$F" streams/target-9.jsonl; ln -s "$PWD/streams/target-9.jsonl" "$F"; echo "$N" >> "$F""#)
            .brings(&[N]),
        case("made_while_followed", Any, r#"mv "$F" streams/target-10.jsonl; ln -s target-10.jsonl "$F"; echo "$N" >> streams/target-10.jsonl"#)
            .brings(&[N]),
    ]
}

/// What is out there never arrives; in the end the file is in its place again.
fn links_outside() -> Vec<Case> {
    let away = |name: &str, link: &str| {
        // A copy, for the file itself would still be read after it was moved.
        let change = format!(r#"cp "$F" {name}; rm "$F"; {link}; echo "$N" >> {name}"#);
        case(name, Any, change).refused().mended_by(
            format!(r#"(head -n 3 {name}; echo "$M") > new; mv new "$F""#),
            &[M],
        )
    };
    vec![
        away("whole_path", r#"ln -s "$PWD/whole_path" "$F""#),
        away("relative_path", r#"ln -s ../relative_path "$F""#),
        away(
            "in_two_steps",
            r#"ln -s ../in_two_steps streams/step; ln -s step "$F""#,
        ),
        away(
            "through_a_folder",
            r#"ln -s .. streams/out; ln -s out/through_a_folder "$F""#,
        ),
    ]
}
