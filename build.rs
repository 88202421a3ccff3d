//! Gathers what the binary embeds: our own web, js and sounds folders, and the files of other projects
//! that `web/vendor.json` names, which npm fetches as `web/package-lock.json` pins them.
//!
//! Everything is put below `OUT_DIR`; the source tree is not written to.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;

/// One file of an npm package, and where it stands below `/js/vendor/`.
#[derive(Deserialize)]
struct Vendored {
    from: String,
    to: String,
}

/// Modules of the client that pages name, and those that it loads when they are needed. Each becomes one small file with
/// what it imports: a page waits for few round trips, and not for one per import. Their names stay, for a page that is open
/// while the server becomes a newer one loads the rest from that.
const CLIENT: [&str; 8] = [
    "sse.js",
    "tailcast.js",
    "inbox.js",
    "badge.js",
    "toast/toaster.js",
    "toast/desktop.js",
    "toast/allowed-func.js",
    "inbox/missed.js",
];

/// Its style sheets.
const SHEETS: [&str; 3] = ["badge.css", "inbox/inbox.css", "toast/toast.css"];

/// What npm needs to fetch the packages.
const NPM_FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// What the server hands out of our own folders.
const SERVED: [&str; 7] = ["html", "css", "js", "svg", "png", "wav", "txt"];

/// What compresses well.
const PACKED: [&str; 7] = ["html", "css", "js", "svg", "map", "json", "txt"];

/// Less fits into one packet anyway, in bytes.
const WORTH_PACKING: usize = 1024;

fn main() {
    if let Err(error) = gather() {
        println!("cargo::error={error}");
        std::process::exit(1);
    }
}

fn gather() -> Result<(), Box<dyn Error>> {
    let source = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let assets = out.join("assets");
    if assets.exists() {
        fs::remove_dir_all(&assets)?;
    }
    for (from, to) in [("web", ""), ("js", "js"), ("sounds", "sounds")] {
        copy_served(&source.join(from), &assets.join(to))?;
        println!("cargo::rerun-if-changed={from}");
    }
    let modules = fetch_modules(&source.join("web"), &out.join("npm"))?;
    bundle(&source.join("js"), &assets.join("js"), &modules)?;
    let list = fs::read_to_string(source.join("web/vendor.json"))?;
    for file in serde_json::from_str::<Vec<Vendored>>(&list)? {
        let to = assets.join("js/vendor").join(&file.to);
        fs::create_dir_all(to.parent().ok_or("a vendored file without a folder")?)?;
        fs::copy(modules.join(&file.from), &to)
            .map_err(|error| format!("web/vendor.json names {}: {error}", file.from))?;
    }
    pack(&assets)
}

/// Puts a compressed form beside each text that is not tiny, for clients that take gzip.
fn pack(folder: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            pack(&path)?;
            continue;
        }
        let is_text = path
            .extension()
            .is_some_and(|it| PACKED.iter().any(|packed| it == *packed));
        let text = fs::read(&path)?;
        if is_text && text.len() >= WORTH_PACKING {
            let to = fs::File::create(format!("{}.gz", path.display()))?;
            let mut gzip = GzEncoder::new(to, Compression::best());
            gzip.write_all(&text)?;
            gzip.finish()?;
        }
    }
    Ok(())
}

fn copy_served(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if path.is_dir() && name != "node_modules" {
            copy_served(&path, &to.join(name))?;
        } else if path
            .extension()
            .is_some_and(|it| SERVED.iter().any(|served| it == *served))
        {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// Puts the client's modules and sheets together, minified, with source maps.
fn bundle(from: &Path, to: &Path, modules: &Path) -> Result<(), Box<dyn Error>> {
    let options = [
        "--minify",
        "--sourcemap=external",
        "--target=es2022",
        "--log-level=error",
        "--allow-overwrite",
    ];
    let modular = [
        "--bundle",
        "--splitting",
        "--format=esm",
        "--chunk-names=[name]-[hash]",
    ];
    for (files, more) in [(&CLIENT[..], &modular[..]), (&SHEETS[..], &[])] {
        let output = Command::new(modules.join(".bin/esbuild"))
            .current_dir(from)
            .args(files)
            .args(options)
            .args(more)
            .arg(format!("--outdir={}", to.display()))
            .arg("--outbase=.")
            .output()
            .map_err(|error| format!("esbuild cannot be run: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("esbuild failed: {said}").into());
        }
    }
    Ok(())
}

/// Fetches the packages unless those of this very lock file are there, and returns their folder.
fn fetch_modules(from: &Path, to: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let modules = to.join("node_modules");
    let lock = fs::read(from.join("package-lock.json"))?;
    let fetched = to.join("fetched-lock.json");
    if modules.is_dir() && fs::read(&fetched).is_ok_and(|of| of == lock) {
        return Ok(modules);
    }
    fs::create_dir_all(to)?;
    for name in NPM_FILES {
        fs::copy(from.join(name), to.join(name))?;
    }
    let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let output = Command::new("npm").args(npm).current_dir(to).output().map_err(|error| {
        format!("npm cannot be run ({error}); it fetches the toast library and the icon font. Install Node.js with npm (Debian: apt install npm) and build again")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|line| line.contains("error")).collect();
        return Err(format!("npm ci failed in a copy of web/: {}", said.join("; ")).into());
    }
    fs::write(&fetched, lock)?;
    Ok(modules)
}
