//! A copy of a database, of one moment, while others write to it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use rusqlite::{Connection, OpenFlags};

use super::open::{check_is_ours, flags};
use crate::storage::files;

/// How long the copy waits for a process that has locked the file, as one does that recovers it after a crash.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Copies our database at `file` to `copy`, which must not exist, and is readable by its owner alone. When it returns,
/// the copy is on the disk; after an error there is none.
///
/// SQLite reads one snapshot, so that the copy has all that was committed before and nothing else. It is written under
/// another name, and gets its own when it is complete: whatever ends the process, no torn copy has that name.
pub fn back_up(file: &Path, copy: &Path) -> anyhow::Result<()> {
    let connection = Connection::open_with_flags(file, flags() | OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    check_is_ours(&connection)?;
    let folder = files::parent(copy);
    // Absolute: SQLite takes a relative name that begins with `file:` for a URL.
    let within = std::path::absolute(folder).with_context(|| folder.display().to_string())?;
    let unfinished = tempfile::Builder::new().prefix(".pasar-backup-").tempfile_in(&within);
    let unfinished = unfinished.with_context(|| format!("can't write to {}", folder.display()))?;
    let path = unfinished.path().to_str().with_context(|| format!("{} is not UTF-8", copy.display()))?;
    connection.execute("VACUUM INTO ?1", [path])?;
    check_sound(path)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist_noclobber(copy).map_err(|error| error.error)?;
    files::sync_folder(folder)?;
    Ok(())
}

/// Checks that a copy can be read. A damaged database may be copied without an error.
fn check_sound(copy: &str) -> anyhow::Result<()> {
    let connection = Connection::open_with_flags(copy, flags() | OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        bail!("it is damaged: {found}");
    }
    Ok(())
}
