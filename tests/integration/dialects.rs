//! The words of older servers, spoken by the programs that speak them: what was written for those works with this one.

mod gosse;
mod php;
mod proxies;
mod simple;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};

use crate::kit::{self, until};

/// The code blocks of a language in a document, each with the heading above it.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<(&'a str, &'a str)> {
    let begin = format!("```{language}\n");
    let mut blocks = Vec::new();
    for section in document.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap();
        for block in section.split(&begin).skip(1) {
            blocks.push((heading, block.split("```").next().unwrap()));
        }
    }
    blocks
}

/// A program that serves at an address of its own until it is dropped.
struct Service {
    address: SocketAddr,
    child: Child,
}

impl Service {
    /// Starts it, and waits until it takes connections. Not all programs can be told to take a free port, and to say
    /// which: `start` is given one, at an address where no other test listens.
    fn start(host: &str, start: impl Fn(SocketAddr) -> Command) -> Self {
        let free = TcpListener::bind((host, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = start(address);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        until("it takes connections", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            TcpStream::connect(address).is_ok()
        });
        Self { address, child }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It ends the processes that it has started.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        kit::wait(&mut self.child);
    }
}
