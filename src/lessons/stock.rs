//! Lessons about stock and deadlines.

use super::evidence::{is_refused, json};
use super::lesson::{Judged, Lesson, Step, say};
use crate::calls::Record;
use crate::domain::Sentence;

pub const LAST_UNIT: Lesson = Lesson {
    number: 5,
    service: "order",
    title: Sentence::new("Unit terakhir", "The last unit"),
    goal: Sentence::new(
        "Dua pembeli menginginkan unit terakhir. Satu mendapatkannya, yang lain diberi tahu.",
        "Two customers want the last unit. One gets it, the other is refused.",
    ),
    steps: &[
        Step::new(
            "Buat produk dengan stok 1, dan pesan.",
            "Add a product with a stock of 1, and order it.",
            "curl {product}/products -d '{\"name\": \"Batik Tulis\", \"price\": 450000, \"stock\": 1}' -H 'Content-Type: application/json'; curl {order}/orders -d '{\"user_id\": 1, \"product_id\": 4}' -H 'Content-Type: application/json'",
        ),
        Step::new(
            "Pesan sekali lagi: jawabannya 409 insufficient_stock.",
            "Order it once more: the answer is 409 insufficient_stock.",
            "curl -i {order}/orders -d '{\"user_id\": 1, \"product_id\": 4}' -H 'Content-Type: application/json'",
        ),
    ],
    hint: Sentence::new(
        "Ganti 4 dengan id produk Anda. Coba juga keduanya pada saat yang sama: hasilnya tidak berubah.",
        "Put the id of your product for 4. Try both at the same time, too: the outcome is the same.",
    ),
    why: Sentence::new(
        "Reservasi mengurangi stok dengan satu perintah yang gagal bila stok kurang. Membaca dulu, lalu menulis, akan menjual unit itu dua kali.",
        "A reservation takes stock with one statement that fails if there is too little. To read first and write afterwards would sell the unit twice.",
    ),
    code: &["src/product/store.rs", "src/order/placement.rs"],
    judge: |evidence| {
        let orders = || evidence.answers("POST", "/orders");
        let product = |one: &Record| {
            let body = json(&one.request);
            body["product_id"].as_i64().or(body["items"][0]["product_id"].as_i64())
        };
        let reserved = |one: &&Record| {
            one.status == Some(201)
                && evidence.calls_for(one).iter().any(|call| call.path.starts_with("/reservations/"))
        };
        let placed = orders().filter(reserved).last();
        let refused: Vec<_> = orders()
            .filter(|one| is_refused(one, "insufficient_stock"))
            .filter_map(|one| Some((product(one)?, one.began)))
            .collect();
        let pair = orders().filter(reserved).find_map(|one| {
            let same = product(one)?;
            let is_later = refused.iter().any(|(product, began)| *product == same && *began > one.began);
            is_later.then(|| (same, json(&one.response)["id"].clone()))
        });
        let passed = || {
            let (product, order) =
                pair.as_ref().map_or_else(Default::default, |(product, order)| (*product, order.clone()));
            say(
                format!("Produk {product} menjadi pesanan {order}; pesanan sesudahnya ditolak, karena tidak ada lagi."),
                format!(
                    "Product {product} became order {order}; the order after it was refused, as there is none left."
                ),
            )
        };
        Judged::of(
            [placed.is_some(), pair.is_some()],
            passed,
            [
                Sentence::new(
                    "Belum ada pesanan atas produk yang stoknya dihitung.",
                    "No product whose stock is tracked has been ordered yet.",
                ),
                Sentence::new(
                    "Belum ada pesanan atas produk yang sama yang ditolak karena stoknya habis.",
                    "No order of the same product has been refused yet because it is sold out.",
                ),
            ],
        )
    },
};

pub const PAID_TOO_LATE: Lesson = Lesson {
    number: 6,
    service: "payment",
    title: Sentence::new("Terlambat membayar", "Paid too late"),
    goal: Sentence::new(
        "Bayar setelah waktunya habis: pembayaran ditolak dan uang tidak berpindah.",
        "Pay when the time is over: the payment is refused and no money moves.",
    ),
    steps: &[
        Step::new(
            "Pesan, dan mulai membayar.",
            "Order, and begin to pay.",
            "curl {order}/orders -d '{\"user_id\": 1, \"product_id\": 1}' -H 'Content-Type: application/json'; curl {payment}/payments -d '{\"order_id\": 1}' -H 'Content-Type: application/json'",
        ),
        Step::new(
            "Tunggu sampai waktu membayar habis, lalu konfirmasikan pembayarannya: jawabannya 409 payment_too_late.",
            "Wait until the time to pay is over, then confirm the payment: the answer is 409 payment_too_late.",
            "sleep 11; curl -i {payment}/payments/confirm -d '{\"order_id\": 1}' -H 'Content-Type: application/json'",
        ),
    ],
    hint: Sentence::new(
        "Ganti 1 dengan id pesanan Anda. Waktu membayar adalah PAYMENT_WINDOW, biasanya 10 detik.",
        "Put the id of your order for 1. The time to pay is PAYMENT_WINDOW, 10 seconds unless it is set.",
    ),
    why: Sentence::new(
        "Batas waktu diputuskan oleh satu tulisan di basis data, bukan oleh jam klien. Membayar, membatalkan dan kedaluwarsa berlomba; hanya satu yang menang.",
        "The deadline is decided by one write to the database, not by the client's clock. Paying, cancelling and expiring race; only one wins.",
    ),
    code: &["src/payment/settlement.rs", "src/payment/store.rs", "src/order/lifecycle.rs"],
    judge: |evidence| {
        let begun = evidence.answers("POST", "/payments").any(|one| one.status == Some(201));
        let late = |one: &&Record| is_refused(one, "payment_too_late");
        let late = evidence.answers("POST", "/payments/confirm").find(late);
        let passed = || {
            let detail = late.map(|late| json(&late.response)["detail"].clone()).unwrap_or_default();
            let detail = detail.as_str().unwrap_or_default().to_owned();
            say(
                format!("Konfirmasi ditolak dengan payment_too_late. {detail}"),
                format!("The confirmation was refused with payment_too_late. {detail}"),
            )
        };
        Judged::of(
            [begun, late.is_some()],
            passed,
            [
                Sentence::new("Belum ada pembayaran yang dimulai.", "No payment has been begun yet."),
                Sentence::new(
                    "Belum ada pembayaran yang dikonfirmasi setelah waktunya habis.",
                    "No payment has been confirmed yet when its time was over.",
                ),
            ],
        )
    },
};
