//! What must hold between the rows of this service.

use super::store::invariants as store;
use super::subscribers::SUBSCRIBERS;
use crate::domain::Sentence;
use crate::events::check_events;
use crate::invariants::Invariant;

pub const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "stock_levels",
        sentence: Sentence::new(
            "Tersedia + ditahan + terjual = diterima, dan tidak ada yang negatif.",
            "On hand + reserved + sold = received, and nothing is negative.",
        ),
        what_to_do: Sentence::new(
            "Hitung barangnya, lalu atur stoknya dengan `PUT /products/{id}/stock`.",
            "Count the goods, and set the stock with `PUT /products/{id}/stock`.",
        ),
        check: |tx, _| store::levels(tx),
    },
    Invariant {
        name: "stock_reserved",
        sentence: Sentence::new(
            "Yang ditahan dari setiap produk adalah jumlah reservasi yang ditahan.",
            "What is reserved of each product is the sum of the reservations that are held.",
        ),
        what_to_do: Sentence::new(
            "Bandingkan reservasi produk itu dengan pesanannya, lalu hitung barangnya.",
            "Compare the reservations of the product with its orders, and count the goods.",
        ),
        check: |tx, _| store::reserved(tx),
    },
    Invariant {
        name: "stock_sold",
        sentence: Sentence::new(
            "Yang terjual dari setiap produk adalah jumlah reservasi yang menjadi penjualan.",
            "What is sold of each product is the sum of the reservations that became sales.",
        ),
        what_to_do: Sentence::new(
            "Bandingkan penjualan produk itu dengan pesanannya, lalu hitung barangnya.",
            "Compare the sales of the product with its orders, and count the goods.",
        ),
        check: |tx, _| store::sold(tx),
    },
    Invariant {
        name: "reservations",
        sentence: Sentence::new(
            "Setiap reservasi ditahan, terjual atau dilepas, dan punya baris.",
            "Each reservation is held, sold or released, and has lines.",
        ),
        what_to_do: Sentence::new(
            "Pulihkan baris itu dari cadangan basis data.",
            "Restore the row from a backup of the database.",
        ),
        check: |tx, _| store::reservations(tx),
    },
    Invariant {
        name: "product_events",
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
