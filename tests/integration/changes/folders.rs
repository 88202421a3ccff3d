//! Folders of streams that come, go and come back.

use std::collections::BTreeSet;

use super::Inode::Any;
use super::{Case, N, RESET, case, table};
use crate::kit::Server;

table!(channels, root);

fn channels() -> Vec<Case> {
    let new = |name: &str, channel, change: &str| {
        case(name, Any, change)
            .channel(channel)
            .before("")
            .brings(&[N])
    };
    vec![
        // All within a millisecond.
        new(
            "made",
            "c1",
            r#"python3 -c 'import os; F = os.environ["F"]; os.mkdir(os.path.dirname(F)); open(F, "w").write(os.environ["N"])'"#,
        ),
        new(
            "copied",
            "c2",
            r#"mkdir p2; echo "$N" > "p2/${F##*/}"; cp -r p2 streams/c2"#,
        ),
        new(
            "moved_in",
            "c3",
            r#"mkdir p3; echo "$N" > "p3/${F##*/}"; mv p3 streams/c3"#,
        ),
        new(
            "made_twice",
            "c4",
            r#"mkdir streams/c4; rmdir streams/c4; mkdir streams/c4; echo "$N" > "$F""#,
        ),
        case(
            "moved_and_back",
            Any,
            r#"mv streams/c5 .; echo "$N" >> "c5/${F##*/}"; mv c5 streams"#,
        )
        .channel("c5")
        .brings(&[N]),
        case(
            "exchanged",
            Any,
            r#"cp -r streams/c6 p6; mv streams/c6 old6; mv p6 streams/c6; echo "$N" >> "$F""#,
        )
        .channel("c6")
        .brings(&[N]),
        case(
            "removed_and_made",
            Any,
            r#"cp "$F" new; rm -r streams/c7; mkdir streams/c7; echo "$N" >> new; mv new "$F""#,
        )
        .channel("c7")
        .brings(&[N]),
        case("removed", Any, "rm -r streams/c8")
            .channel("c8")
            .mended_by("mkdir streams/c8", &[])
            .away(&[RESET]),
    ]
}

/// The folder of all streams.
fn root() -> Vec<Case> {
    let root = |name: &str, change: &str| case(name, Any, change).brings(&[N]).alone();
    vec![
        root(
            "moved_and_back",
            r#"mv streams away; echo "$N" >> "away/${F##*/}"; mv away streams"#,
        ),
        root(
            "exchanged",
            r#"mv streams away; cp -r away streams; echo "$N" >> "$F""#,
        ),
        root(
            "filled_again",
            r#"cp "$F" new; rm -r streams; mkdir streams; mv new "$F"; echo "$N" >> "$F""#,
        ),
        root(
            "emptied",
            r#"rm -r streams; mkdir streams; echo "$N" >> "$F""#,
        )
        .away(&[RESET, N]),
        root(
            "other_content",
            r#"mv streams away; mkdir streams; (head -n 1 "away/${F##*/}"; echo "$N") > "$F""#,
        ),
    ]
}

#[test]
fn ten_channels_at_once() {
    let server = Server::start();
    let names: Vec<String> = (0..10).map(|n| format!("c{n}")).collect();
    let query: String = names.iter().map(|it| format!("&channel={it}")).collect();
    let files: Vec<_> = names.iter().map(|it| server.stream_in(it, "ann")).collect();
    let mut ann = server.follow(&format!("user=ann{query}"));
    for (file, name) in files.iter().zip(&names) {
        std::fs::create_dir(file.path().parent().unwrap()).unwrap();
        file.append(&format!("{{\"channel\":\"{name}\"}}"));
    }
    let got: BTreeSet<String> = ann.datas(names.len()).into_iter().collect();
    assert_eq!(got.len(), names.len(), "{got:?}");
}
