//! What must hold between the rows of this service.

use super::store::invariants as store;
use super::subscribers::SUBSCRIBERS;
use crate::domain::Sentence;
use crate::events::check_events;
use crate::invariants::Invariant;

pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "user_emails",
        sentence: Sentence::new(
            "Satu alamat e-mail milik satu user, huruf besar atau kecil.",
            "An e-mail address belongs to one user, in any case.",
        ),
        what_to_do: Sentence::new(
            "Ganti alamat salah satunya dengan `PATCH /users/{id}`.",
            "Change the address of one of them with `PATCH /users/{id}`.",
        ),
        check: |tx, _| store::emails(tx),
    },
    Invariant {
        name: "user_accounts",
        sentence: Sentence::new(
            "Setiap akun milik user yang punya alamat e-mail, dengan peran yang dikenal.",
            "Each account belongs to a user with an e-mail address, and has a role that is known.",
        ),
        what_to_do: Sentence::new(
            "Hapus user itu (`DELETE /users/{id}`) atau atur perannya dengan `pasar admin`.",
            "Remove the user (`DELETE /users/{id}`), or set the role with `pasar admin`.",
        ),
        check: |tx, _| store::accounts(tx),
    },
    Invariant {
        name: "user_notifications",
        sentence: Sentence::new(
            "Notifikasi setiap user bernomor urut dari 1 tanpa celah.",
            "The notifications of each user are numbered from 1 without gaps.",
        ),
        what_to_do: Sentence::new(
            "Pulihkan notifikasi user itu dari cadangan; pesanannya sendiri benar.",
            "Restore the user's notifications from a backup; the orders themselves are right.",
        ),
        check: |tx, _| store::notifications(tx),
    },
    Invariant {
        name: "user_notified_once",
        sentence: Sentence::new(
            "User diberi tahu sekali tentang setiap status pesanan.",
            "A user is notified once of each status of an order.",
        ),
        what_to_do: Sentence::new(
            "Sebuah peristiwa diterapkan dua kali: cari pesanan itu di log.",
            "An event was applied twice: look for the order in the log.",
        ),
        check: |tx, _| store::notified_once(tx),
    },
    Invariant {
        name: "user_events",
        sentence: Sentence::new(
            "Setiap peristiwa untuk service ini sudah diterapkan atau akan diterapkan.",
            "Each event for this service was applied, or will be.",
        ),
        what_to_do: Sentence::new(
            "Log menyebut mengapa peristiwa itu gagal diterapkan.",
            "The log has the reason why the event could not be applied.",
        ),
        check: |tx, _| check_events(tx, SUBSCRIBERS),
    },
];
