//! Where connections come in, and what is said about it.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, bail};
use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::config::Serve;
use crate::hub::Hub;

/// The listener that systemd hands over (socket activation: no connection is lost between two servers), or one on
/// `--bind`.
pub async fn main(settings: &Serve) -> anyhow::Result<TcpListener> {
    let handed = ListenFd::from_env()
        .take_tcp_listener(0)
        .context("the socket handed over is no TCP listener")?;
    if let Some(listener) = handed {
        let address = listener
            .local_addr()
            .context("the socket handed over has no address")?;
        if !settings.may_listen_on(address.ip()) {
            bail!("{}", needs_open(address));
        }
        listener.set_nonblocking(true)?;
        return Ok(TcpListener::from_std(listener)?);
    }
    bind("--bind", &settings.bind, |address| {
        (!settings.may_listen_on(address.ip())).then(|| needs_open(address))
    })
    .await
}

/// The listener of the control interface, if there is to be one.
pub async fn control(settings: &Serve) -> anyhow::Result<Option<TcpListener>> {
    let Some(at) = &settings.bindctl else {
        return Ok(None);
    };
    let listener = bind("--bindctl", at, |address| {
        let missing = missing_on(settings, address.ip())?;
        Some(format!(
            "--bindctl {address} is a public address, where the control interface needs {missing}, or a loopback or private address"
        ))
    });
    Ok(Some(listener.await?))
}

/// What the control interface needs on a public address, and is not there. All of a container's addresses may well be
/// private ones: there it does without TLS.
fn missing_on(settings: &Serve, address: IpAddr) -> Option<&'static str> {
    if !is_public(address) {
        return None;
    }
    if !settings.access.is_secured() {
        return Some("an administrator's token: give --secret");
    }
    let is_plain = settings.tls_cert.is_none() && !address.is_unspecified();
    is_plain.then_some("TLS, as that token opens everything: give --tls-cert and --tls-key")
}

/// Whether others than this machine and its private network may reach an address.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_private() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

async fn bind(
    option: &str,
    at: &str,
    refused: impl Fn(SocketAddr) -> Option<String>,
) -> anyhow::Result<TcpListener> {
    let wrong = || format!("{option} {at} is no address; give one like 127.0.0.1:8000");
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(at)
        .await
        .with_context(wrong)?
        .collect();
    if let Some(why) = addresses.iter().find_map(|address| refused(*address)) {
        bail!("{why}");
    }
    TcpListener::bind(&*addresses)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
                "{at} is in use by another program; stop it, or choose another port with {option}"
            ),
            _ => anyhow::Error::new(error).context(format!("cannot listen on {at}")),
        })
}

fn needs_open(address: SocketAddr) -> String {
    format!(
        "without a secret everyone who reaches the server may read and write; give --secret, or --open to listen on {address} all the same"
    )
}

/// The first line of output, and the only one: what a person opens, and what a script waits for. The control
/// interface's address, if there is one, stands at its end.
pub fn announce(
    listener: &TcpListener,
    control: Option<&TcpListener>,
    hub: &Hub,
    settings: &Serve,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("cannot ask for the port")?;
    let streams = hub.store().root().path();
    let is_tls = settings.tls_cert.is_some();
    let scheme = |is_tls| if is_tls { "https" } else { "http" };
    let control_at = control.map(TcpListener::local_addr).transpose()?;
    let control = match control_at {
        Some(at) => {
            let scheme = scheme(is_tls && is_public(at.ip()));
            format!(", control on {scheme}://{at}/")
        }
        None => String::new(),
    };
    let scheme = scheme(is_tls);
    let mut out = std::io::stdout();
    // Standard output may be closed, and the server is up all the same.
    let _ = writeln!(
        out,
        "tailcast listens on {scheme}://{address}/ and follows {}{control}",
        streams.display()
    );
    let _ = out.flush();
    let mode = if settings.access.is_secured() {
        "secured mode: only who has a token may read and write"
    } else {
        "open mode: whoever reaches this address may read and write"
    };
    tracing::info!(%address, ?streams, "{mode}");
    if control_at.is_some_and(|at| is_public(at.ip())) && !is_tls {
        tracing::warn!(
            "the control interface speaks no TLS: whoever listens in its network sees the administrator's token; give --tls-cert and --tls-key, or --bindctl an address of this machine"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["0.0.0.0", "192.0.2.1", "172.32.0.1", "::", "2001:db8::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
