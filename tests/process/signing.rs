//! The signing secret: where it is stored, who can read it, and that all services use the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::accounts::{
    OTHER, REQUIRED, SECRET, assert_role_set, calls_besides_user, protected_calls, refusal, start_with_auth,
};
use super::load::{Stored, assert_unavailable, order_of};
use crate::support::Visitor;
use crate::support::binary::{ALL, DEADLINE, Folder, Pasar, free_address, until};

fn secret_file(folder: &Folder) -> PathBuf {
    folder.path().join("jwt-secret")
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

/// The files of a folder besides the database.
fn beside_the_database(folder: &Folder) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("pasar.db")).collect()
}

#[test]
fn the_generated_secret_is_readable_by_its_owner_only_and_kept() {
    let folder = Folder::new();
    let shop = start_with_auth(&folder);
    let file = secret_file(&folder);
    assert_eq!(mode(&file), 0o600);
    let secret = fs::read(&file).unwrap();
    assert!(secret.len() >= 32, "{} bytes", secret.len());
    let siti = Visitor::registers(shop.user(), "siti@example.com");
    shop.stop("TERM");
    let shop = start_with_auth(&folder);
    siti.assert_valid(shop.user(), &calls_besides_user(&shop));
    shop.stop("TERM");
    assert!(fs::read(&file).unwrap() == secret, "the secret has changed");
    assert_eq!((mode(&file), beside_the_database(&folder)), (0o600, vec!["jwt-secret".to_owned()]));

    // Two shops have different secrets.
    let other = Folder::new();
    start_with_auth(&other).stop("TERM");
    assert!(fs::read(secret_file(&other)).unwrap() != secret, "two folders have the same secret");
}

#[test]
fn a_configured_secret_is_not_stored() {
    for auth in ["open", "required"] {
        let folder = Folder::new();
        let start = || Pasar::start(folder.pasar(&["--auth", auth]).env("JWT_SECRET", SECRET), ALL);
        let shop = start();
        let siti = Visitor::registers(shop.user(), "siti@example.com");
        // The admin command stores no secret either.
        assert_role_set(&mut folder.pasar(&["admin", "siti@example.com"]), "siti@example.com", "an admin");
        siti.assert_revoked(shop.user(), &calls_besides_user(&shop));
        let siti = Visitor::logs_in(shop.user(), "siti@example.com");
        shop.stop("TERM");
        assert_eq!(beside_the_database(&folder), [""; 0]);
        let shop = start();
        siti.assert_valid(shop.user(), &calls_besides_user(&shop));
        shop.stop("TERM");
    }
}

#[test]
fn a_secret_that_others_can_read_or_guess_is_refused() {
    for (permissions, text) in [
        (0o644, SECRET),
        (0o640, SECRET),
        (0o604, SECRET),
        (0o620, SECRET),
        (0o600, "a guess of thirty-one letters.."),
        (0o600, "a guess and spaces                         \n"),
        (0o600, ""),
    ] {
        let folder = Folder::new();
        let file = secret_file(&folder);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(permissions)).unwrap();
        let (exit, line) = refusal(&mut folder.pasar(REQUIRED));
        assert_eq!(exit, 1, "{line}");
        assert!(line.contains("JWT_SECRET") && line.contains(file.to_str().unwrap()), "{line}");
        assert!(permissions == 0o600 || line.contains("chmod 600"), "{line}");
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (permissions, text));
    }
    // With open auth a readable file is accepted: some file systems have no permissions.
    for (auth, permissions) in [("required", 0o600), ("open", 0o644)] {
        let folder = Folder::new();
        let file = secret_file(&folder);
        fs::write(&file, SECRET).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(permissions)).unwrap();
        let shop = Pasar::start(&mut folder.pasar(&["--auth", auth]), ALL);
        Visitor::registers(shop.user(), "siti@example.com").assert_valid(shop.user(), &calls_besides_user(&shop));
        assert_eq!(mode(&folder.path().join("pasar.db")), 0o600, "it has the hashes of all passwords");
        assert_eq!(mode(&folder.path().join("pasar.db-wal")), 0o600);
        shop.stop("TERM");
    }
}

#[test]
fn processes_that_start_at_once_on_an_empty_folder_agree_on_a_secret() {
    for _ in 0..10 {
        let folder = Folder::new();
        let [user, product, order, payment] = [(); 4].map(|()| free_address());
        let started = ["user", "product", "order", "payment"].map(|service| {
            let mut command = folder.pasar(&[&[service], REQUIRED].concat());
            for (variable, address) in
                [("USER_ADDR", user), ("PRODUCT_ADDR", product), ("ORDER_ADDR", order), ("PAYMENT_ADDR", payment)]
            {
                command.env(variable, address.to_string());
            }
            Pasar::spawn(&mut command)
        });
        let mut services = ALL.iter();
        let processes = started.map(|process| process.ready(&[services.next().unwrap()]));
        let siti = Visitor::registers(user, "siti@example.com");
        siti.assert_valid(user, &protected_calls(product, order, payment));
        // The order service calls the others with its own tokens.
        siti.post(order, "/orders", &order_of(siti.id)).expect(201);
        processes.into_iter().rev().for_each(|process| process.stop("TERM"));
        assert_eq!(beside_the_database(&folder), ["jwt-secret"]);
    }
}

#[test]
fn services_with_different_secrets_log_the_mismatch() {
    let folder = Folder::new();
    let strict = ["user", "--auth", "required", "--jwt-secret", SECRET];
    let users = Pasar::start(&mut folder.pasar(&strict), &["UserService"]);
    let said = "AUTH and JWT_SECRET must be the same";
    for (number, (auth, secret, agree)) in
        [("required", SECRET, true), ("required", OTHER, false), ("open", SECRET, false)].into_iter().enumerate()
    {
        let mut command = folder.pasar(&["--auth", auth, "--jwt-secret", secret]);
        let shop = Pasar::start(command.env("USER_URL", format!("http://{}", users.user())), ALL);
        // Its own user service issues tokens that it accepts; the strict one is called for orders.
        let siti = Visitor::registers(shop.user(), &format!("siti{number}@example.com"));
        let answer = siti.post(shop.order(), "/orders", &order_of(siti.id));
        if agree {
            answer.expect(201);
        } else {
            assert_unavailable(&answer, &["peer_unavailable"]);
            assert!(!answer.text().contains(said), "a customer can do nothing about it: {}", answer.text());
            until("the log says why", DEADLINE, || shop.log().contains(said));
        }
        if secret == OTHER {
            siti.get(users.user(), "/auth/me").problem(401, "token_invalid");
        }
        assert!(!agree || !shop.log().contains(said), "{}", shop.log());
        shop.stop("TERM");
    }
    users.stop("TERM");
    assert_eq!(Stored::open(&folder.database()).count("SELECT count(*) FROM orders"), 1);
}
