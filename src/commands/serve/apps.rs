//! What answers, put together from the settings.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Once};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::listen::is_public;
use crate::auth::password::Passwords;
use crate::config::{self, Access, Common, Serve};
use crate::http::App;
use crate::http::api::Api;
use crate::http::assets::Assets;
use crate::http::control::{Control, Reach};
use crate::http::delivery::{Delivery, Manner};
use crate::http::events::Events;
use crate::http::guard::Guard;
use crate::http::limits::Limits;
use crate::http::origin::{Hosts, Origin};
use crate::http::past::Past;
use crate::http::peer::Proxies;
use crate::http::presence::{Most, Presence};
use crate::http::session::{Cookies, Me, Session};
use crate::http::status::{About, Board, Status};
use crate::http::writer::Writer;
use crate::hub::Hub;
use crate::store::since::unix_now_exact;

/// What proves who somebody is: keys and passwords, read before anything is started.
pub struct Proof {
    guard: Guard,
    passwords: Passwords,
}

impl Proof {
    pub fn read(settings: &Access) -> anyhow::Result<Self> {
        let guard = Guard {
            keys: settings.keys()?.map(Arc::new),
        };
        let services = config::services(|name| std::env::var(name).ok());
        let passwords = Passwords::new(settings.htpasswd.clone(), services)?;
        Ok(Self { guard, passwords })
    }
}

/// What answers on both listeners, and their limits: each has its own, so that the control interface can be reached
/// when the main one is full.
pub struct Apps {
    pub main: Arc<App>,
    pub limits: Arc<Limits>,
    pub control: Option<Arc<Control>>,
    pub control_limits: Arc<Limits>,
    /// What administrators watch; somebody must keep it up to date.
    pub board: Arc<Board>,
}

impl Apps {
    pub fn new(
        common: &Common,
        settings: &Serve,
        hub: &Hub,
        stop: &CancellationToken,
        proof: Proof,
        control: Option<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let manner = Manner {
            heartbeat: settings.heartbeat,
            retry: settings.retry,
            stall: settings.stall_timeout,
        };
        let delivery = Delivery::start(delivering(cores()), manner, stop)?;
        let proxies = Proxies {
            trusted: config::all(&settings.much.trusted_proxy),
        };
        let allowed = settings.much.allowed();
        let limits = || Limits::new(allowed, proxies.clone(), Arc::clone(hub.meter()));
        let (limits, control_limits) = (limits(), limits());
        let most = Most {
            per_user: settings.much.max_per_user,
            per_address: settings.much.max_per_address,
        };
        let presence = Presence::new(most, settings.stall_timeout);
        let control = control.map(|address| {
            let reach = Reach {
                origin: Origin {
                    hosts: control_hosts(address.ip()),
                    allowed_hosts: config::all(&settings.access.allowed_host).into(),
                    ..Origin::default()
                },
                is_public: is_public(address.ip()),
            };
            let (hub, guard) = (hub.clone(), proof.guard.clone());
            Arc::new(Control::new(
                hub,
                guard,
                Arc::clone(&presence),
                Arc::clone(&control_limits),
                stop.clone(),
                reach,
            ))
        });
        let board = Board::new(hub.clone(), Arc::clone(&presence));
        let parts = Parts {
            common,
            settings,
            hub,
            stop,
            proxies,
            presence,
            limits: &limits,
            board: &board,
            delivery,
        };
        let main = Arc::new(parts.app(proof));
        Ok(Self {
            main,
            limits,
            control,
            control_limits,
            board,
        })
    }
}

/// What the application is made of.
struct Parts<'a> {
    common: &'a Common,
    settings: &'a Serve,
    hub: &'a Hub,
    stop: &'a CancellationToken,
    proxies: Proxies,
    presence: Arc<Presence>,
    limits: &'a Arc<Limits>,
    board: &'a Arc<Board>,
    delivery: Arc<Delivery>,
}

impl Parts<'_> {
    fn app(&self, Proof { guard, passwords }: Proof) -> App {
        let access = &self.settings.access;
        let streams = self.hub.store().root().path().to_owned();
        let mut never = self.settings.secret_files();
        never.push(streams.clone());
        let allowed = config::all(&access.allowed_origin);
        let cookies = Cookies {
            tls: self.settings.tls_cert.is_some(),
            cross_site: !allowed.is_empty(),
        };
        let lasts = access.login_time;
        let proxies = self.proxies.clone();
        App {
            origin: Origin {
                hosts: main_hosts(self.settings.open, guard.is_secured()),
                allowed_hosts: config::all(&access.allowed_host).into(),
                allowed: allowed.into(),
                proxies: proxies.clone(),
            },
            session: Session::new(guard.clone(), passwords, lasts, cookies, proxies),
            api: Api {
                hub: self.hub.clone(),
                guard: guard.clone(),
                limits: Arc::clone(self.limits),
                stop: self.stop.clone(),
            },
            events: Events {
                hub: self.hub.clone(),
                guard: guard.clone(),
                presence: Arc::clone(&self.presence),
                proxies: self.proxies.clone(),
                max_channels: self.settings.much.max_channels,
                heartbeat: self.settings.heartbeat,
                retry: self.settings.retry,
                delivery: Arc::clone(&self.delivery),
                stop: self.stop.clone(),
            },
            past: Past {
                store: Arc::clone(self.hub.store()),
                guard: guard.clone(),
                max_channels: self.settings.much.max_channels,
                turns: Arc::new(Semaphore::new(cores())),
            },
            writer: Writer {
                hub: self.hub.clone(),
                guard: guard.clone(),
                limits: Arc::clone(self.limits),
            },
            status: self.status(guard.clone()),
            me: Me {
                guard,
                cli: command_line(&streams),
                max_record: self.common.max_record,
            },
            assets: Assets::new(self.settings.web.clone(), never),
            limits: Arc::clone(self.limits),
            unnamed_proxy: Once::new(),
        }
    }

    fn status(&self, guard: Guard) -> Status {
        let (much, keep) = (&self.settings.much, self.settings.keep.retention());
        let limits = serde_json::json!({
            "connections": much.max_connections,
            "perAddress": much.max_per_address,
            "perUser": much.max_per_user,
            "writes": much.max_writes,
            "maxRecord": self.common.max_record,
            "rotateSize": keep.rotate_size,
            "stall": self.settings.stall_timeout.as_secs_f64(),
        });
        Status {
            guard,
            board: Arc::clone(self.board),
            about: About {
                started: unix_now_exact(),
                limits,
                streams: self.hub.store().root().path().to_owned(),
            },
            retry: self.settings.retry,
            stop: self.stop.clone(),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// How many threads write to clients: half of the cores, as the kernel's work for what they write, and everything else, takes the others.
fn delivering(cores: usize) -> usize {
    cores.div_ceil(2)
}

fn main_hosts(open: bool, is_secured: bool) -> Hosts {
    match (is_secured, open) {
        (true, _) => Hosts::Any,
        (false, true) => Hosts::Private,
        (false, false) => Hosts::Loopback,
    }
}

/// A public control listener asks for a token.
fn control_hosts(address: IpAddr) -> Hosts {
    if is_public(address) {
        Hosts::Any
    } else if address.to_canonical().is_loopback() {
        Hosts::Loopback
    } else {
        Hosts::Private
    }
}

/// How this program is called from any folder, quoted for a shell.
fn command_line(streams: &Path) -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = if Path::new(&program).components().count() > 1 {
        std::env::current_exe().unwrap_or_else(|_| program.into())
    } else {
        program.into()
    };
    format!(
        "{} --streams {}",
        quote(&program.to_string_lossy()),
        quote(&streams.to_string_lossy())
    )
}

fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_no_listener_answers_to_any_name() {
        assert_eq!(main_hosts(false, false), Hosts::Loopback);
        assert_eq!(main_hosts(true, false), Hosts::Private);
        assert_eq!(main_hosts(false, true), Hosts::Any);
        assert_eq!(main_hosts(true, true), Hosts::Any);
        for (address, hosts) in [
            ("127.0.0.1", Hosts::Loopback),
            ("::1", Hosts::Loopback),
            ("::ffff:127.0.0.1", Hosts::Loopback),
            ("192.168.1.5", Hosts::Private),
            ("169.254.1.1", Hosts::Private),
            ("fd00::2", Hosts::Private),
            ("0.0.0.0", Hosts::Any),
            ("203.0.113.9", Hosts::Any),
        ] {
            assert_eq!(control_hosts(address.parse().unwrap()), hosts, "{address}");
        }
    }

    #[test]
    fn quotes_for_a_shell() {
        assert_eq!(quote("/usr/bin/tailcast"), "/usr/bin/tailcast");
        assert_eq!(quote("/home/a b/it's"), r"'/home/a b/it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
