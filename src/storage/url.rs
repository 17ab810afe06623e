//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::sqlite::backup::back_up;
use super::sqlite::open::check_unused;

/// The address of a database, as settings write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// Whether the database exists.
    pub fn exists(&self) -> bool {
        let Self::Sqlite(file) = self;
        file.exists()
    }

    /// Its files, as far as they exist.
    pub fn files(&self) -> Vec<PathBuf> {
        let Self::Sqlite(file) = self;
        let files = ["", "-wal", "-shm", "-journal"].map(|end| {
            let mut path = file.clone().into_os_string();
            path.push(end);
            PathBuf::from(path)
        });
        files.into_iter().filter(|file| file.exists()).collect()
    }

    /// Checks that no other process uses the database, and that it is not one of another program. Blocks.
    pub fn check_unused(&self) -> anyhow::Result<()> {
        let Self::Sqlite(file) = self;
        check_unused(file)
    }

    /// Copies the database to `file`, which must not exist, while it is in use or not. An error if it is not one of
    /// ours. Blocks.
    pub fn back_up(&self, file: &Path) -> anyhow::Result<()> {
        let Self::Sqlite(database) = self;
        back_up(database, file)
    }

    /// The path of a file of this name in the folder of the database.
    pub fn beside(&self, name: &str) -> PathBuf {
        let Self::Sqlite(file) = self;
        file.with_file_name(name)
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        match url.strip_prefix("sqlite:") {
            Some("" | ":memory:") => Err("sqlite: needs the path of a file".to_owned()),
            Some(path) => Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into())),
            None => Err("a database is written sqlite:PATH".to_owned()),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Sqlite(path) = self;
        write!(f, "sqlite:{}", path.display())
    }
}
