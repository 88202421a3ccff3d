//! What is common to all tools that write a whole file: in which ways the new content differs from the old.

use super::{A, B, C, Case, Inode, M, N, RESET, case, lines};

/// A tool that gives a stream's file the content of the file `new`.
pub fn rewrites(tool: &str, inode: Inode, how: &str) -> Vec<Case> {
    let to = |name: &str, new: String| case(format!("{tool}_{name}"), inode, how).given(new);
    let mut cases = adds(tool, inode, how);
    cases.extend([
        to("adds_twice", lines(&[N, A, B, C, M]))
            .live(&[N, M])
            .away(&[M]),
        to("changes_nothing", lines(&[A, B, C])),
        to("deletes_a_line", format!("{A}\n{C}")),
        to("exchanges_all", lines(&[N, M]))
            .live(&[N, M])
            .away(&[RESET, N, M]),
        to("empties", String::new()).away(&[RESET]),
    ]);
    cases
}

/// The same for one that works as another does, in the ways that are used most.
pub fn adds(tool: &str, inode: Inode, how: &str) -> Vec<Case> {
    let to = |name: &str, new: &[&str]| {
        case(format!("{tool}_{name}"), inode, how)
            .given(lines(new))
            .brings(&[N])
    };
    vec![
        to("adds_at_the_end", &[A, B, C, N]),
        // Who was away has a place behind it.
        to("adds_between", &[A, N, B, C]).away(&[]),
        to("exchanges_the_last", &[A, B, N]),
    ]
}
