//! A file that is no longer at its path, while writers that opened it there may still append to it.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use tokio::time::Instant;

use super::{Followed, News, stands};
use crate::address::Address;
use crate::store::change::Known;
use crate::store::path::Root;
use crate::store::read::{Item, Scanner, Stamp};

/// For how long: whoever rotates files tells their writers to open them anew at once, and a writer that
/// opens its file for each record is done sooner.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file that was moved away or deleted, read to its end.
#[derive(Debug)]
pub struct Late {
    file: File,
    scanner: Scanner,
    /// What was consumed of it.
    known: Known,
    /// Whether it is the stream's rotated file, which those who come back read before the new one.
    is_rotated: bool,
    since: Instant,
}

impl Late {
    /// `scanner` stands behind all that was consumed.
    pub fn new(file: File, scanner: Scanner, known: Known, is_rotated: bool) -> Self {
        Self {
            file,
            scanner,
            known,
            is_rotated,
            since: Instant::now(),
        }
    }
}

impl Late {
    /// Whether this is the same file.
    pub fn is(&self, file: &File) -> bool {
        let id = |file: &File| file.metadata().map(|it| Stamp::of(&it).id);
        matches!((id(&self.file), id(file)), (Ok(one), Ok(other)) if one == other)
    }

    /// What was consumed of it.
    pub fn known(self) -> Known {
        self.known
    }
}

/// Whether a file that is no longer at this stream's path is another's stream now, whose records are not for
/// those who follow this one.
pub fn is_anothers(file: &File, root: &Root, address: &Address) -> bool {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let (Ok(path), Ok(top)) = (std::fs::read_link(link), std::fs::canonicalize(root.path())) else {
        return false;
    };
    let now = Root::new(top).address(&path);
    now.is_some_and(|now| now != *address)
}

impl Followed {
    /// Delivers what late writers appended to the file that was at the path before.
    pub(super) fn drain(&mut self, news: &mut dyn News) -> io::Result<()> {
        let Some(mut late) = self.late.take() else {
            return Ok(());
        };
        if is_anothers(&late.file, self.store.root(), &self.address) {
            return Ok(());
        }
        if self.replaced && !late.is_rotated {
            // What is at the path now is not decided on: this is still the stream.
            if !stands(self.last, &late.file)? {
                return Ok(());
            }
            self.consume(&late.file, &mut late.scanner, news)?;
            late.known = self.known.clone();
        } else {
            self.deliver_late(&mut late, news)?;
        }
        late.scanner.rest();
        if late.since.elapsed() < PATIENCE {
            self.late = Some(late);
        }
        Ok(())
    }

    /// Its records come before those of the file at the path, some of which may be delivered already.
    fn deliver_late(&mut self, late: &mut Late, news: &mut dyn News) -> io::Result<()> {
        let mut is_first = true;
        late.scanner.each(&late.file, |item| {
            if let Item::Record { record, end, .. } = item {
                if std::mem::take(&mut is_first) {
                    news.rewritten(true);
                }
                // Who comes back to the beginning of the new file must not read this one again.
                if late.is_rotated && self.position.offset() == 0 {
                    self.base = self.base.after(record.key(), end).at_next_file();
                    self.position = self.base;
                }
                late.known.push(record.key());
                news.record(&record, self.position);
            }
            ControlFlow::Continue(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::time::Duration;

    use super::super::tests::Case;
    use crate::store::{From, Resumed, Retention};

    const A: &str = "{\"a\":1}\n";

    /// What a client gets that comes back with the position of the last thing that was found.
    fn rest(case: &Case) -> Vec<String> {
        let (store, address) = (&case.followed.store, &case.followed.address);
        let from = From::Position(case.found_at);
        let Resumed::Here(mut history) = store.history(address, from).unwrap() else {
            panic!("gone");
        };
        let mut found = Vec::new();
        history
            .each(|record, _| {
                found.push(record.json.to_owned());
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        found
    }

    #[test]
    fn a_late_record_of_a_moved_file_is_delivered_beside_the_new_ones() {
        let mut case = Case::new(A);
        let mut late = case.open();
        fs::rename(&case.path, case.path.with_extension("1")).unwrap();
        case.write("{\"new\":1}\n");
        assert_eq!(case.look(), ["{\"new\":1}"]);
        late.write_all(b"{\"late\":1}\n{\"la").unwrap();
        case.append("{\"new\":2}\n");
        assert_eq!(case.look(), ["{\"late\":1}", "{\"new\":2}"]);
        assert!(rest(&case).is_empty());
        late.write_all(b"te\":2}\n").unwrap();
        assert_eq!(case.look(), ["{\"late\":2}"]);
        assert!(rest(&case).is_empty());
        case.append("{\"new\":3}\n");
        assert_eq!(rest(&case), ["{\"new\":3}"]);
    }

    #[test]
    fn a_late_record_of_the_rotated_file_is_not_delivered_again_to_who_comes_back() {
        let mut case = Case::new(A);
        let mut late = case.open();
        let retention = Retention {
            rotate_size: Some(1),
            rotate_every: Duration::ZERO,
            expire: None,
        };
        let (store, address) = (&case.followed.store, &case.followed.address);
        assert!(store.rotate(address, &retention).unwrap());
        assert!(case.look().is_empty());
        late.write_all(b"{\"late\":1}\n").unwrap();
        assert_eq!(case.look(), ["{\"late\":1}"]);
        assert!(rest(&case).is_empty());
        case.append("{\"new\":1}\n");
        assert_eq!(rest(&case), ["{\"new\":1}"]);
        assert_eq!(case.look(), ["{\"new\":1}"]);
        late.write_all(b"{\"late\":2}\n").unwrap();
        assert_eq!(case.look(), ["{\"late\":2}"]);
        assert!(rest(&case).is_empty());
    }

    #[test]
    fn a_file_that_was_moved_and_copied_back_is_no_news() {
        let mut case = Case::new(A);
        let mut late = case.open();
        let backup = case.path.with_extension("bak");
        fs::rename(&case.path, &backup).unwrap();
        assert!(case.look_at_once().is_empty());
        late.write_all(b"{\"late\":1}\n").unwrap();
        assert_eq!(case.look_at_once(), ["{\"late\":1}"]);
        fs::copy(&backup, &case.path).unwrap();
        assert!(case.look().is_empty());
    }

    #[test]
    fn a_file_that_was_touched_and_moved_is_heard() {
        let mut case = Case::new(A);
        let mut late = case.open();
        let later = std::time::SystemTime::now() + Duration::from_secs(1);
        late.set_modified(later).unwrap();
        fs::rename(&case.path, case.path.with_extension("1")).unwrap();
        assert!(case.look_at_once().is_empty());
        late.write_all(b"{\"late\":1}\n").unwrap();
        assert_eq!(case.look_at_once(), ["{\"late\":1}"]);
    }

    #[test]
    fn a_file_that_became_anothers_stream_is_not_read_any_more() {
        let mut case = Case::new(A);
        let mut bobs = case.open();
        fs::rename(&case.path, case.path.with_file_name("Ym9i.stream")).unwrap();
        bobs.write_all(b"{\"for\":\"bob\"}\n").unwrap();
        assert!(case.look_at_once().is_empty());
        bobs.write_all(b"{\"for\":\"bob\"}\n").unwrap();
        assert!(case.look().is_empty());
    }

    #[test]
    fn a_file_that_comes_back_is_read_once() {
        for at_once in [true, false] {
            let mut case = Case::new(A);
            let aside = case.path.with_extension("aside");
            fs::rename(&case.path, &aside).unwrap();
            if !at_once {
                assert!(case.look().is_empty());
            }
            let mut file = fs::OpenOptions::new().append(true).open(&aside).unwrap();
            file.write_all(b"{\"n\":1}\n").unwrap();
            assert_eq!(case.look_at_once(), ["{\"n\":1}"]);
            fs::rename(&aside, &case.path).unwrap();
            file.write_all(b"{\"m\":1}\n").unwrap();
            assert_eq!(case.look(), ["{\"m\":1}"]);
            case.append("{\"o\":1}\n");
            assert_eq!(case.look(), ["{\"o\":1}"]);
        }
    }
}
