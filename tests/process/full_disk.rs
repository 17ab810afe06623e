//! A disk that becomes full under load, and gets free space again.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::load::{Stored, Writer, assert_unavailable};
use crate::support::binary::{ALL, DEADLINE, Folder, Pasar, until, url};
use crate::support::blocking::get;

const NAME: &str = "a_full_disk_refuses_orders_and_loses_none";
/// The size of a file that is deleted later to free space.
const BALLAST: usize = 1 << 20;
/// Far more orders than fit on the disk.
const MAX_ORDERS: usize = 20_000;

#[test]
fn a_full_disk_refuses_orders_and_loses_none() {
    let Some(disk) = SmallDisk::mount() else { return };
    let database = disk.path().join("pasar.db");
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; BALLAST]).unwrap();
    let folder = Folder::new();
    let pasar = Pasar::start(folder.pasar(&[]).env("DATABASE_URL", url(&database)), ALL);
    let service = pasar.order();

    // Several at once, so that a failure affects a group of writes.
    let mut placed: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    let mut writer = Writer::new(service, 1);
                    for _ in 0..MAX_ORDERS {
                        let answer = writer.place_order().unwrap();
                        if answer.status != 201 {
                            assert_unavailable(&answer, &["storage_unavailable"]);
                            return writer.placed;
                        }
                    }
                    panic!("the disk never ran full");
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert!(!placed.is_empty(), "the disk was full from the start");

    // A checkpoint of the log can free space, so the disk is filled again each time.
    let mut writer = Writer::with_fresh_connections(service, 1);
    let (mut refused, mut unready) = (0, 0);
    until("20 refusals", Duration::from_secs(60), || {
        fill(&disk.path().join("filler"));
        let answer = writer.place_order().unwrap();
        if answer.status != 201 {
            assert_unavailable(&answer, &["storage_unavailable"]);
            // Unless something smaller, such as a notification, was written first.
            for path in ["/health/ready", "/health"] {
                let health = get(service, path);
                if health.status != 200 {
                    assert_unavailable(&health, &["storage_unavailable"]);
                    unready += 1;
                }
            }
            get(service, "/health/live").expect(200);
            refused += 1;
        }
        get(service, "/orders/1").expect(200);
        get(pasar.user(), "/users/1").expect(200);
        refused == 20
    });
    assert!(unready > 0, "no refusal made it unready");
    Stored::open(&database).assert_holds(placed.iter().chain(&writer.placed));

    // Also when no request writes.
    until("not ready by itself", DEADLINE, || {
        fill(&disk.path().join("filler"));
        get(pasar.user(), "/health/ready").status == 503
    });
    std::fs::remove_file(&ballast).unwrap();
    until("ready after there is room", DEADLINE, || get(pasar.user(), "/health/ready").status == 200);
    until("an order after there is room", DEADLINE, || writer.place_order().unwrap().status == 201);
    for _ in 0..20 {
        writer.place_order().unwrap().expect(201);
    }
    placed.append(&mut writer.placed);
    pasar.stop("TERM");
    let stored = Stored::open(&database);
    stored.assert_holds(&placed);
    // Refused orders were not stored.
    assert_eq!(stored.count("SELECT count(*) FROM orders"), placed.len());
    stored.assert_sound();
}

/// Writes to `file` until the disk is full.
fn fill(file: &Path) {
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    loop {
        match file.write(&[0; 4096]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return,
            Err(error) => panic!("the disk can't be filled: {error}"),
        }
    }
}

/// A file system in memory, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None where mounting is not possible; with CI=true this is a failure.
    fn mount() -> Option<Self> {
        let folder = TempDir::with_prefix("pasar-disk-").unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=4m", "pasar-test"]).arg(folder.path());
        let why = match command.output() {
            _ if !cfg!(target_os = "linux") => "this is not Linux".to_owned(),
            Ok(output) if output.status.success() => return Some(Self(folder)),
            Ok(output) => String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("mount failed").to_owned(),
            Err(error) => format!("mount: {error}"),
        };
        let skipped = format!(
            "{NAME} was skipped, since no disk could be mounted ({why}); run it as root on Linux: cargo test --test process {NAME}"
        );
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{skipped}");
        #[allow(clippy::explicit_write, reason = "`eprintln!` is captured where a test passes")]
        writeln!(std::io::stderr(), "{skipped}").unwrap();
        None
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let done = Command::new("umount").arg(self.0.path()).status();
        if !done.is_ok_and(|status| status.success()) && !std::thread::panicking() {
            panic!("{} stays mounted", self.0.path().display());
        }
    }
}
