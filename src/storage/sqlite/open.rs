//! Opening SQLite: the options of a connection, the pool of readers, the migrations.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use crate::error::{Error, Result, STORAGE_UNAVAILABLE, TOO_SLOW};
use crate::storage::files::{self, Exposure};

/// How long a statement waits for another process that has locked the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause between two tries to lock the file.
const LOCK_PAUSE: Duration = Duration::from_micros(250);
/// How long the start waits for another process that is migrating the file.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that a connection keeps compiled; more than all stores have.
const CACHED_STATEMENTS: usize = 128;

/// Each is applied once, in this order. A released file is never edited.
const MIGRATIONS: &[(&str, &str)] = &[
    ("001_user", include_str!("../migrations/sqlite/001_user.sql")),
    ("002_product", include_str!("../migrations/sqlite/002_product.sql")),
    ("003_order", include_str!("../migrations/sqlite/003_order.sql")),
    ("004_stock", include_str!("../migrations/sqlite/004_stock.sql")),
    ("005_order_life", include_str!("../migrations/sqlite/005_order_life.sql")),
    ("006_payment", include_str!("../migrations/sqlite/006_payment.sql")),
    ("007_notifications", include_str!("../migrations/sqlite/007_notifications.sql")),
    ("008_events", include_str!("../migrations/sqlite/008_events.sql")),
    ("009_accounts", include_str!("../migrations/sqlite/009_accounts.sql")),
    ("010_product_search", include_str!("../migrations/sqlite/010_product_search.sql")),
    ("011_open_orders", include_str!("../migrations/sqlite/011_open_orders.sql")),
    ("012_subscribers", include_str!("../migrations/sqlite/012_subscribers.sql")),
    ("013_unhelpful_calls", include_str!("../migrations/sqlite/013_unhelpful_calls.sql")),
    ("014_pending_orders", include_str!("../migrations/sqlite/014_pending_orders.sql")),
    ("015_order_figures", include_str!("../migrations/sqlite/015_order_figures.sql")),
    ("016_payments_created_at", include_str!("../migrations/sqlite/016_payments_created_at.sql")),
    ("017_event_traces", include_str!("../migrations/sqlite/017_event_traces.sql")),
    ("018_resets", include_str!("../migrations/sqlite/018_resets.sql")),
];

/// Creates the file if there is none, and migrates it. Returns a connection that writes.
pub fn set_up(file: &Path, private: bool) -> anyhow::Result<Connection> {
    let folder = files::parent(file);
    files::create_folder(folder).with_context(|| format!("can't create {}", folder.display()))?;
    create(file).with_context(|| format!("can't create {}", file.display()))?;
    // SQLite syncs the files that it creates, but not the name of the database itself. This is done for an existing
    // file too: its creator may have been stopped before.
    files::sync_folder(folder)?;
    let exposure = exposure(file)?;
    if let Some(exposure) = exposure.as_ref().filter(|_| private) {
        bail!("{exposure}");
    }
    let mut connection = Connection::open_with_flags(file, flags() | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(SETUP_TIMEOUT)?;
    // First of all, as the file may belong to another program.
    check_ours(&connection)?;
    // The switch to WAL does not wait for another process that does the same.
    let until = Instant::now() + SETUP_TIMEOUT;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => break,
            Ok(mode) => bail!("the journal mode stays {mode}: is it on a network drive?"),
            Err(error) if is_busy(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
    migrate(&mut connection)?;
    configure_writer(&connection)?;
    if let Some(exposure) = exposure {
        log::warn!("{}: {exposure}", file.display());
    }
    Ok(connection)
}

/// Creates the file if there is none, readable by its owner alone: it holds addresses and hashes of passwords. The
/// files that SQLite adds get the same permissions.
fn create(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

/// Who else can read the database, and how to repair that; `None` if nobody can.
fn exposure(file: &Path) -> std::io::Result<Option<String>> {
    for end in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(end);
        if let Some(Exposure { why, remedy }) = files::exposure(Path::new(&path))? {
            let name = file.display();
            return Ok(Some(format!("{why}, though it holds addresses and hashes of passwords: {remedy} {name}*")));
        }
    }
    Ok(None)
}

/// Refuses a database of another program, or of a newer version.
fn check_ours(connection: &Connection) -> anyhow::Result<()> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(());
    }
    let ours = "SELECT 1 FROM sqlite_schema WHERE name = 'migrations'";
    if connection.query_row(ours, [], |_| Ok(())).optional()?.is_none() {
        bail!("it is the database of another program");
    }
    let applied = applied(connection)?;
    if let Some(unknown) = applied.iter().find(|name| !MIGRATIONS.iter().any(|(known, _)| known == name)) {
        bail!("it was written by a newer version, which made the change {unknown}");
    }
    Ok(())
}

/// Checks that no other process has our database at `file` open. This folds the log into the file; the next start
/// opens a new log.
pub fn check_unused(file: &Path) -> anyhow::Result<()> {
    let connection = Connection::open_with_flags(file, flags() | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::ZERO)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        check_is_ours(&connection)?;
    }
    // A process that has the database open holds a lock on its log, which makes this change fail.
    match connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0)) {
        Ok(mode) if mode == "delete" => Ok(()),
        Err(error) if !is_busy(&error) => Err(error.into()),
        _ => bail!("it is in use: stop the pasar that runs on it first"),
    }
}

/// Refuses a database of another program, even if that has a table `migrations` too; one of a newer version is accepted.
pub fn check_is_ours(connection: &Connection) -> anyhow::Result<()> {
    let first = MIGRATIONS.first().map(|(name, _)| *name);
    match applied(connection) {
        Ok(applied) if applied.iter().any(|name| Some(name.as_str()) == first) => Ok(()),
        // Anything but a table that is missing, or another one of the same name.
        Err(error) if error.sqlite_error_code().is_some_and(|code| code != ErrorCode::Unknown) => Err(error.into()),
        _ => bail!("it is the database of another program"),
    }
}

/// The migrations that were applied to the database.
fn applied(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection.prepare("SELECT name FROM migrations")?.query_map([], |row| row.get(0))?.collect()
}

/// Applies the missing migrations in one transaction: of two processes, the second finds them applied.
fn migrate(connection: &mut Connection) -> anyhow::Result<()> {
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) STRICT;
         CREATE TABLE IF NOT EXISTS done (name TEXT PRIMARY KEY) STRICT;
         CREATE TABLE IF NOT EXISTS probes (id INTEGER PRIMARY KEY, filler BLOB) STRICT;",
    )?;
    let applied = applied(&tx)?;
    for (name, sql) in MIGRATIONS.iter().filter(|(name, _)| !applied.iter().any(|done| done == name)) {
        tx.execute_batch(sql).with_context(|| format!("the change {name} failed"))?;
        tx.execute("INSERT INTO migrations (name) VALUES (?1)", [name])?;
    }
    tx.commit()?;
    Ok(())
}

/// Opens a connection that writes.
pub fn open_writer(file: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(file, flags() | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure_writer(&connection)?;
    Ok(connection)
}

/// The options of the writer. With `synchronous = FULL` a commit has reached the disk.
fn configure_writer(connection: &Connection) -> rusqlite::Result<()> {
    configure(connection)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 6000;
         PRAGMA journal_size_limit = 33554432;",
    )
}

/// The pool of up to `size` readers. They open as they are needed.
pub fn readers(file: &Path, size: u32) -> r2d2::Pool<SqliteConnectionManager> {
    let manager = SqliteConnectionManager::file(file)
        .with_flags(flags() | OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_init(|connection| {
            configure(connection)?;
            // Opened read-write, since a reader may have to recover the log; but it never writes.
            connection.execute_batch("PRAGMA query_only = ON")
        });
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(BUSY_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .build_unchecked(manager)
}

/// The options that readers and the writer share.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Without the planner's stability guarantee, SQLite compiles a statement with a range (`id > $1`) again at each
    // binding.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_handler(Some(wait_for_lock))
}

/// Waits before a lock that another process holds is tried again; false to give up after [`BUSY_TIMEOUT`]. `tries` is
/// the number of earlier calls for the same lock.
///
/// The pauses are short and even: those of SQLite grow to a tenth of a second, and a process that commits without a
/// pause releases the lock only for moments.
fn wait_for_lock(tries: i32) -> bool {
    thread_local! {
        static WAITING_SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    let now = Instant::now();
    // By the time, and not by the number of tries: how long a short pause really takes depends on the system.
    let since = WAITING_SINCE.get().filter(|_| tries > 0).unwrap_or(now);
    WAITING_SINCE.set(Some(since));
    if now.duration_since(since) >= BUSY_TIMEOUT {
        return false;
    }
    std::thread::sleep(LOCK_PAUSE);
    true
}

/// A connection is used by one thread at a time, so SQLite needs no mutexes.
pub fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the error says that the file is damaged.
pub fn is_corruption(error: &Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<rusqlite::Error>());
    let code = source.and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// The state of the disk or of another process is not the fault of the caller, and may pass. Everything else is a bug
/// of ours.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase,
            ) => Self::new(&STORAGE_UNAVAILABLE).caused_by(error),
            // A scan has reached its time limit.
            Some(ErrorCode::OperationInterrupted) => Self::new(&TOO_SLOW)
                .detail("the query looks at too many rows: narrow it with further filters or a longer search"),
            _ => Self::internal(error),
        }
    }
}

impl From<r2d2::Error> for Error {
    fn from(error: r2d2::Error) -> Self {
        Self::new(&STORAGE_UNAVAILABLE).caused_by(error)
    }
}
