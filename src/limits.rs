//! How many files and connections this process may have open, and how that number is shared out.
//!
//! A connection is a file to the system. macOS allows a process 256 unless it asks for more, and a process
//! that runs out can neither read its database nor call another service. So the limit is raised at the
//! start, and what is left is shared out before anybody connects.

/// What a connection to the database takes: the file and its write-ahead log.
const FILES_PER_READER: usize = 2;
/// Services that are called from one process: users, products and payments for orders, orders for payments.
const MAX_PEERS: usize = 4;
/// Files besides those shared out here: the standard streams, the log, the database's writer, its lock and
/// shared memory, and files that are open for a moment.
const OTHER_FILES: usize = 40;
/// Files of a thread that serves: its event queue and wakers, and its share of the acceptor's.
const FILES_PER_WORKER: usize = 8;
/// Assumed where the system does not say.
const DEFAULT_LIMIT: usize = 8192;
/// Connections that a server never goes beyond, however many files there may be: each takes memory.
const MAX_CONNECTIONS: usize = 8192;

/// Asks the system for as many files as it grants, and gives their number.
pub fn raise() -> std::io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

/// How many files this process may have open.
#[cfg(unix)]
fn limit() -> usize {
    rlimit::Resource::NOFILE.get_soft().ok().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT)
}

#[cfg(not(unix))]
fn limit() -> usize {
    DEFAULT_LIMIT
}

/// The processor cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Connections to the database that read.
pub fn readers() -> u32 {
    readers_of(limit()) as u32
}

/// Calls that may be under way at a time to one other service.
pub fn calls() -> usize {
    calls_of(limit())
}

/// Connections that one server may have, of `servers` with `workers` threads each.
pub fn connections(servers: usize, workers: usize) -> usize {
    connections_of(limit(), servers, workers)
}

/// A read takes microseconds, and one for each thread that could be reading is enough.
fn readers_of(limit: usize) -> usize {
    (limit / 32).clamp(4, 64)
}

fn calls_of(limit: usize) -> usize {
    (limit / 32).clamp(4, 256)
}

/// Of a call within the process, the server's end is one of these.
fn connections_of(limit: usize, servers: usize, workers: usize) -> usize {
    let servers = servers.max(1);
    let taken = OTHER_FILES
        + servers * workers * FILES_PER_WORKER
        + readers_of(limit) * FILES_PER_READER
        + calls_of(limit) * MAX_PEERS;
    (limit.saturating_sub(taken) / servers).clamp(calls_of(limit) + 4, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_out_is_there() {
        for limit in [256, 1024, 4096, 10_240, 65_536, 1 << 20, usize::MAX] {
            for (servers, workers) in [(1, 1), (3, 1), (4, 2), (1, 14)] {
                let connections = connections_of(limit, servers, workers);
                let all = servers * connections
                    + readers_of(limit) * FILES_PER_READER
                    + calls_of(limit) * MAX_PEERS
                    + servers * workers * FILES_PER_WORKER;
                assert!(all < limit, "{all} of {limit} with {servers} servers of {workers} workers");
                assert!(connections > calls_of(limit), "calls find a connection free");
            }
        }
    }
}
