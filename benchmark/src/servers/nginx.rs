//! nginx with nchan, in a folder of its own, on a free port, with as many workers as told.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::limits::{BACKLOG, Descriptors};

/// Where Debian has it.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// How long it may take to start.
const START: Duration = Duration::from_secs(10);

/// How often it is asked meanwhile whether it has.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Starts it; returns when it listens.
pub fn start(
    folder: &Path,
    workers: usize,
    descriptors: Descriptors,
) -> Result<(Child, SocketAddr)> {
    // nginx cannot choose a port itself. That another takes this one meanwhile is unlikely enough.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = free.local_addr()?;
    drop(free);
    let configuration = folder.join("nginx.conf");
    fs::write(&configuration, text(address, workers, descriptors))?;
    let mut child = Command::new("nginx")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(&configuration)
        .args(["-e", "error.log"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start nginx; install nginx-light and libnginx-mod-nchan")?;
    let until = Instant::now() + START;
    while TcpStream::connect(address).is_err() {
        if child.try_wait()?.is_some() || Instant::now() > until {
            let _ = child.kill();
            let log = fs::read_to_string(folder.join("error.log")).unwrap_or_default();
            bail!("nginx does not start: {log}");
        }
        std::thread::sleep(ASK_EVERY);
    }
    Ok((child, address))
}

fn text(address: SocketAddr, workers: usize, descriptors: Descriptors) -> String {
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let files = descriptors.count();
    // As many messages are kept as one gets behind here; publishers' connections live as long as the measurement.
    format!(
        "load_module {MODULE};
{user}
daemon off;
worker_processes {workers};
worker_rlimit_nofile {files};
pid nginx.pid;
events {{ worker_connections {files}; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  tcp_nodelay on;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  nchan_shared_memory_size 1024M;
  server {{
    listen {address} backlog={BACKLOG};
    location ~ ^/pub/(.+)$ {{
      nchan_publisher;
      nchan_channel_id $1;
      nchan_message_buffer_length 100;
      nchan_message_timeout 1m;
    }}
    location ~ ^/sub/(.+)$ {{
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"
    )
}
