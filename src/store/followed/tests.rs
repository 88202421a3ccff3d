use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::address::User;
use crate::record::Json;

/// A followed stream file, and what its looks found.
pub(super) struct Case {
    _folder: TempDir,
    pub path: PathBuf,
    pub followed: Followed,
    pub found: Found,
    /// Behind the last record that was found.
    pub found_at: Position,
}

#[derive(Default)]
pub(super) struct Found {
    pub records: Vec<(String, Position)>,
    pub rejected: Vec<(u64, u64)>,
    pub more: usize,
    pub stalled: Vec<(u64, u64)>,
    pub rewritten: u32,
}

impl News for Found {
    fn record(&mut self, record: &Record<'_>, position: Position) {
        self.records.push((record.json.to_owned(), position));
    }
    fn rejected(&mut self, _: &Reason, line: u64, column: u64) {
        self.rejected.push((line, column));
    }
    fn rejected_more(&mut self, count: usize) {
        self.more += count;
    }
    fn stalled(&mut self, line: u64, column: u64) {
        self.stalled.push((line, column));
    }
    fn rewritten(&mut self, _: bool) {
        self.rewritten += 1;
    }
}

impl Case {
    pub fn new(content: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::create(
            folder.path(),
            crate::store::Settings {
                max_record: 1000,
                fsync: crate::store::Fsync::Never,
            },
        )
        .unwrap();
        let address = Address::new(User::new("ann").unwrap(), None);
        let path = store.root().file(&address);
        fs::write(&path, content).unwrap();
        let mut followed = store.follow(address);
        followed.start().unwrap();
        Self {
            _folder: folder,
            path,
            followed,
            found: Found::default(),
            found_at: Position::START,
        }
    }

    /// What a look finds when the last change was long ago and its writer has closed the file.
    #[track_caller]
    pub fn look(&mut self) -> Vec<String> {
        let changed = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let hint = Hint {
            writing: false,
            changed,
        };
        // The first sight of a rewrite that may go on asks for patience; this one is over.
        self.followed.unsettled = Some(changed);
        let wait = self.followed.look(hint, &mut self.found).unwrap();
        assert_eq!(wait, self.followed.poll());
        self.followed.unsettled = None;
        self.found()
    }

    /// What a look finds right after a change.
    #[track_caller]
    pub fn look_at_once(&mut self) -> Vec<String> {
        let hint = Hint {
            writing: false,
            changed: Instant::now(),
        };
        self.followed.look(hint, &mut self.found).unwrap();
        self.found()
    }

    /// What an append of ours by the descriptor that is kept finds; `None` if the file has to be opened.
    pub fn append_own(&mut self, json: &str) -> Option<Vec<String>> {
        let record = Json::new(json, 1).unwrap();
        let appended = self.followed.append(&record, &mut self.found)?;
        appended.unwrap();
        Some(self.found())
    }

    /// Appends as one of ours that opens the file, and keeps its descriptor.
    pub fn append_and_keep(&mut self, json: &str) -> Vec<String> {
        let (store, address) = (&self.followed.store, &self.followed.address);
        let appended = store
            .appends()
            .append(address, &Json::new(json, 1).unwrap());
        let file = appended.unwrap().unwrap();
        let found = self.look_at_once();
        self.followed.keep(file);
        found
    }

    fn found(&mut self) -> Vec<String> {
        let records = std::mem::take(&mut self.found.records);
        if let Some((_, position)) = records.last() {
            self.found_at = *position;
        }
        records.into_iter().map(|(json, _)| json).collect()
    }

    pub fn write(&self, content: &str) {
        fs::write(&self.path, content).unwrap();
    }

    pub fn append(&self, content: &str) {
        self.open().write_all(content.as_bytes()).unwrap();
    }

    /// As `>>`, which makes the file.
    pub fn append_new(&self, content: &str) {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }

    /// As a writer that keeps the file open.
    pub fn open(&self) -> File {
        fs::OpenOptions::new()
            .append(true)
            .open(&self.path)
            .unwrap()
    }
}

const AB: &str = "{\"a\":1}\n{\"b\":2}\n";

#[test]
fn what_was_there_is_not_news_and_what_is_appended_is() {
    let mut case = Case::new(AB);
    assert!(case.look().is_empty());
    case.append("{\"c\":3}\n{\"d\"");
    assert_eq!(case.look(), ["{\"c\":3}"]);
    case.append(":4}");
    assert_eq!(case.look(), ["{\"d\":4}"]);
    assert_eq!(case.followed.position().offset(), 31);
    assert_eq!(case.found.rewritten, 0);
}

#[test]
fn a_final_newline_taken_away_moves_nothing() {
    let mut case = Case::new(AB);
    // Saved in place without it, and appended to before anyone looked.
    case.write(AB.trim_end());
    case.append("{\"c\":3}\n");
    assert_eq!(case.look(), ["{\"c\":3}"]);
    case.write(
        &fs::read_to_string(&case.path)
            .unwrap()
            .replace('\n', "\n\n"),
    );
    assert!(case.look().is_empty());
    case.append("{\"d\":4}");
    assert_eq!(case.look(), ["{\"d\":4}"]);
}

#[test]
fn a_rejected_record_that_is_mended_in_place_is_news() {
    let mut case = Case::new(AB);
    case.append("{\"c\":3,}\n{\"d\":}\n");
    assert!(case.look().is_empty());
    assert_eq!(case.found.rejected, [(3, 8), (4, 6)]);
    case.write(&format!("{AB}{{\"c\":333}}\n{{\"d\":}}\n{{\"e\":5}}\n"));
    assert_eq!(case.look(), ["{\"c\":333}", "{\"e\":5}"]);
    assert_eq!(
        case.found.rejected.len(),
        2,
        "what is still rejected is not reported again"
    );
}

#[test]
fn lines_that_are_alike_are_rejected_each() {
    let mut case = Case::new("");
    case.write(&"[]\n".repeat(90));
    assert!(case.look().is_empty());
    assert_eq!(case.found.rejected.len() + case.found.more, 90);
    case.append(&"[]\n".repeat(3));
    assert!(case.look().is_empty());
    assert_eq!(case.found.rejected.len() + case.found.more, 93);
}

#[test]
fn insertions_stand_behind_all_that_is_consumed_before_the_next() {
    let mut case = Case::new(AB);
    case.write("{\"x\":1}\n{\"a\":1}\n{\"b\":2}\n{\"y\":2}\n");
    let changed = Instant::now();
    case.followed
        .look(
            Hint {
                writing: false,
                changed,
            },
            &mut case.found,
        )
        .unwrap();
    let ends: Vec<u64> = case
        .found
        .records
        .iter()
        .map(|(_, position)| position.offset())
        .collect();
    // Resuming behind x must not repeat a and b.
    assert_eq!(ends, [23, 31]);
    assert_eq!(case.found.rewritten, 1);
}

#[test]
fn an_overwrite_of_the_same_size_is_news() {
    let mut case = Case::new("1732155000\n{\"n\":1}\n");
    case.write("1732155000\n{\"n\":2}\n");
    assert_eq!(case.look(), ["{\"n\":2}"]);
    case.write("1732155001\n{\"n\":2}\n");
    assert_eq!(case.look(), ["{\"n\":2}"]);
    case.write("1732155001\n{\"n\":2}\n");
    assert!(case.look().is_empty());
}

#[test]
fn a_moved_file_is_read_to_its_end_first() {
    let mut case = Case::new(AB);
    case.append("{\"late\":1}\n");
    fs::rename(&case.path, case.path.with_extension("1")).unwrap();
    case.write("{\"new\":1}\n");
    assert_eq!(case.look(), ["{\"late\":1}", "{\"new\":1}"]);
}

#[test]
fn a_large_file_is_known_by_its_end() {
    let line = |n: usize| format!("{{\"n\":\"{n:09}\"}}\n");
    let lines: Vec<String> = (0..100_000).map(line).collect();
    let mut case = Case::new(&lines.concat());
    case.append(&line(100_000));
    assert_eq!(case.look().len(), 1);
    // Rewritten with one line less, one changed near the end and one more.
    let kept = format!(
        "{}{}{}",
        lines[..99_000].concat(),
        lines[99_001..].concat(),
        line(100_000)
    );
    case.write(&(kept.replace("99500", "88888") + &line(100_001)));
    assert_eq!(
        case.look(),
        ["{\"n\":\"000088888\"}", "{\"n\":\"000100001\"}"]
    );
}

#[test]
fn cleared_and_filled_with_the_same_again_is_news() {
    let mut case = Case::new(AB);
    case.write("");
    assert!(case.look().is_empty());
    assert_eq!(case.followed.position(), Position::START);
    case.write(AB);
    assert_eq!(case.look().len(), 2);
    fs::remove_file(&case.path).unwrap();
    assert!(case.look().is_empty());
    case.write(AB);
    assert_eq!(case.look().len(), 2);
}

#[test]
fn an_empty_file_is_given_time() {
    let mut case = Case::new(AB);
    case.write("");
    let hint = Hint {
        writing: false,
        changed: Instant::now(),
    };
    let wait = case.followed.look(hint, &mut case.found).unwrap();
    assert!(wait.is_some_and(|wait| wait <= crate::store::change::EMPTY_PATIENCE));
    case.write(&format!("{AB}{{\"c\":3}}\n"));
    assert_eq!(case.look(), ["{\"c\":3}"]);
}

#[test]
fn a_torn_record_that_nobody_completes_is_told_once() {
    let mut case = Case::new(AB);
    case.append("{\"torn\":");
    case.look();
    assert!(case.found.stalled.is_empty());
    case.followed.stalled.pass();
    case.look();
    case.look();
    assert_eq!(case.found.stalled, [(3, 1)]);
    case.append("1}\n\n{\"to");
    assert_eq!(case.look(), ["{\"torn\":1}"]);
    case.followed.stalled.pass();
    case.look();
    assert_eq!(case.found.stalled, [(3, 1), (5, 1)]);
    case.append("rn\":2}\n");
    case.look();
    case.followed.stalled.pass();
    case.look();
    assert_eq!(case.found.stalled.len(), 2);
}

#[test]
fn a_file_that_came_and_went_between_two_looks_is_read_too() {
    let retention = crate::store::Retention {
        rotate_size: Some(1),
        rotate_every: Duration::ZERO,
        expire: None,
    };
    for first in ["", AB] {
        let mut case = Case::new(first);
        if first.is_empty() {
            fs::remove_file(&case.path).unwrap();
            case.look();
        }
        let (store, address) = (
            Arc::clone(&case.followed.store),
            case.followed.address.clone(),
        );
        case.append_new("{\"c\":3}\n");
        store.rotate(&address, &retention).unwrap();
        case.append_new("{\"d\":4}\n");
        if !first.is_empty() {
            store.rotate(&address, &retention).unwrap();
            case.append_new("{\"e\":5}\n");
        }
        let expected: &[&str] = if first.is_empty() {
            &["{\"c\":3}", "{\"d\":4}"]
        } else {
            &["{\"c\":3}", "{\"d\":4}", "{\"e\":5}"]
        };
        assert_eq!(case.look(), expected);
        case.append("{\"f\":6}\n");
        assert_eq!(case.look(), ["{\"f\":6}"]);
    }
}

#[test]
fn a_missing_file_is_no_news() {
    let mut case = Case::new(AB);
    fs::remove_file(&case.path).unwrap();
    case.look();
    let rewritten = case.found.rewritten;
    case.look();
    case.look();
    assert_eq!(case.found.rewritten, rewritten);
}

#[test]
fn links_are_followed_inside_of_the_folder_only() {
    let mut case = Case::new(AB);
    let folder = case.path.parent().unwrap().to_owned();
    let all = folder.join("YWxs.stream");
    fs::write(&all, AB).unwrap();
    for target in ["YWxs.stream".into(), all.clone()] {
        fs::remove_file(&case.path).unwrap();
        std::os::unix::fs::symlink(&target, &case.path).unwrap();
        assert!(case.look().is_empty(), "the same is there");
        assert_eq!(case.followed.poll(), Some(POLL));
        fs::write(&all, format!("{AB}{{\"c\":3}}\n")).unwrap();
        assert_eq!(case.look(), ["{\"c\":3}"]);
        fs::write(&all, AB).unwrap();
        assert!(case.look().is_empty());
    }
    let outside = TempDir::new().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "{\"secret\":1}").unwrap();
    fs::create_dir(folder.join(".sub")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.join(".sub/out")).unwrap();
    for target in [secret, folder.join(".sub/out/secret"), "../secret".into()] {
        fs::remove_file(&case.path).unwrap();
        std::os::unix::fs::symlink(&target, &case.path).unwrap();
        let hint = Hint {
            writing: false,
            changed: Instant::now(),
        };
        let looked = case.followed.look(hint, &mut case.found);
        let is_missing = !target.is_absolute();
        assert!(is_missing || matches!(looked, Err(ReadError::Link { .. })));
        assert!(case.found.records.is_empty());
    }
}

const OWN: &str = "{\"time\":1,\"own\":1}";

#[test]
fn an_append_of_ours_opens_the_file_once_and_is_read_like_everyones() {
    let mut case = Case::new(AB);
    assert_eq!(case.append_own(OWN), None, "no descriptor is kept");
    assert_eq!(case.append_and_keep(OWN), [OWN]);
    for _ in 0..3 {
        assert_eq!(case.append_own(OWN).unwrap(), [OWN]);
    }
    case.append("{\"c\":3}\n");
    assert_eq!(case.look_at_once(), ["{\"c\":3}"]);
    assert_eq!(case.append_own(OWN).unwrap(), [OWN]);
    let lines = OWN.to_owned() + "\n";
    let text = AB.to_owned() + &lines.repeat(4) + "{\"c\":3}\n" + &lines;
    assert_eq!(fs::read_to_string(&case.path).unwrap(), text);
    assert_eq!(case.followed.position().offset(), text.len() as u64 - 1);
    assert!(case.look_at_once().is_empty());
    assert_eq!(case.found.rewritten, 0);
}

#[test]
fn where_the_file_is_not_what_it_was_an_append_of_ours_opens_it() {
    let touched: &[fn(&Case)] = &[
        |case| case.append("{\"c\":3}\n"),
        |case| case.append("{\"torn\""),
        |case| case.write(AB),
        |case| fs::remove_file(&case.path).unwrap(),
        |case| fs::rename(&case.path, case.path.with_extension("1")).unwrap(),
        |case| fs::hard_link(&case.path, case.path.with_extension("1")).unwrap(),
        |case| {
            let is_read_only = fs::Permissions::from_mode(0o444);
            fs::set_permissions(&case.path, is_read_only).unwrap();
        },
        |case| {
            let copy = case.path.with_extension("1");
            fs::copy(&case.path, &copy).unwrap();
            fs::rename(copy, &case.path).unwrap();
        },
    ];
    for (nth, touch) in touched.iter().enumerate() {
        let mut case = Case::new(AB);
        assert_eq!(case.append_and_keep(OWN), [OWN]);
        touch(&case);
        let before = fs::read(&case.path).ok();
        assert_eq!(case.append_own(OWN), None, "{nth}");
        assert_eq!(fs::read(&case.path).ok(), before, "{nth}");
    }
}

#[test]
fn an_append_of_ours_does_not_glue_to_a_line_without_end() {
    let mut case = Case::new("");
    assert_eq!(case.append_and_keep(OWN), [OWN]);
    case.append("{\"c\":3}");
    assert_eq!(case.look_at_once(), ["{\"c\":3}"]);
    assert_eq!(case.append_own(OWN), None);
    assert_eq!(case.append_and_keep(OWN), [OWN]);
    let text = format!("{OWN}\n{{\"c\":3}}\n{OWN}\n");
    assert_eq!(fs::read_to_string(&case.path).unwrap(), text);
}

#[test]
fn a_record_that_is_too_large_is_not_appended() {
    let mut case = Case::new(AB);
    assert_eq!(case.append_and_keep(OWN), [OWN]);
    let large = format!("{{\"time\":1,\"x\":\"{}\"}}", "x".repeat(1000));
    assert_eq!(case.append_own(&large), None);
}
