//! Which files of a site count. Pure.

use std::path::{Component, Path};

/// Folders of tools, in which much changes that no browser sees.
const TOOLS: [&str; 2] = ["node_modules", "target"];

/// How the names of editors' own files end: backups, swap files, and what `IntelliJ` writes before it renames.
const LEFTOVERS: [&str; 7] = [
    "~",
    ".swp",
    ".swo",
    ".swx",
    ".swpx",
    "___jb_tmp___",
    "___jb_old___",
];

/// vim makes it to see whether it may write here.
const PROBE: &str = "4913";

/// Whether a change of this file is one of the site; the path is relative to the site's folder. Hidden names are none,
/// and with them what rsync, emacs and version control write.
pub fn counts(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some()
        && parts.all(|part| match part {
            Component::Normal(name) => is_site(&name.to_string_lossy()),
            _ => false,
        })
}

fn is_site(name: &str) -> bool {
    let is_autosave = name.len() > 1 && name.starts_with('#') && name.ends_with('#');
    !(name.starts_with('.')
        || is_autosave
        || name == PROBE
        || TOOLS.contains(&name)
        || LEFTOVERS.iter().any(|end| name.ends_with(end)))
}

/// As a browser writes it: with slashes.
pub fn shown(path: &Path) -> String {
    let parts: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts() {
        for site in [
            "index.html",
            "css/site.css",
            "a b/ü.js",
            "#1",
            "#",
            "49130",
            "targets/x",
            "swp",
        ] {
            assert!(counts(Path::new(site)), "{site}");
        }
        for other in [
            "",
            ".git/HEAD",
            "css/.site.css.swp",
            ".site.css.Xy12Zw",
            "css/site.css~",
            "css/4913",
            "css/#site.css#",
            "css/.#site.css",
            "css/site.css___jb_tmp___",
            "node_modules/x/y.js",
            "sub/target/debug/x",
            "../x",
        ] {
            assert!(!counts(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn paths_have_slashes() {
        assert_eq!(shown(Path::new("css/a b.css")), "css/a b.css");
    }
}
