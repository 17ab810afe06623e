//! Help texts and error messages at the start never show a secret.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::secrets::SECRET;
use crate::support::binary::{Folder, run};

/// All output of a process that ends with this exit code.
#[track_caller]
fn output_of(command: &mut Command, code: i32) -> String {
    let output = run(command);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn help_and_error_messages_do_not_show_the_secret() {
    const TOO_SHORT: &str = "rahasia-toko";
    let folder = Folder::new();
    for secret in [SECRET, TOO_SHORT] {
        for (args, code) in [
            (&["--help"][..], 0),
            (&["-h"], 0),
            (&["--version"], 0),
            (&["admin", "--help"], 0),
            (&["--colour", "red"], 2),
            (&["--auth", "perhaps"], 2),
            (&["--user-addr", "0.0.0.0:0"], 2),
            (&["--database-url", "sqlite:/dev/null/x.db"], if secret == SECRET { 1 } else { 2 }),
            (&["admin", "nobody@example.com"], if secret == SECRET { 1 } else { 2 }),
        ] {
            let output = output_of(folder.pasar(args).env("JWT_SECRET", secret).env("RUST_LOG", "trace"), code);
            assert!(!output.contains(TOO_SHORT), "{args:?}: {output}");
            let output = output_of(folder.pasar(&["--jwt-secret", secret]).args(args).env("RUST_LOG", "trace"), code);
            assert!(!output.contains(TOO_SHORT), "{args:?}: {output}");
        }
    }
    for args in [&["--jwt-secret", TOO_SHORT][..], &["--jwt-secret", SECRET, "--jwt-secret", SECRET]] {
        let output = output_of(&mut folder.pasar(args), 2);
        assert!(
            !output.contains(TOO_SHORT) && output.to_lowercase().replace('-', "_").contains("jwt_secret"),
            "{output}"
        );
    }
    // Invalid UTF-8.
    let nonsense = OsString::from_vec([TOO_SHORT.as_bytes(), b"\xff", SECRET.as_bytes()].concat());
    let output = output_of(folder.pasar(&[]).env("JWT_SECRET", &nonsense), 2);
    assert!(!output.contains(TOO_SHORT), "{output}");
    let output = output_of(folder.pasar(&["--jwt-secret"]).arg(&nonsense), 2);
    assert!(!output.contains(TOO_SHORT), "{output}");
    for (mode, secret) in [(0o644, SECRET), (0o600, TOO_SHORT)] {
        let file = folder.path().join("jwt-secret");
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let output = output_of(&mut folder.pasar(&["--auth", "required"]), 1);
        assert!(!output.contains(TOO_SHORT) && output.contains("jwt-secret"), "{output}");
    }
}

/// The error message for this `.env` file.
#[track_caller]
fn refusal_of(text: impl AsRef<[u8]>) -> String {
    let folder = Folder::new();
    fs::write(folder.path().join(".env"), text).unwrap();
    let output = output_of(&mut folder.pasar(&["user"]), 2);
    assert!(output.contains(".env") && output.lines().count() == 1, "{output}");
    output
}

#[test]
fn errors_about_an_env_file_do_not_show_the_secret() {
    for text in [
        format!("JWT_SECRET={SECRET} and more\n"),
        format!("JWT_SECRET=\"{SECRET}\n"),
        format!("JWT_SECRET='{SECRET}\n"),
        format!("JWT_SECRET=\"{SECRET}\" and more\n"),
        format!("JWT_SECRET=\"{SECRET}\\x\"\n"),
        format!("export JWT_SECRET {SECRET}\n"),
        format!("JWT_SECRET: {SECRET}\n"),
        format!("JWT SECRET={SECRET}\n"),
        format!("JWT_SECRET={SECRET}\nthis is no setting\n"),
        format!("DEMO=\"on\nJWT_SECRET={SECRET}\n"),
        format!("{SECRET}\n"),
    ] {
        let output = refusal_of(&text);
        assert!(!output.contains("rahasia"), "{text}: {output}");
    }
    let output = refusal_of([b"JWT_SECRET=", SECRET.as_bytes(), b"\xff\n"].concat());
    assert!(!output.contains("rahasia"), "{output}");
}

#[test]
fn errors_about_an_env_file_do_not_show_a_secret_on_its_own_line() {
    // In base64, as `openssl rand` prints it, and moved to the next line by an editor.
    let output = refusal_of("JWT_SECRET=\nrahasia+toko/yang/tidak/ada/di/tempat/lain=\n");
    assert!(!output.contains("rahasia"), "{output}");
}
