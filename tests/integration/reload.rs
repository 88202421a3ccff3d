//! `--reload DIR`: each way to change a site reloads browsers once, and nothing else does.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kit::{Follower, Server, folder, run, tailcast};

/// What vim does, in the same file system calls, which is the same everywhere.
const LIKE_VIM: &str =
    "touch 4913; rm 4913; mv index.html index.html~; echo vim > index.html; rm index.html~";

/// A server that watches `site`, and a client of nobody in particular.
struct Watched {
    server: Server,
    client: Follower,
    site: PathBuf,
}

impl Watched {
    fn start(before: &str) -> Self {
        Self::start_with(before, &["--reload", "site"])
    }

    fn start_with(before: &str, args: &[&str]) -> Self {
        let folder = folder();
        let site = folder.path().join("site");
        std::fs::create_dir_all(site.join("css")).unwrap();
        sh(&site, "echo 1 > index.html; echo 1 > css/site.css");
        sh(&site, before);
        let server = Server::start_in(folder, args);
        let client = server.follow("");
        Self {
            server,
            client,
            site,
        }
    }

    /// Runs a shell script in the site.
    fn sh(&self, script: &str) {
        sh(&self.site, script);
    }

    /// The data of the next record.
    #[track_caller]
    fn next(&mut self) -> Value {
        let mut record = self.client.next().json();
        assert_eq!(record["cmd"], "reload", "{record}");
        record["data"].take()
    }

    /// Runs a script and tells which files it changed.
    #[track_caller]
    fn changed_by(&mut self, script: &str) -> Value {
        self.sh(script);
        self.next()
    }

    /// Exchanges the folder by a script, and waits until the one that is there then is watched.
    #[track_caller]
    fn made_anew(&mut self, script: &str) {
        sh(self.server.folder.path(), script);
        self.server.logged(&["watched again"]);
        assert_eq!(self.next()["css"], false);
        self.sh("echo 1 > css/anew.css");
        // What went may have been told of before the new one was there.
        while self.next() != of(&["css/anew.css"], true) {}
    }

    /// A change is the very next record, so nothing came of what was done before. It is told of a second after the
    /// record before, so all of that was seen.
    #[track_caller]
    fn nothing_else_came(&mut self) {
        assert_eq!(
            self.changed_by("echo last > css/site.css"),
            of(&["css/site.css"], true)
        );
    }
}

fn sh(folder: &Path, script: &str) {
    run(Command::new("sh")
        .args(["-euc", script])
        .current_dir(folder));
}

fn of(paths: &[&str], css: bool) -> Value {
    json!({ "paths": paths, "css": css })
}

#[test]
fn every_way_to_save_a_file_reloads_once() {
    let mut site = Watched::start("mkdir -p a; echo 1 > gone.html");
    for (script, paths, css) in [
        ("echo 2 > index.html", &["index.html"][..], false),
        ("echo 2 >> css/site.css", &["css/site.css"], true),
        (LIKE_VIM, &["index.html"], false),
        ("sed -i s/2/3/ css/site.css", &["css/site.css"], true),
        ("perl -pi -e s/3/4/ css/site.css", &["css/site.css"], true),
        ("echo 5 > new; mv new index.html", &["index.html"], false),
        ("ln css/site.css css/b.css", &["css/b.css"], true),
        ("rm gone.html", &["gone.html"], false),
        ("rm css/b.css", &["css/b.css"], false),
        (
            "mv index.html home.html",
            &["home.html", "index.html"],
            false,
        ),
        (
            "echo > css/site.css; echo > home.html",
            &["css/site.css", "home.html"],
            false,
        ),
        ("echo 1 > 'a/ü b.js'", &["a/ü b.js"], false),
    ] {
        assert_eq!(site.changed_by(script), of(paths, css), "{script}");
    }
    site.nothing_else_came();
}

#[test]
fn folders_are_watched_as_they_come() {
    let mut site = Watched::start("mkdir -p ../ready/deep; echo 1 > ../ready/deep/x.js");
    let new = site.changed_by("mkdir -p new/deeper; echo 1 > new/deeper/a.css");
    assert_eq!(new, of(&["new/deeper/a.css"], true));
    let again = site.changed_by("echo 2 > new/deeper/a.css");
    assert_eq!(again, of(&["new/deeper/a.css"], true));
    let moved = site.changed_by("mv ../ready here");
    assert_eq!(moved, of(&["here/deep/x.js"], false));
    let deep = site.changed_by("echo 2 > here/deep/x.js");
    assert_eq!(deep, of(&["here/deep/x.js"], false));
    let renamed = site.changed_by("mv here there");
    assert_eq!(renamed, of(&["here", "there/deep/x.js"], false));
    let deep = site.changed_by("echo 3 > there/deep/x.js");
    assert_eq!(deep, of(&["there/deep/x.js"], false));
    site.changed_by("rm -r there");
    let anew = site.changed_by("mkdir there; echo 1 > there/y.css");
    assert_eq!(anew, of(&["there/y.css"], true));
    let anew = site.changed_by("echo 2 > there/y.css");
    assert_eq!(anew, of(&["there/y.css"], true));
    site.nothing_else_came();
}

#[test]
fn a_burst_is_one_record_or_two() {
    let mut site = Watched::start("");
    // The server sees it all at once, however busy the machine is.
    site.server.freeze(|| {
        for number in 0..200 {
            let folder = site.site.join(number.to_string());
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("a.html"), "1").unwrap();
        }
    });
    let (mut named, mut records) = (0, 0);
    while named < 200 {
        let data = site.next();
        let paths = data["paths"].as_array().unwrap();
        assert!(paths.len() <= 20, "{data}");
        named += paths.len() + usize::try_from(data["more"].as_u64().unwrap_or(0)).unwrap();
        records += 1;
    }
    assert!(named == 200 && records <= 2, "{named} in {records}");
    site.nothing_else_came();
}

#[test]
fn what_no_browser_sees_reloads_nothing() {
    let mut site = Watched::start_with(
        "mkdir -p node_modules/x target/debug .git ../outside; ln -s ../outside link; mkdir streams",
        &["--reload", "site", "--streams", "site/streams"],
    );
    // The server sees at once what came and went, however busy the machine is.
    site.server.freeze(|| {
        site.sh("echo 1 > node_modules/x/y.js; echo 1 > target/debug/x; echo 1 > .git/HEAD; echo 1 > link/x.html");
        site.sh("echo 1 > .index.html.swp; echo 1 > index.html~; touch 4913; rm 4913; echo 1 > '#index.html#'; ln -s x '.#index.html'");
        site.sh("cat index.html css/site.css; ls -R; chmod 640 index.html; mkdir empty; echo 1 > tmp1; rm tmp1");
        site.sh("echo '{\"n\":1}' >> streams/Ym9i.stream; mkdir streams/news; echo '{}' >> streams/news/Ym9i.stream");
    });
    site.nothing_else_came();
    // Nor does the record of a reload, which is written into the site.
    assert!(
        site.server
            .folder
            .path()
            .join("site/streams/YWxs.stream")
            .is_file()
    );
    site.nothing_else_came();
}

#[test]
fn streams_are_no_site_under_any_name() {
    let mut site = Watched::start_with(
        "mkdir ../real; ln -s real ../streams",
        &["--reload", ".", "--streams", "streams"],
    );
    site.sh("echo 1 > css/site.css");
    assert_eq!(site.next(), of(&["site/css/site.css"], true));
    site.sh("echo '{\"n\":1}' >> ../real/Ym9i.stream; echo 2 > css/site.css");
    assert_eq!(site.next(), of(&["site/css/site.css"], true));
}

#[test]
fn the_folder_itself_may_be_made_anew() {
    let mut site = Watched::start("");
    // While somebody stands in it, the system does not say that it went.
    let inside = std::fs::File::open(&site.site).unwrap();
    site.made_anew("rm -r site; mkdir -p site/css");
    drop(inside);
    site.made_anew("rm -r site; mkdir -p site/css");
    site.made_anew("mkdir -p next/css; mv site old; mv next site");
    sh(site.server.folder.path(), "echo 1 > old/x.html");
    site.nothing_else_came();
}

#[test]
fn a_record_is_as_any_other() {
    let mut site = Watched::start_with("", &["--web", "site", "--reload", "site"]);
    site.sh("echo 2 > index.html");
    let event = site.client.next();
    assert_eq!(event.name, None);
    let time = &event.json()["time"];
    assert!(time.is_u64(), "{time}");
    let line = format!(
        "{{\"time\":{time},\"cmd\":\"reload\",\"data\":{{\"paths\":[\"index.html\"],\"css\":false}}}}\n"
    );
    assert_eq!(site.server.stream("all").read(), line);
    assert_eq!(site.server.get("/").body, "2\n");
}

/// The limits of a user namespace of its own, so that nobody else notices.
#[test]
fn where_inotify_has_nothing_left_the_server_runs_and_says_what_helps() {
    for (limit, helps) in [
        // The root of the streams takes one, the site the other.
        (
            "2 > /proc/sys/user/max_inotify_watches",
            "fs.inotify.max_user_watches=",
        ),
        (
            "0 > /proc/sys/user/max_inotify_watches",
            "fs.inotify.max_user_watches=",
        ),
        (
            "0 > /proc/sys/user/max_inotify_instances",
            "fs.inotify.max_user_instances=",
        ),
    ] {
        let server = Server::start_apart(&format!(
            "echo {limit}; mkdir -p site/css; export TAILCAST_RELOAD=site"
        ));
        server.logged(&["WARN", "--reload cannot watch", helps]);
        let mut client = server.follow("");
        if limit.starts_with('2') {
            std::fs::write(server.folder.path().join("site/index.html"), "1").unwrap();
            let reload = client.next().json();
            assert_eq!(reload["data"], of(&["index.html"], false));
        }
        server.stream("all").append("{\"n\":1}");
        assert_eq!(client.data(), "{\"n\":1}");
        let log = server.stop_and_read_log();
        assert!(
            !log.iter()
                .any(|line| line.contains("--reload cannot watch"))
        );
    }
}

#[test]
fn the_server_stops_while_it_watches() {
    let site = Watched::start("");
    site.server.logged(&["reloads browsers", "site"]);
    drop(site.client);
    assert_eq!(site.server.stop().1, Some(0));
}

#[test]
fn a_folder_that_cannot_be_watched_is_an_error() {
    let folder = folder();
    std::fs::create_dir_all(folder.path().join("streams/site")).unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for (reload, says) in [
        ("nowhere", "there is no such folder"),
        ("file", "there is no such folder"),
        ("streams", "here are the streams"),
        ("streams/site", "here are the streams"),
    ] {
        let said = refused(&folder, reload);
        assert!(
            said.contains(&format!("--reload {reload}")) && said.contains(says),
            "{said}"
        );
    }
}

fn refused(folder: &TempDir, reload: &str) -> String {
    let mut serve = tailcast();
    serve.args(["serve", "--bind", "127.0.0.1:0", "--reload", reload]);
    let output = serve.current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}
