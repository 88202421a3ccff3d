//! The table of layers: who may use whom. A new arrow is a line to review here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PURE: &[&str] = &[
    "address", "record", "position", "cursor", "sse", "errors", "meter",
];

/// Each module, and what of this crate it may use.
const TABLE: &[(&str, &[&str])] = &[
    ("address", &[]),
    ("errors", &[]),
    ("meter", &[]),
    ("record", &[]),
    ("position", &[]),
    ("sse", &[]),
    ("cursor", &["address", "position"]),
    ("store", PURE),
    (
        "hub",
        &[
            "address", "record", "position", "cursor", "sse", "errors", "meter", "store",
        ],
    ),
    ("reload", &["address", "record", "errors", "store", "hub"]),
    ("auth", &["address"]),
    (
        "http",
        &[
            "address", "record", "position", "cursor", "sse", "errors", "meter", "store", "hub",
            "auth",
        ],
    ),
    ("config", &["store", "auth", "http"]),
    ("cli", &["address", "config", "store"]),
    (
        "commands",
        &[
            "address", "record", "position", "errors", "store", "hub", "reload", "auth", "http",
            "config", "cli",
        ],
    ),
    ("lib", &[]),
    ("main", &["cli", "commands", "store"]),
];

/// What only one place may name.
const ONLY: &[(&str, &[&str])] = &[
    ("notify::", &["store/watch.rs", "reload/tree.rs"]),
    (".accept()", &["http/server.rs"]),
    ("StatusCode::", &["http/reply.rs"]),
    (
        "mio::",
        &[
            "http/delivery.rs",
            "http/delivery/round.rs",
            "http/delivery/round/clients.rs",
            "http/delivery/seat.rs",
        ],
    ),
    (".stream\"", &["store/path.rs"]),
    (
        "std::env::",
        &["main.rs", "config.rs", "commands/serve/apps.rs"],
    ),
    ("jsonwebtoken::", &["auth/token.rs"]),
    ("bcrypt::", &["auth/password.rs"]),
    ("rustls", &["http/tls.rs"]),
    ("println!", &["main.rs"]),
];

/// What no module below `http` may name.
const NOT_BELOW_HTTP: &[&str] = &["hyper", "http::"];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                // Tests may use what they like.
                let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                if !name.ends_with("tests.rs") {
                    sources.push((name, code));
                }
            }
        }
    }
    sources
}

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// The modules of this crate that a source names, by path or in a use.
fn used(code: &str) -> BTreeSet<&str> {
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let after = lines.flat_map(|line| {
        line.split("crate::")
            .skip(1)
            .chain(line.split("tailcast::").skip(1))
    });
    let word = |rest: &'_ str| {
        rest.find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len())
    };
    after
        .map(|rest| &rest[..word(rest)])
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn modules_use_only_what_stands_above_them() {
    for (file, code) in sources() {
        let of = module(&file);
        let Some((_, may)) = TABLE.iter().find(|(name, _)| *name == of) else {
            panic!("{file} is in no layer: add it to the table");
        };
        for name in used(&code) {
            assert!(
                name == of || may.contains(&name),
                "{file} uses {name}: {of} may use {may:?}"
            );
        }
    }
}

#[test]
fn some_things_are_named_in_one_place_only() {
    for (file, code) in sources() {
        for (what, places) in ONLY {
            let lines = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let named = lines.into_iter().any(|line| line.contains(what));
            assert!(
                !named || places.contains(&&*file),
                "{file} names {what}, which is for {places:?}"
            );
        }
        if !["http", "config", "commands", "main", "lib"].contains(&module(&file)) {
            for what in NOT_BELOW_HTTP {
                assert!(!code.contains(&format!("use {what}")), "{file} uses {what}");
            }
        }
    }
}

#[test]
fn the_table_names_no_module_that_is_gone() {
    let sources = sources();
    for (name, _) in TABLE {
        assert!(
            sources.iter().any(|(file, _)| module(file) == *name),
            "{name}"
        );
    }
    for (_, places) in ONLY {
        for place in *places {
            assert!(sources.iter().any(|(file, _)| file == place), "{place}");
        }
    }
}
