//! What is kept in the repository for a property: inputs, and words that mean something to it.

use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(name)
}

/// The kept inputs with their names, by name.
pub fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder("corpus").join(target);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

/// The words of libFuzzer's dictionary: one a line, `"…"` with `\\`, `\"` and `\xHH`.
pub fn dictionary(target: &str) -> Vec<Vec<u8>> {
    let path = folder("dict").join(format!("{target}.dict"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let words = text.lines().filter(|line| line.starts_with('"'));
    let words: Vec<Vec<u8>> = words.map(word).collect();
    assert!(!words.is_empty(), "no words in {}", path.display());
    words
}

fn word(line: &str) -> Vec<u8> {
    let inner = line
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let mut rest = inner.unwrap_or_else(|| panic!("{line} has no closing quote"));
    let mut bytes = Vec::new();
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let len = if let Some(hex) = escape.strip_prefix('x') {
            bytes.push(u8::from_str_radix(&hex[..2], 16).unwrap());
            3
        } else {
            bytes.push(escape.as_bytes()[0]);
            1
        };
        rest = &escape[len..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[test]
fn words_are_read_as_libfuzzer_reads_them() {
    assert_eq!(word(r#""a\\b\"\x00\xffc""#), b"a\\b\"\0\xffc");
}
