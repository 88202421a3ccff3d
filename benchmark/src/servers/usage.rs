//! What a server has used so far, as the kernel accounts it: the process and its children.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Clock ticks of `/proc/PID/stat` in a second: `USER_HZ`, the same on every Linux that Rust's std runs on.
const TICKS: f64 = 100.0;

/// Processor time and memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// In user and kernel mode, in seconds.
    pub cpu: f64,
    /// Memory of its own that no file stands for (`RssAnon`) or that its processes share (`RssShmem`), in bytes.
    pub user_memory: f64,
    /// All that is resident (`VmRSS`), in bytes; what processes share is counted for each.
    pub resident: f64,
    /// The most that was ever resident (`VmHWM`), in bytes.
    pub peak: f64,
}

impl Usage {
    /// Of the load generator, without the servers that it started: only the processor time.
    pub fn of_this_process() -> Result<Self> {
        Ok(Self {
            cpu: cpu(&fs::read_to_string("/proc/self/stat")?)?,
            ..Self::default()
        })
    }

    /// Of a process and its children.
    pub fn of(pid: u32) -> Result<Self> {
        let mut sum = Self::default();
        let mut shared: f64 = 0.0;
        for pid in family(pid)? {
            let folder = format!("/proc/{pid}");
            let folder = Path::new(&folder);
            let status = fs::read_to_string(folder.join("status"))?;
            let field = |name: &str| kilobytes(&status, name) * 1024.0;
            sum.cpu += cpu(&fs::read_to_string(folder.join("stat"))?)?;
            sum.user_memory += field("RssAnon:");
            sum.resident += field("VmRSS:");
            sum.peak += field("VmHWM:");
            shared = shared.max(field("RssShmem:"));
        }
        sum.user_memory += shared;
        Ok(sum)
    }
}

/// The process and all below it.
pub fn family(pid: u32) -> Result<Vec<u32>> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for thread in threads {
            let children = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|it| it.parse::<u32>().ok()),
            );
        }
    }
    Ok(all)
}

fn kilobytes(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|it| it.parse().ok()).unwrap_or(0.0)
}

/// Fields 14 and 15. The name in field 2 may have spaces.
fn cpu(stat: &str) -> Result<f64> {
    let (_, fields) = stat.rsplit_once(')').context("no name in /proc/PID/stat")?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = times.map(|it| it.parse().unwrap_or(0.0)).sum();
    Ok(ticks / TICKS)
}

/// TCP data segments that this machine has sent (`TCPOrigDataSent`): none that are only acknowledgements, none again.
pub fn segments() -> Result<u64> {
    let text = fs::read_to_string("/proc/net/netstat")?;
    counter(&text, "TcpExt:", "TCPOrigDataSent").context("no TCPOrigDataSent in /proc/net/netstat")
}

fn counter(text: &str, kind: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(kind));
    let at = lines.next()?.split_whitespace().position(|it| it == name)?;
    lines.next()?.split_whitespace().nth(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_that_count() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 9 9 20 0";
        assert!((cpu(stat).unwrap() - 2.0).abs() < 1e-9);
        let status = "Name:\tx\nVmRSS:\t  1234 kB\nRssAnon:\t   12 kB\n";
        assert!((kilobytes(status, "RssAnon:") - 12.0).abs() < 1e-9);
        let netstat = "TcpExt: A TCPOrigDataSent\nTcpExt: 1 22\nIpExt: A\nIpExt: 3\n";
        assert_eq!(counter(netstat, "TcpExt:", "TCPOrigDataSent"), Some(22));
        assert!(segments().is_ok());
    }

    #[test]
    fn a_child_is_of_the_family() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let family = family(std::process::id()).unwrap();
        assert!(family.contains(&child.id()));
        assert!(Usage::of(std::process::id()).unwrap().resident > 0.0);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
