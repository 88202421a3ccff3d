//! Clients that are away while their stream is rotated, and come back with a position between the two files.

use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::client::Manner;
use crate::door::Absence;
use crate::editor::Editor;
use crate::held::Held;
use crate::marks::Marks;
use crate::notes::Owed;
use crate::plan::{KEEP, ROTATE_SIZE};
use crate::program::tailcast;
use crate::retention::{inode, old};
use crate::scene::{LATE, Use};
use crate::server::Server;
use crate::tally::Kind;

/// How long all clients have to read what comes before.
const READ_TIME: Duration = Duration::from_secs(5);

/// How long the rotation may be put off because the one before is not long ago.
const ROTATE_TIME: Duration = Duration::from_secs(6);

/// The stream of everyone, whose events carry the position in all others.
const ALL: usize = 0;

/// Rotates streams with clients at the seam until the phase is over.
pub fn run(editor: &Editor<'_>, server: &Server, mut rng: Rng) {
    let streams = &editor.marks.scene.streams;
    while editor.journal.pause(Duration::from_millis(rng.u64(..500))) {
        let at = rng.usize(ALL + 1..streams.len());
        if streams[at].use_for == Use::Edited {
            let crossed = cross(editor, server, at, &mut rng);
            let name = streams[at].name();
            editor
                .journal
                .note(&format!("the seam of {name}: {crossed:?}"));
        }
    }
}

/// How many clients were between the two files, or why none was.
fn cross(
    editor: &Editor<'_>,
    server: &Server,
    at: usize,
    rng: &mut Rng,
) -> Result<usize, &'static str> {
    let (marks, stream) = (editor.marks, &editor.marks.scene.streams[at]);
    let guard = stream.replace();
    let settled = marks.put_alone(at);
    let mut held = Held::open(&stream.path);
    let file = inode(&stream.path);
    if !marks.all_read(at, settled, READ_TIME) {
        return Err("not all have read it");
    }
    while size(&stream.path) <= ROTATE_SIZE {
        marks.put_large(at);
    }
    let before = marks.put_alone(at);
    if marks.readers(at, uncut(&marks, at), before).is_empty() {
        return Err("not all have read it");
    }
    let life = server.life();
    if !rotated(editor, &stream.path) {
        return Err("it was not rotated");
    }
    if inode(&old(marks.scene, &stream.path)) != file {
        return Err("the server was faster, while the file was filled");
    }
    // The first one is read when the rotation was seen, and the second one tells the position.
    for _ in 0..2 {
        let mark = marks.put(ALL);
        marks.readers(ALL, marks.followers(at), mark);
    }
    let mut clients = marks.followers(at);
    clients.retain(|client| marks.clients[*client].may_leave());
    let absence = Absence::of(marks.clients, &clients);
    let mut late = vec![held.write(marks.scene, marks.ledger, at)];
    let is_told = server.life() == life;
    if rng.u8(..) < 80 {
        server.crash();
        editor.journal.count(Kind::Killed);
    }
    if rng.bool() {
        marks.put_alone(at);
        late.push(held.write(marks.scene, marks.ledger, at));
    }
    drop(guard);
    let mut at_the_seam = 0;
    for (client, last_id) in absence.last_ids() {
        editor.journal.count(Kind::SentAway);
        if is_told && last_id.is_some_and(|id| is_at_the_seam(&id)) {
            at_the_seam += 1;
            editor.journal.count(Kind::AtSeam);
            let owed = |n: &u32| Owed {
                client,
                stream: at,
                writer: LATE,
                n: *n,
            };
            editor.write_down(|notes| notes.owed.extend(late.iter().map(owed)));
        }
    }
    drop(absence);
    editor.late(at, &[settled, before], &late);
    Ok(at_the_seam)
}

/// Those who follow a stream and are connected all the while.
fn uncut(marks: &Marks<'_>, at: usize) -> Vec<usize> {
    let mut clients = marks.followers(at);
    clients.retain(|it| matches!(marks.clients[*it].manner, Manner::Steady | Manner::Sent));
    clients
}

/// Sets a file aside that is large enough, and nothing else; whether an empty one is in its place.
fn rotated(editor: &Editor<'_>, path: &Path) -> bool {
    editor.journal.note(&format!("prune {}", path.display()));
    let until = Instant::now() + ROTATE_TIME;
    while size(path) > ROTATE_SIZE && Instant::now() < until {
        let pruned = tailcast(&editor.marks.scene.root)
            .arg("prune")
            .args(KEEP)
            .output()
            .expect("the program runs");
        assert!(pruned.status.success(), "{pruned:?}");
        if size(path) > 0 && !editor.journal.pause(Duration::from_millis(50)) {
            return false;
        }
    }
    size(path) == 0
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |it| it.len())
}

/// Whether an id holds a position that begins a file behind another one: at offset 0, with keys.
fn is_at_the_seam(id: &str) -> bool {
    let mut positions = id.split('~').filter_map(|part| {
        let mut fields = part.split('.').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    positions.any(|(offset, keys)| offset == "0" && !keys.is_empty())
}
