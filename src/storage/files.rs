//! What holds for every file of the shop that has secrets in it: it is its owner's alone, and its name is on the
//! disk before anything that depends on it is answered.

use std::io;
use std::path::Path;

/// Makes a folder and all above it that are missing. The names of the new ones are on the disk when it returns.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|path| !is_here(path) && !path.exists()).collect();
    std::fs::create_dir_all(folder)?;
    missing.into_iter().try_for_each(|path| sync_folder(parent(path)))
}

/// The folder of a file, which is the current one for a bare name.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !is_here(folder)).unwrap_or(Path::new("."))
}

fn is_here(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

/// Brings the names in a folder to the disk: a file that was synced is not found again without its name.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems do not open folders.
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

/// That others can read or change a file which should be its owner's alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Who can, as a clause about the file.
    pub why: String,
    /// The command that helps, without the file's name.
    pub remedy: String,
}

/// Whether others can read or change a file; `None` also if there is no such file.
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
