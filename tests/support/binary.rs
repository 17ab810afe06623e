//! The binary as a child process in its own folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::services_with_address;

/// The longest that a start or an orderly stop may take.
pub const DEADLINE: Duration = Duration::from_secs(10);
pub const ALL: &[&str] = &["UserService", "ProductService", "OrderService", "PaymentService"];

/// The folder of processes: their working directory, with the database.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::with_prefix("pasar-").unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("pasar.db")
    }

    /// `pasar` with these arguments, on free ports, without our environment.
    pub fn pasar(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pasar"));
        command.args(args).current_dir(self.path()).env_clear().env("RUST_LOG", "warn");
        command.env("DATABASE_URL", url(&self.database()));
        for service in services_with_address() {
            command.env(service.addr_variable(), "127.0.0.1:0");
        }
        command
    }

    /// Starts all services.
    pub fn start(&self) -> Pasar {
        Pasar::start(&mut self.pasar(&[]), ALL)
    }
}

pub fn url(database: &Path) -> String {
    format!("sqlite:{}", database.display())
}

/// A running process. It is killed on drop unless it was stopped.
pub struct Pasar {
    child: Child,
    addresses: BTreeMap<String, SocketAddr>,
    /// Its standard output, line by line.
    printed: Receiver<String>,
    /// The standard output that was read so far.
    read: String,
    log: TempDir,
}

impl Pasar {
    /// Starts `command` and waits until it has printed the addresses of `services`, one a line.
    #[track_caller]
    pub fn start(command: &mut Command, services: &[&str]) -> Self {
        Self::spawn(command).ready(services)
    }

    /// Starts `command` without waiting.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Self {
        let log = TempDir::with_prefix("pasar-log-").unwrap();
        let stderr = File::create(log.path().join("stderr")).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let (sender, printed) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines() {
                // The receiver is gone once the test is over.
                let _ = sender.send(line.unwrap());
            }
        });
        Self { child, addresses: BTreeMap::new(), printed, read: String::new(), log }
    }

    #[track_caller]
    pub fn ready(mut self, services: &[&str]) -> Self {
        for service in services {
            let line = self.printed.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|error| panic!("no line for {service}: {error}; {}", self.log()));
            self.read += &line;
            let words: Vec<_> = line.split_whitespace().collect();
            let [name, url, "curl", ..] = words[..] else { panic!("not the line of a service: {line}") };
            let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
            assert_eq!(name, *service);
            self.addresses.insert(name.to_owned(), address.unwrap_or_else(|| panic!("no address: {line}")));
        }
        self
    }

    pub fn user(&self) -> SocketAddr {
        self.addresses["UserService"]
    }

    pub fn product(&self) -> SocketAddr {
        self.addresses["ProductService"]
    }

    pub fn order(&self) -> SocketAddr {
        self.addresses["OrderService"]
    }

    pub fn payment(&self) -> SocketAddr {
        self.addresses["PaymentService"]
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path().join("stderr")).unwrap()
    }

    /// Sends a signal, `TERM` or `INT`.
    pub fn signal(&self, name: &str) {
        // The shell has its own `kill`, even where that program is missing.
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success(), "SIG{name} could not be sent");
    }

    /// Stops it with a signal. It must end in time with exit code 0, without more output or a panic.
    #[track_caller]
    pub fn stop(self, signal: &str) {
        self.stop_and_read_output(signal);
    }

    /// Stops it as [`Self::stop`] does, and returns all that it printed and logged.
    #[track_caller]
    pub fn stop_and_read_output(mut self, signal: &str) -> String {
        self.signal(signal);
        let status = wait_for_end(&mut self.child);
        assert_eq!(status.code(), Some(0), "{status}: {}", self.log());
        assert_eq!(self.printed.iter().collect::<Vec<_>>(), [""; 0], "lines besides those of the services");
        assert!(!self.log().contains("panicked"), "{}", self.log());
        format!("{}\n{}", self.read, self.log())
    }

    /// Kills it with SIGKILL and waits for its end. It must not have panicked before.
    #[track_caller]
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }
}

impl Drop for Pasar {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of process {}:\n{}", self.child.id(), self.log());
        }
    }
}

/// The services of each process.
pub type Layout = &'static [&'static [&'static str]];
pub const TOGETHER: Layout = &[ALL];
pub const APART: Layout = &[&["UserService"], &["ProductService"], &["OrderService"], &["PaymentService"]];

/// The processes of one shop, with the same addresses after every start.
pub struct Shop {
    pub folder: Folder,
    flags: Vec<String>,
    addresses: Vec<SocketAddr>,
    layout: Layout,
    processes: Vec<Pasar>,
}

impl Shop {
    pub fn start(layout: Layout, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let addresses = ALL.iter().map(|_| free_address()).collect();
        let mut shop = Self { folder: Folder::new(), flags, addresses, layout, processes: Vec::new() };
        let spawned: Vec<_> = layout.iter().map(|services| Pasar::spawn(&mut shop.command(services))).collect();
        shop.processes = spawned.into_iter().zip(layout).map(|(process, services)| process.ready(services)).collect();
        shop
    }

    fn command(&self, services: &[&str]) -> Command {
        let names: Vec<_> = services.iter().map(|name| name.trim_end_matches("Service").to_lowercase()).collect();
        let args: Vec<_> = names.iter().chain(&self.flags).map(String::as_str).collect();
        self.pasar(&args)
    }

    /// `pasar` with these arguments, which finds the services of this shop.
    pub fn pasar(&self, args: &[&str]) -> Command {
        let mut command = self.folder.pasar(args);
        for (name, address) in ["USER_ADDR", "PRODUCT_ADDR", "ORDER_ADDR", "PAYMENT_ADDR"].iter().zip(&self.addresses) {
            command.env(name, address.to_string());
        }
        command
    }

    pub fn user(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub fn product(&self) -> SocketAddr {
        self.addresses[1]
    }

    pub fn order(&self) -> SocketAddr {
        self.addresses[2]
    }

    pub fn payment(&self) -> SocketAddr {
        self.addresses[3]
    }

    /// Kills one process at random with SIGKILL, and starts it again at once.
    #[track_caller]
    pub fn kill_one(&mut self) {
        let which = fastrand::usize(..self.layout.len());
        self.processes[which].kill();
        self.processes[which] = Pasar::start(&mut self.command(self.layout[which]), self.layout[which]);
    }

    /// Stops callers before the services that they call.
    pub fn stop(self) -> Folder {
        self.processes.into_iter().rev().for_each(|process| process.stop("TERM"));
        self.folder
    }
}

/// How many kills a test with SIGKILL makes.
pub fn kills() -> usize {
    std::env::var("PASAR_KILLS").map_or(20, |kills| kills.parse().unwrap())
}

/// Runs `command`, which must end by itself and in time.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_end(&mut child);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn wait_for_end(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("the process has not ended within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Polls for a condition.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut met: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !met() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A free address, for tests that must know it before the start. Its port is below those that systems assign for port
/// 0, so no other process gets it in between.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const PORTS: u16 = 20_000;
    let start = (std::process::id() % u32::from(PORTS)) as u16;
    loop {
        let port = 10_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
