//! Passwords: an htpasswd file with bcrypt, and the service accounts of the environment.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;

use crate::address::{NameError, User};

/// bcrypt's cost for new passwords: about a quarter of a second.
const COST: u32 = 12;

/// bcrypt looks at no more of a password, in bytes.
pub const MAX_PASSWORD: usize = 72;

/// Compared where the name is unknown, so that an answer takes as long as for a known one.
const NOBODY: &str = "$2y$12$ZA6L41EpG8jVzpR54TgtbePhOfl4DhOpJ.s0PE03CB5jVPr8DHh2e";

/// What a login may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// Follow streams.
    pub client: bool,
    /// Publish to anyone.
    pub broadcaster: bool,
    /// Administer the server.
    pub admin: bool,
}

/// An account of the environment, which programs use; it may choose its id.
#[derive(Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its password, in the clear.
    pub password: String,
    /// What it may do.
    pub roles: Roles,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({:?}, {:?})", self.name, self.roles)
    }
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// A person: follows its own stream.
    Person(User),
    /// A service account, and what it may do.
    Service(String, Roles),
}

/// Why the password file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It cannot be read or written.
    #[error("cannot use the password file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not `NAME:HASH` with bcrypt.
    #[error("{}:{line}: not NAME:HASH with a hash by bcrypt; write it with: tailcast passwd NAME", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// Not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// `all`, or a name that the file's format has no room for.
    #[error("a person's name is not all, and has no colon and no # at its beginning")]
    NoPerson,
    /// Too short or too long.
    #[error("a password has 8 to {MAX_PASSWORD} bytes")]
    Length,
    /// bcrypt failed.
    #[error("cannot hash the password")]
    Hash(#[from] bcrypt::BcryptError),
}

/// Everyone who may log in.
#[derive(Debug, Default)]
pub struct Passwords {
    file: Option<PathBuf>,
    services: Vec<Service>,
}

impl Passwords {
    /// With a password file, or none, and these service accounts. The file is read now, to find its faults, and
    /// again at each login.
    pub fn new(file: Option<PathBuf>, services: Vec<Service>) -> Result<Self, PasswordError> {
        if let Some(path) = &file {
            read(path)?;
        }
        Ok(Self { file, services })
    }

    /// Whether nobody can log in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.file.is_none() && self.services.is_empty()
    }

    /// The service account of this name and password.
    #[must_use]
    pub fn service(&self, name: &str, password: &str) -> Option<Account> {
        let mut service = None;
        for it in &self.services {
            let same = it.name.as_bytes().ct_eq(name.as_bytes())
                & it.password.as_bytes().ct_eq(password.as_bytes());
            if same.into() {
                service = Some(Account::Service(it.name.clone(), it.roles));
            }
        }
        service
    }

    /// Whether there is a file of people to look into.
    #[must_use]
    pub fn knows_people(&self) -> bool {
        self.file.is_some()
    }

    /// The person of this name and password; `None` if nobody. Takes about a quarter of a second, for known and
    /// unknown names alike; call it off the event loop.
    pub fn person(&self, name: &str, password: &str) -> Result<Option<Account>, PasswordError> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        let people = read(path)?;
        let nobody = nobody_like(people.values());
        let hash = people.get(name).unwrap_or(&nobody);
        let is_right = password.len() <= MAX_PASSWORD && bcrypt::verify(password, hash)?;
        if !is_right || !people.contains_key(name) {
            return Ok(None);
        }
        Ok(Some(Account::Person(person(name)?)))
    }
}

/// Sets a person's password in a file, which is made if it is missing: readable by its owner alone, and replaced
/// as a whole.
pub fn set(path: &Path, name: &str, password: &str) -> Result<(), PasswordError> {
    let name = person(name)?;
    if !(8..=MAX_PASSWORD).contains(&password.len()) {
        return Err(PasswordError::Length);
    }
    let file = |source| PasswordError::File {
        path: path.to_owned(),
        source,
    };
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.map_err(file)?,
    };
    let hash = bcrypt::hash_with_result(password, COST)?.format_for_version(bcrypt::Version::TwoY);
    let own = format!("{name}:");
    let others = text.lines().filter(|line| !line.starts_with(&own));
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    lines.push(own + &hash);
    replace(path, &(lines.join("\n") + "\n")).map_err(file)
}

/// A file that is there keeps its owner and mode, and a link to it stays one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let before = std::fs::metadata(&path).ok();
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let name = path.with_file_name(name);
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&name);
    let written = made
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            if let Some(before) = before {
                // Only root can give files away; for others the owner is the same anyway.
                let _ = fchown(&file, Some(before.uid()), Some(before.gid()));
                file.set_permissions(before.permissions())?;
            }
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&name, &path));
    if written.is_err() {
        let _ = std::fs::remove_file(&name);
    }
    written
}

fn person(name: &str) -> Result<User, PasswordError> {
    let user = User::new(name)?;
    if user.is_everyone() || name.contains(':') || name.starts_with('#') {
        return Err(PasswordError::NoPerson);
    }
    Ok(user)
}

/// Names and their hashes. Apache's own `htpasswd -B` writes the same.
fn read(path: &Path) -> Result<HashMap<String, String>, PasswordError> {
    let text = std::fs::read_to_string(path).map_err(|source| PasswordError::File {
        path: path.to_owned(),
        source,
    })?;
    let mut people = HashMap::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let entry = text
            .split_once(':')
            .map(|(name, hash)| (name, hash.trim()))
            .filter(|(name, hash)| person(name).is_ok() && is_bcrypt(hash));
        let (name, hash) = entry.ok_or(PasswordError::Line {
            path: path.to_owned(),
            line,
        })?;
        people.insert(name.to_owned(), hash.to_owned());
    }
    Ok(people)
}

/// A hash that nobody has, of the highest cost among these.
fn nobody_like<'a>(hashes: impl Iterator<Item = &'a String>) -> String {
    let cost = |hash: &'a String| hash.get(4..6);
    let highest = hashes.filter_map(cost).max();
    let mut nobody = NOBODY.to_owned();
    if let Some(cost) = highest {
        nobody.replace_range(4..6, cost);
    }
    nobody
}

fn is_bcrypt(hash: &str) -> bool {
    ["$2y$", "$2b$", "$2a$", "$2x$"]
        .iter()
        .any(|prefix| hash.starts_with(prefix))
        && hash.len() == 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_log_in_with_what_was_set_and_apaches_hashes_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("htpasswd");
        set(&path, "ann", "first password").unwrap();
        set(&path, "bob", "bob's password").unwrap();
        set(&path, "ann", "second password").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("ann:$2y$12$").count(), 1);
        assert_eq!(text.lines().count(), 2);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let passwords = Passwords::new(Some(path), Vec::new()).unwrap();
        let login = |name, password| passwords.person(name, password).unwrap();
        let ann = Account::Person(User::new("ann").unwrap());
        assert_eq!(login("ann", "second password"), Some(ann));
        assert_eq!(login("ann", "first password"), None);
        assert_eq!(login("bob", "second password"), None);
        assert_eq!(login("nobody", "second password"), None);
        assert_eq!(login("", ""), None);
        assert_eq!(login("ann", &"x".repeat(10_000)), None);
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("htpasswd"), folder.path().join("link"));
        set(&path, "ann", "first password").unwrap();
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&path, mode).unwrap();
        std::os::unix::fs::symlink("htpasswd", &link).unwrap();
        set(&link, "bob", "bob's password").unwrap();
        assert!(link.is_symlink());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("ann:") && text.contains("bob:"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn nobody_has_a_hash_that_takes_as_long_as_any() {
        assert!(is_bcrypt(NOBODY) && NOBODY.contains(&format!("${COST}$")));
        assert!(!bcrypt::verify("", NOBODY).unwrap());
        let of_cost = |cost: &str| NOBODY.replace("$12$", &format!("${cost}$"));
        assert_eq!(nobody_like(std::iter::empty()), NOBODY);
        let file = [of_cost("05"), of_cost("08"), of_cost("06")];
        assert_eq!(nobody_like(file.iter()), of_cost("08"));
    }

    #[test]
    fn services_have_their_roles() {
        let roles = Roles {
            client: true,
            ..Roles::default()
        };
        let service = Service {
            name: "app".to_owned(),
            password: "p".to_owned(),
            roles,
        };
        assert!(!format!("{service:?}").contains("\"p\""));
        let passwords = Passwords::new(None, vec![service]).unwrap();
        let app = Account::Service("app".to_owned(), roles);
        assert_eq!(passwords.service("app", "p"), Some(app));
        assert_eq!(passwords.service("app", "q"), None);
        assert_eq!(passwords.service("ap", "p"), None);
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("htpasswd");
        std::fs::write(&path, "# people\n\nann:plain\n").unwrap();
        let error = Passwords::new(Some(path.clone()), Vec::new()).unwrap_err();
        assert!(matches!(error, PasswordError::Line { line: 3, .. }));
        for name in ["all", "a:b", "#a", ""] {
            assert!(set(&path, name, "long enough").is_err(), "{name}");
        }
        assert!(matches!(
            set(&path, "ann", "short"),
            Err(PasswordError::Length)
        ));
        let missing = folder.path().join("missing");
        assert!(Passwords::new(Some(missing), Vec::new()).is_err());
    }
}
