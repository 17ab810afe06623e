//! Files with secrets in them: readable by their owner alone, and their names on the disk before an answer depends on
//! them.

use std::io;
use std::path::Path;

/// Creates a folder and its missing parents. When it returns, their names are on the disk.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|path| !is_here(path) && !path.exists()).collect();
    std::fs::create_dir_all(folder)?;
    missing.into_iter().try_for_each(|path| sync_folder(parent(path)))
}

/// The folder of a file; the current one for a bare name.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !is_here(folder)).unwrap_or(Path::new("."))
}

fn is_here(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

/// Syncs a folder: a synced file is not found after a power loss if its name was not synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems can't open folders.
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Other users of the machine can read or change a file that should be private.
#[derive(Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Who can, as a clause about the file.
    pub why: String,
    /// The command that repairs it, without the name of the file.
    pub remedy: String,
}

/// Checks who else can read or change a file; `None` if nobody can, or if there is no such file.
#[cfg(unix)]
pub fn exposure(file: &Path) -> io::Result<Option<Exposure>> {
    use std::os::unix::fs::MetadataExt;
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != own {
        let why = format!("user {owner}, whose it is, can read and change it");
        return Ok(Some(Exposure { why, remedy: format!("chown {own}") }));
    }
    let open = metadata.mode() & 0o077 != 0;
    Ok(open.then(|| Exposure { why: "others can read or change it".to_owned(), remedy: "chmod 600".to_owned() }))
}

#[cfg(not(unix))]
pub fn exposure(_: &Path) -> io::Result<Option<Exposure>> {
    Ok(None)
}
