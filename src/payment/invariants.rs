//! What must hold between the rows of this service.

use super::store::invariants as store;
use super::subscribers::SUBSCRIBERS;
use crate::domain::Sentence;
use crate::events::{check_events, check_jobs};
use crate::invariants::Invariant;
use crate::service::ServiceName;

const NAME: &str = ServiceName::Payment.name();

pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "payment_single",
        sentence: Sentence::new(
            "Sebuah pesanan punya paling banyak satu pembayaran.",
            "An order has one payment at most.",
        ),
        what_to_do: Sentence::new(
            "Bandingkan kedua pembayaran dengan gerbang pembayaran; kembalikan yang ditagih dua kali.",
            "Compare both payments with the payment gateway; give back what was charged twice.",
        ),
        check: |tx, _| store::one_for_each_order(tx),
    },
    Invariant {
        name: "payment_deadlines",
        sentence: Sentence::new(
            "Setiap pembayaran punya jumlah dan jendela waktu; yang lewat waktunya kedaluwarsa.",
            "Each payment has an amount and a window of time; one that is late expires.",
        ),
        what_to_do: Sentence::new(
            "Jangan konfirmasi pembayaran itu; buat pesanan baru.",
            "Do not confirm that payment; place a new order.",
        ),
        check: store::deadlines,
    },
    Invariant {
        name: "payment_status",
        sentence: Sentence::new(
            "Setiap pembayaran punya status dan metode yang dikenal.",
            "Each payment has a status and a method that are known.",
        ),
        what_to_do: Sentence::new(
            "Pulihkan baris itu dari cadangan basis data.",
            "Restore the row from a backup of the database.",
        ),
        check: |tx, _| store::statuses(tx),
    },
    Invariant {
        name: "payment_settlement",
        sentence: Sentence::new(
            "Pembayaran yang sedang ditagih atau dikembalikan punya pekerjaan yang menyelesaikannya.",
            "A payment that is being charged or refunded has a job that ends it.",
        ),
        what_to_do: Sentence::new(
            "Konfirmasi lagi pembayaran itu (`POST /payments/confirm`): itu menyelesaikannya.",
            "Confirm the payment again (`POST /payments/confirm`), which settles it.",
        ),
        check: |tx, _| store::settlements(tx, NAME),
    },
    Invariant {
        name: "payment_keys",
        sentence: Sentence::new(
            "Setiap Idempotency-Key yang dijawab menyebut pembayaran yang ada, dari pesanan yang sama.",
            "Each answered Idempotency-Key names a payment that exists, of the same order.",
        ),
        what_to_do: Sentence::new(
            "Pulihkan pembayaran itu dari cadangan: kliennya sudah menerima 201.",
            "Restore the payment from a backup: its client has received 201.",
        ),
        check: |tx, _| store::keys(tx, NAME),
    },
    Invariant {
        name: "payment_jobs",
        sentence: Sentence::new(
            "Setiap panggilan yang harus menyusul sudah terjadi atau akan diulang.",
            "Each call that must follow from a change was made, or will be retried.",
        ),
        what_to_do: Sentence::new(
            "Log menyebut sebabnya; perbaiki, lalu mulai ulang service: panggilan yang diparkir dicoba lagi.",
            "The log has the reason; remove it and restart the service, which retries parked calls.",
        ),
        check: |tx, _| check_jobs(tx, NAME),
    },
    Invariant {
        name: "payment_events",
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
