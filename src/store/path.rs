//! Where a stream's file is: the one owner of `streams/[CHANNEL/]USER.stream`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::address::{Address, Channel, User};

/// How every stream file's name ends.
const SUFFIX: &str = ".stream";

/// What stands in a channel's folder name as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'@');

/// The folder that holds all streams.
#[derive(Debug, Clone)]
pub struct Root(PathBuf);

impl Root {
    /// The folder itself is not touched.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder that holds all streams.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where rotated streams are, each under its own name. A leading dot hides it from all that reads streams.
    #[must_use]
    pub fn old(&self) -> Self {
        Self(self.0.join(".old"))
    }

    /// The folder of a channel; `None` is the default channel, whose streams stand in the root.
    #[must_use]
    pub fn folder(&self, channel: Option<&Channel>) -> PathBuf {
        channel.map_or_else(
            || self.0.clone(),
            |channel| self.0.join(folder_name(channel)),
        )
    }

    /// The stream's file.
    #[must_use]
    pub fn file(&self, address: &Address) -> PathBuf {
        self.folder(address.channel.as_ref())
            .join(file_name(&address.user))
    }

    /// The stream whose file this is; `None` for every other path. A path outside of the root, or one
    /// that [`Root::file`] would never make, is no stream.
    #[must_use]
    pub fn address(&self, path: &Path) -> Option<Address> {
        let user = user_of(path.file_name()?)?;
        let channel = match self.channel(path.parent()?)? {
            Folder::Default => None,
            Folder::Named(channel) => Some(channel),
        };
        Some(Address::new(user, channel))
    }

    /// The channel whose folder this is.
    #[must_use]
    pub fn channel(&self, path: &Path) -> Option<Folder> {
        if path == self.0 {
            return Some(Folder::Default);
        }
        let name = (path.parent() == Some(&*self.0)).then(|| path.file_name())??;
        channel_of(name).map(Folder::Named)
    }
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folder {
    /// The root: streams of the default channel, and channel folders.
    Default,
    /// The streams of a channel.
    Named(Channel),
}

fn file_name(user: &User) -> String {
    BASE64.encode(user.as_str()).replace('/', "_") + SUFFIX
}

fn user_of(name: &OsStr) -> Option<User> {
    let encoded = name.to_str()?.strip_suffix(SUFFIX)?.replace('_', "/");
    let user = User::new(std::str::from_utf8(&BASE64.decode(encoded).ok()?).ok()?).ok()?;
    // One stream, one file: other spellings of the same name are not streams.
    (name == file_name(&user).as_str()).then_some(user)
}

fn folder_name(channel: &Channel) -> String {
    let name = utf8_percent_encode(channel.as_str(), PLAIN).to_string();
    // A leading dot would hide the folder; a stream's suffix would give a stream and a folder one name.
    let name = name
        .strip_prefix('.')
        .map_or(name.clone(), |rest| format!("%2E{rest}"));
    name.strip_suffix(SUFFIX)
        .map_or(name.clone(), |rest| format!("{rest}%2Estream"))
}

fn channel_of(name: &OsStr) -> Option<Channel> {
    let name = name.to_str()?;
    let decoded = percent_decode_str(name).decode_utf8().ok()?;
    let channel = Channel::new(&decoded).ok()?;
    (name == folder_name(&channel)).then_some(channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(user: &str, channel: &str) -> Address {
        Address::new(
            User::new(user).unwrap(),
            Channel::optional(channel).unwrap(),
        )
    }

    #[test]
    fn exact_names() {
        let root = Root::new("streams".into());
        let file = |user, channel| root.file(&address(user, channel)).display().to_string();
        assert_eq!(file("all", ""), "streams/YWxs.stream");
        assert_eq!(file("мойшэ", ""), "streams/0LzQvtC50YjRjQ==.stream");
        assert_eq!(file("???", ""), "streams/Pz8_.stream");
        assert_eq!(file("ann", "news"), "streams/news/YW5u.stream");
        assert_eq!(file("ann", "a/b"), "streams/a%2Fb/YW5u.stream");
        assert_eq!(file("ann", ".."), "streams/%2E./YW5u.stream");
        assert_eq!(
            file("ann", "YWxs.stream"),
            "streams/YWxs%2Estream/YW5u.stream"
        );
    }

    #[test]
    fn every_other_name_is_no_stream() {
        let root = Root::new("streams".into());
        for name in [
            ".YW5u.stream.swp",
            "YW5u.stream~",
            "4913",
            ".#YW5u.stream",
            "YW5u.stream.1",
            "YW5u",
            ".YW5u.stream.x1Y2z3",
            "YW5u=.stream",
            "YW5.stream",
            "YW5v.stream/x",
            ".stream",
            "a/b/YW5u.stream",
            "%6eews/YW5u.stream",
            ".old/YW5u.stream",
            "../YW5u.stream",
            "gA==.stream",
        ] {
            assert_eq!(root.address(&root.path().join(name)), None, "{name}");
        }
        assert_eq!(root.address(Path::new("elsewhere/YW5u.stream")), None);
    }

    proptest::proptest! {
        #[test]
        fn every_name_comes_back_and_fits(user in "\\PC{1,45}", channel in "\\PC{0,20}") {
            let root = Root::new("/s".into());
            let address = address(&user, &channel);
            let file = root.file(&address);
            proptest::prop_assert_eq!(root.address(&file), Some(address));
            for part in file.components() {
                proptest::prop_assert!(part.as_os_str().len() <= 255);
            }
        }
    }
}
