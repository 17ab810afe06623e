//! The files of a shop: their permissions, and that they survive a power loss.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use crate::support::binary::{ALL, Folder, Pasar, run, url};
use crate::support::blocking::get;

const REQUIRED: &[&str] = &["--auth", "required"];

fn allow(file: &Path, permissions: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(permissions)).unwrap();
}

/// The one line with which `command` refuses to start.
#[track_caller]
fn refusal(command: &mut Command) -> String {
    let output = run(command);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!((output.status.code(), stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.ends_with('\n') && stderr.lines().count() == 1, "not one line: {stderr:?}");
    stderr
}

/// Prints that a test was skipped; with CI=true this is a failure.
#[track_caller]
fn skipped(name: &str, why: &str) {
    let skipped = format!("{name} was skipped: {why}; run it on Linux: cargo test --test process {name}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{skipped}");
    #[allow(clippy::explicit_write, reason = "`eprintln!` is captured where a test passes")]
    writeln!(std::io::stderr(), "{skipped}").unwrap();
}

/// The text contains the command to type.
#[track_caller]
fn assert_says(text: &str, command: &str) {
    assert!(text.contains(command), "{command} is not in: {text}");
}

#[test]
fn a_database_that_others_can_read_is_refused_with_required_auth_and_else_logged() {
    for (permissions, suffix) in [(0o644, ""), (0o640, ""), (0o602, ""), (0o644, "-wal"), (0o644, "-shm")] {
        let folder = Folder::new();
        Pasar::start(&mut folder.pasar(REQUIRED), ALL).stop("TERM");
        let file = folder.database();
        let exposed = folder.path().join(format!("pasar.db{suffix}"));
        if !suffix.is_empty() {
            // As a killed process leaves it.
            fs::write(&exposed, "").unwrap();
        }
        allow(&exposed, permissions);
        let before = fs::read(&file).unwrap();
        let command = format!("chmod 600 {}*", file.display());
        let line = refusal(&mut folder.pasar(REQUIRED));
        assert_says(&line, &command);
        assert_says(&line, "DATABASE_URL");
        assert!(fs::read(&file).unwrap() == before, "a refused file was changed");
        assert_eq!(fs::metadata(&exposed).unwrap().mode() & 0o777, permissions);

        // A demo database of an earlier version keeps working.
        let shop = folder.start();
        get(shop.user(), "/users/1").expect(200);
        let log = shop.stop_and_read_output("TERM");
        assert_says(&log, &command);

        // The command in the message solves it.
        if exposed.exists() {
            allow(&exposed, permissions);
        }
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
        Pasar::start(&mut folder.pasar(REQUIRED), ALL).stop("TERM");
        assert!(!folder.start().stop_and_read_output("TERM").contains("chmod"));
    }
}

#[test]
fn files_of_another_user_are_refused_with_required_auth() {
    if fs::metadata("/proc/self").map_or(1, |own| own.uid()) != 0 {
        return skipped("files_of_another_user_are_refused_with_required_auth", "only root gives files away");
    }
    for name in ["pasar.db", "jwt-secret"] {
        let folder = Folder::new();
        Pasar::start(&mut folder.pasar(REQUIRED), ALL).stop("TERM");
        let file = folder.path().join(name);
        // As the remedy says, with the files that SQLite keeps beside the database.
        let give_to = |owner| {
            for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
                if entry.file_name().to_string_lossy().starts_with(name) {
                    std::os::unix::fs::chown(entry.path(), Some(owner), None).unwrap();
                }
            }
        };
        give_to(12345);
        let line = refusal(&mut folder.pasar(REQUIRED));
        assert_says(&line, "user 12345");
        assert_says(&line, "chown 0");
        assert_says(&line, file.to_str().unwrap());
        let log = folder.start().stop_and_read_output("TERM");
        assert_says(&log, "user 12345");
        give_to(0);
        Pasar::start(&mut folder.pasar(REQUIRED), ALL).stop("TERM");
    }
}

/// The line of `trace` where a call created `name`, and the first line after it where `folder` was synced.
fn made_and_synced(trace: &[&str], name: &Path, folder: &Path) -> (Option<usize>, Option<usize>) {
    let quoted = format!("\"{}\"", name.display());
    let makes = |line: &&str| {
        let made = ["mkdir", "rename", "link"].iter().any(|call| line.contains(call))
            || (line.contains("openat(") && line.contains("O_CREAT"));
        made && line.contains(&quoted) && !line.contains(" = -1 ")
    };
    let made = trace.iter().position(makes);
    let handle = format!("<{}>", folder.display());
    let syncs = |line: &str| line.contains("fsync(") && line.contains(&handle) && !line.contains(" = -1 ");
    let synced = made.and_then(|at| trace.iter().skip(at).position(|line| syncs(line)).map(|after| at + after));
    (made, synced)
}

#[test]
fn file_names_are_synced_to_disk_before_a_service_reports_its_address() {
    if Command::new("strace").arg("-V").output().is_err() {
        let name = "file_names_are_synced_to_disk_before_a_service_reports_its_address";
        return skipped(name, "it needs strace, which tests/tools/install installs");
    }
    let folder = Folder::new();
    // A path without symbolic links, as in the trace.
    let root = folder.path().canonicalize().unwrap();
    let (shop, data) = (root.join("shop"), root.join("shop/data"));
    let database = data.join("pasar.db");
    let trace = root.join("trace");
    let mut command = Command::new("strace");
    // -D: the process itself is our child, so it gets the signals.
    command.args(["-D", "-f", "-y", "-s", "300", "-o"]).arg(&trace);
    command.args(["-e", "trace=mkdir,mkdirat,openat,rename,renameat,renameat2,link,linkat,fsync,write", "--"]);
    let pasar = folder.pasar(REQUIRED);
    command.arg(pasar.get_program()).args(pasar.get_args()).current_dir(&root).env_clear();
    command.envs(pasar.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("DATABASE_URL", url(&database)).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Pasar::start(&mut command, ALL).stop("TERM");

    let text = fs::read_to_string(&trace).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let printed = lines.iter().position(|line| line.contains("write(1<") && line.contains("UserService"));
    let printed = printed.unwrap_or_else(|| panic!("no address was printed: {text}"));
    for (name, folder) in [(&shop, &root), (&data, &shop), (&database, &data), (&data.join("jwt-secret"), &data)] {
        let (made, synced) = made_and_synced(&lines, name, folder);
        assert!(made.is_some(), "{} was not made: {text}", name.display());
        let synced = synced.unwrap_or_else(|| panic!("{} is not on the disk", name.display()));
        assert!(synced < printed, "{} is on the disk only later", name.display());
    }
}
