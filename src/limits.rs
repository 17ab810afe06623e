//! How many files and connections this process may have open, and how they are divided.
//!
//! For the system a connection is a file. macOS allows a process 256 unless it asks for more; a process that runs out
//! can neither read its database nor call another service. So the limit is raised at the start, and divided before
//! anybody connects.

/// Files of a connection to the database: the database and its write-ahead log.
const FILES_PER_READER: usize = 2;
/// The most services that one process calls: users, products and payments for orders, orders for payments.
const MAX_PEERS: usize = 4;
/// All other files: standard streams, the log, the writer of the database with its lock and shared memory, and files
/// that are open for a moment.
const OTHER_FILES: usize = 40;
/// Files of a worker: its event queue, its wakers, and its share of the acceptor.
const FILES_PER_WORKER: usize = 8;
/// Assumed if the system does not say.
const DEFAULT_LIMIT: usize = 8192;
/// The most connections of a server, however many files there are: each takes memory.
const MAX_CONNECTIONS: usize = 8192;

/// Raises the limit of open files as far as the system allows, and returns it.
pub fn raise() -> std::io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

/// The limit of open files.
#[cfg(unix)]
fn limit() -> usize {
    rlimit::Resource::NOFILE.get_soft().ok().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT)
}

#[cfg(not(unix))]
fn limit() -> usize {
    DEFAULT_LIMIT
}

/// The number of processor cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The most connections that read the database.
pub fn max_readers() -> u32 {
    readers_of(limit()) as u32
}

/// The most calls in progress to one other service.
pub fn max_calls() -> usize {
    calls_of(limit())
}

/// The most connections of one server, of `servers` with `workers` threads in all.
pub fn max_connections(servers: usize, workers: usize) -> usize {
    connections_of(limit(), servers, workers)
}

/// One for each thread that could be reading is enough: a read takes microseconds.
fn readers_of(limit: usize) -> usize {
    (limit / 32).clamp(4, 64)
}

fn calls_of(limit: usize) -> usize {
    (limit / 32).clamp(4, 256)
}

/// A call within the process also uses a connection of the called server.
fn connections_of(limit: usize, servers: usize, workers: usize) -> usize {
    let servers = servers.max(1);
    let taken =
        OTHER_FILES + workers * FILES_PER_WORKER + readers_of(limit) * FILES_PER_READER + calls_of(limit) * MAX_PEERS;
    (limit.saturating_sub(taken) / servers).clamp(calls_of(limit) + 4, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_out_is_there() {
        for limit in [256, 1024, 4096, 10_240, 65_536, 1 << 20, usize::MAX] {
            for (servers, workers) in [(1, 1), (3, 4), (4, 10), (3, 12), (1, 14)] {
                let connections = connections_of(limit, servers, workers);
                let all = servers * connections
                    + readers_of(limit) * FILES_PER_READER
                    + calls_of(limit) * MAX_PEERS
                    + workers * FILES_PER_WORKER;
                assert!(all < limit, "{all} of {limit} with {servers} servers, {workers} workers");
                assert!(connections > calls_of(limit), "calls find a connection free");
            }
        }
    }
}
