//! The whole generator against servers that do it right, and wrong.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::source::{Pace, Pick, Source};
use super::*;
use crate::message;

/// Messages of a test.
const COUNT: usize = 5;

fn head(stream: &mut impl BufRead) {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0);
    }
}

/// A server with one publisher and one follower, which passes the messages on in this order once it has all.
fn server(order: Vec<usize>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        let accept = || listener.accept().unwrap().0;
        let (mut publisher, mut follower) = (BufReader::new(accept()), BufReader::new(accept()));
        head(&mut follower);
        let say =
            |to: &mut BufReader<TcpStream>, text: &[u8]| to.get_mut().write_all(text).unwrap();
        say(
            &mut follower,
            b"HTTP/1.1 200 OK\r\n\r\nevent: ready\ndata: {}\n\n",
        );
        let mut bodies = vec![[0; message::LEN]; COUNT];
        for body in &mut bodies {
            head(&mut publisher);
            publisher.read_exact(body).unwrap();
            say(&mut publisher, b"HTTP/1.1 204 No Content\r\n\r\n");
        }
        for at in order {
            say(
                &mut follower,
                &[b"data: ", &bodies[at][..], b"\nid: x\n\n"].concat(),
            );
        }
        // Until the generator goes.
        let _ = follower.read(&mut [0]);
    };
    (address, std::thread::spawn(serve))
}

fn faults(order: &[usize]) -> (Faults, u64) {
    let (address, server) = server(order.to_vec());
    let before = format!(
        "POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
        message::LEN
    );
    let envelope = Envelope {
        before: before.into_bytes(),
        after: b"",
    };
    let mut load = Load::new(address, 1, Road::Post(vec![envelope]), 1).unwrap();
    // How long it waits for what does not come.
    load.patience = Duration::from_millis(300);
    load.connect([(0, b"GET / HTTP/1.1\r\n\r\n".to_vec())], 1)
        .unwrap();
    let window = Pace::Window(COUNT as u64);
    let source = Source::new(0..1, Pick::InTurn, window, Some(COUNT as u64)).unwrap();
    let mut sources = [source];
    load.run(&mut sources).unwrap();
    let faults = load.faults();
    drop(load);
    server.join().unwrap();
    (faults, sources[0].deliveries)
}

#[test]
fn what_is_right_has_no_faults() {
    assert_eq!(faults(&[0, 1, 2, 3, 4]), (Faults::default(), 5));
}

#[test]
fn a_server_that_loses_doubles_and_reorders_is_found_out() {
    let (found, deliveries) = faults(&[1, 0, 0, 4]);
    let expected = Faults {
        missing: 2,
        doubled: 1,
        misordered: 1,
        broken: 0,
    };
    assert_eq!((found, deliveries), (expected, 3));
}
