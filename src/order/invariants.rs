//! What must hold between the rows of this service.

use super::expiry::PAYMENT_GRACE;
use super::store::invariants as store;
use super::subscribers::SUBSCRIBERS;
use crate::domain::Sentence;
use crate::events::{check_events, check_jobs};
use crate::invariants::Invariant;
use crate::service::ServiceName;

const NAME: &str = ServiceName::Order.name();

pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "order_totals",
        sentence: Sentence::new(
            "Total setiap pesanan adalah jumlah harga × banyaknya.",
            "The total of each order is the sum of price × quantity.",
        ),
        what_to_do: Sentence::new(
            "Bandingkan baris pesanan itu dengan cadangan basis data; jangan tagih sebelum cocok.",
            "Compare the lines of the order with a backup of the database; charge nothing before they agree.",
        ),
        check: |tx, _| store::totals(tx),
    },
    Invariant {
        name: "order_history",
        sentence: Sentence::new(
            "Riwayat setiap pesanan adalah langkah-langkah yang boleh, sampai ke statusnya.",
            "The history of each order has the steps that are allowed, up to its status.",
        ),
        what_to_do: Sentence::new(
            "Baca `/orders/{id}/tracking` pesanan itu dan cari perubahannya di log.",
            "Read `/orders/{id}/tracking` of the order, and look for its changes in the log.",
        ),
        check: |tx, _| store::histories(tx),
    },
    Invariant {
        name: "order_paid_by",
        sentence: Sentence::new(
            "Pesanan menyebut pembayarannya jika dan hanya jika pernah dibayar, dan satu pembayaran membayar satu pesanan.",
            "An order names what paid it if and only if it was paid, and a payment pays one order.",
        ),
        what_to_do: Sentence::new(
            "Cari pembayaran pesanan itu di `/payments/order/{id}`.",
            "Look for the payment of the order at `/payments/order/{id}`.",
        ),
        check: |tx, _| store::payers(tx),
    },
    Invariant {
        name: "order_deadlines",
        sentence: Sentence::new(
            "Pesanan yang menunggu dibayar punya batas waktu bila menahan stok; pesanan lain tidak punya.",
            "An order that waits to be paid has a deadline if it holds stock; other orders have none.",
        ),
        what_to_do: Sentence::new(
            "Batalkan pesanan yang tidak punya batas waktu, supaya stoknya kembali.",
            "Cancel an order without a deadline, so that its stock is returned.",
        ),
        check: |tx, now| store::deadlines(tx, now - PAYMENT_GRACE),
    },
    Invariant {
        name: "order_reservations",
        sentence: Sentence::new(
            "Pesanan barang berstok punya reservasi, yang tidak dipunyai pesanan lain.",
            "An order of tracked stock has a reservation, which no other order has.",
        ),
        what_to_do: Sentence::new(
            "Batalkan pesanan itu bila barangnya belum dikirim, lalu pesan lagi.",
            "Cancel the order if nothing has been shipped, and place it again.",
        ),
        check: |tx, _| store::reservations(tx),
    },
    Invariant {
        name: "order_keys",
        sentence: Sentence::new(
            "Setiap Idempotency-Key yang dijawab menyebut pesanan yang ada, milik user yang sama.",
            "Each answered Idempotency-Key names an order that exists, of the same user.",
        ),
        what_to_do: Sentence::new(
            "Pulihkan pesanan itu dari cadangan: kliennya sudah menerima 201.",
            "Restore the order from a backup: its client has received 201.",
        ),
        check: |tx, _| store::keys(tx, NAME),
    },
    Invariant {
        name: "order_quota",
        sentence: Sentence::new(
            "Yang dihitung dalam batas sebuah akun adalah pesanannya yang menunggu dibayar, dengan satuan yang ditahannya.",
            "What counts against an account's quota are its pending orders, with the units that they hold.",
        ),
        what_to_do: Sentence::new(
            "Akun itu mungkin ditolak tanpa alasan: hapus barisnya dari open_orders saat service berhenti.",
            "The account may be refused without a reason: delete the row of open_orders while the service is stopped.",
        ),
        check: |tx, _| store::quotas(tx),
    },
    Invariant {
        name: "order_counts",
        sentence: Sentence::new(
            "Angka ringkasan sama dengan jumlah pesanan per status.",
            "The figures of the summary are the numbers of orders by status.",
        ),
        what_to_do: Sentence::new(
            "Hanya tampilan yang salah; hitung ulang tabel order_counts saat service berhenti.",
            "Only what is shown is wrong; count the table order_counts again while the service is stopped.",
        ),
        check: |tx, _| store::counts(tx, "order.figures"),
    },
    Invariant {
        name: "order_jobs",
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
        name: "order_events",
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
