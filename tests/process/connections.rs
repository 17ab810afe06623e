//! Clients with many connections: some don't read, some try to use them all.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use super::load::order_of;
use crate::support::binary::{ALL, Folder, Pasar, until};
use crate::support::blocking::{Http, get, post};
use crate::support::raise_limits;

/// The longest that an answer can stay unread, with a margin for a slow machine.
const STALL_TIMEOUT: Duration = Duration::from_secs(40);

/// Inserts this many orders.
fn fill(folder: &Folder, orders: i64) {
    let database = Connection::open(folder.database()).unwrap();
    let sql = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
         INSERT INTO orders (id, user_id, user_name, items, total_price, status, created_at)
         SELECT n, 1, 'Bambang', '[{\"id\":1,\"name\":\"Laptop Asus\",\"price\":8000000,\"quantity\":1}]',
                8000000, 'pending', 1790000000000 FROM number";
    database.execute(sql, [orders]).unwrap();
}

/// The resident memory of the process, in KiB.
#[cfg(target_os = "linux")]
fn memory(pasar: &Pasar) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pasar.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Requests `path` on a new connection, and does not read the answer.
fn request_without_reading(addr: SocketAddr, path: &str) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // Smaller than most answers.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&addr.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n").unwrap();
    stream
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_never_read_use_little_memory_and_are_disconnected() {
    raise_limits().unwrap();
    let folder = Folder::new();
    folder.start().stop("TERM");
    fill(&folder, 5000);
    let pasar = folder.start();
    let big = [
        (pasar.user(), "/docs/swagger-ui-bundle.js"),
        (pasar.order(), "/orders?limit=1000"),
        (pasar.product(), "/docs/swagger-ui.css"),
        (pasar.order(), "/orders"),
        (pasar.order(), "/"),
        (pasar.product(), "/openapi.json"),
        (pasar.user(), "/errors"),
        (pasar.order(), "/orders/user/1?limit=100"),
    ];
    for (addr, path) in big {
        get(addr, path).with_status(200);
    }
    let idle = memory(&pasar);

    let mut unread: Vec<_> =
        (0..2000).map(|n| big[n % big.len()]).map(|(addr, path)| request_without_reading(addr, path)).collect();
    let mut most = 0;
    for _ in 0..20 {
        post(pasar.order(), "/orders", &order_of(1)).expect(201);
        get(pasar.product(), "/products").with_status(200);
        let page = get(pasar.order(), "/orders?limit=1000").with_status(200);
        assert!(!page.header("link").is_empty() && page.json().as_array().unwrap().len() >= 100);
        most = most.max(memory(&pasar));
    }
    eprintln!("from {idle} to {most} KiB");
    assert!(most <= idle + 100 * 1024, "from {idle} to {most} KiB");

    // A script of a megabyte and an endless list exceed the buffers of the system.
    let mut nth = 0..;
    unread.retain(|_| nth.next().is_some_and(|n| [0, 3].contains(&(n % big.len()))));
    until("the connections with unread answers are closed", STALL_TIMEOUT, || {
        // A reset is reported only once.
        unread.retain(|stream| stream.take_error().unwrap().is_none());
        unread.is_empty()
    });
    let page = get(pasar.order(), "/orders?limit=1000").expect(200);
    assert_eq!(page.as_array().unwrap().len(), 1000, "pages are complete");
    assert!(pasar.log().contains("event=unread_answer"), "{}", pasar.log());
    pasar.stop("TERM");
}

/// All services, in a process with this `ulimit` of open files.
fn with_files(folder: &Folder, limit: &str) -> Pasar {
    let inner = folder.pasar(&[]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit {limit} && exec \"$0\"")]).arg(inner.get_program());
    command.current_dir(folder.path()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Pasar::start(&mut command, ALL)
}

/// 200 concurrent clients send two orders each, on kept-alive connections.
fn orders_of_200_clients(order_service: SocketAddr) {
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                let mut http = Http::new(order_service, true);
                for _ in 0..2 {
                    let answer = http.send("POST", "/orders", None, Some(&order_of(1)));
                    answer.unwrap_or_else(|broken| panic!("{broken:?}")).expect(201);
                }
            });
        }
    });
}

#[test]
fn two_hundred_clients_are_served_with_256_files() {
    let folder = Folder::new();
    let pasar = with_files(&folder, "-n 256");
    orders_of_200_clients(pasar.order());
    // Idle clients use all connections of the other services; these still call each other.
    let idle: Vec<_> = [pasar.user(), pasar.product()]
        .into_iter()
        .flat_map(|addr| (0..60).map(move |_| TcpStream::connect(addr).unwrap()))
        .collect();
    until("orders are placed beside idle clients", Duration::from_secs(10), || {
        Http::new(pasar.order(), false)
            .send("POST", "/orders", None, Some(&json!({"user_id": 1, "product_id": 1})))
            .is_ok_and(|answer| answer.status == 201)
    });
    orders_of_200_clients(pasar.order());
    drop(idle);
    assert!(!pasar.log().contains("Too many open files"), "{}", pasar.log());
    pasar.stop("TERM");
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_of_files_is_raised_as_far_as_the_system_allows() {
    let folder = Folder::new();
    let pasar = with_files(&folder, "-Sn 256");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", pasar.id())).unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let [soft, hard, ..] = files.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{files}") };
    assert_eq!(soft, hard);
    let mut open: Vec<_> = (0..300).map(|_| TcpStream::connect(pasar.user()).unwrap()).collect();
    for stream in &mut open {
        stream.write_all(b"GET /users/1 HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    }
    for stream in &mut open {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    pasar.stop("TERM");
}

/// A non-loopback address of this machine, if it has one.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Sends nothing: connecting a UDP socket only chooses a route.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|addr| addr.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// Whether a request on this connection is answered; otherwise the connection must be closed.
fn is_served(mut stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let sent = stream.write_all(b"GET /products/1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut status = [0; 12];
    match sent.and(stream.read_exact(&mut status)) {
        Ok(()) => status == *b"HTTP/1.1 200",
        Err(error) => {
            assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "neither served nor closed");
            false
        }
    }
}

#[test]
fn one_remote_address_can_open_only_its_share_of_the_connections() {
    let Some(address) = own_address() else {
        eprintln!("skipped: this machine has no address but loopback");
        return;
    };
    raise_limits().unwrap();
    let folder = Folder::new();
    let mut command = folder.pasar(&["--open-to-network", "yes"]);
    let pasar = Pasar::start(command.env("PRODUCT_ADDR", "0.0.0.0:0"), ALL);
    let remote = SocketAddr::new(address, pasar.product().port());
    let mut open: Vec<_> = (0..256).map(|_| TcpStream::connect(remote).unwrap()).collect();
    assert!(open.iter().all(is_served));
    assert!(!is_served(&TcpStream::connect(remote).unwrap()), "one more is refused");
    let here: Vec<_> = (0..300).map(|_| TcpStream::connect(pasar.product()).unwrap()).collect();
    assert!(here.iter().all(is_served), "loopback connections are not counted");
    drop(open.pop());
    let again = || is_served(&TcpStream::connect(remote).unwrap());
    until("a closed connection can be replaced", Duration::from_secs(10), again);
    until("the refusal is logged", Duration::from_secs(10), || pasar.log().contains("event=refused_connection"));
    pasar.stop("TERM");
}

#[test]
fn invalid_requests_are_logged_with_the_client_address() {
    let folder = Folder::new();
    let pasar = folder.start();
    get(pasar.user(), "/nothing").expect(404);
    let mut stream = TcpStream::connect(pasar.user()).unwrap();
    stream.write_all(b"GARBAGE\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let line = "event=bad_request server=UserService from=127.0.0.1 status=400";
    until("it is logged", Duration::from_secs(10), || pasar.log().contains(line));
    assert!(!pasar.log().contains("status=404"), "what was routed is in the access log: {}", pasar.log());
    pasar.stop("TERM");
}
