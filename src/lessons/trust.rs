//! Lessons about answers that do not arrive.

use super::evidence::{is_refused, is_replay, json, key};
use super::lesson::{Judged, Lesson, Step, say};
use crate::calls::Record;
use crate::domain::Sentence;

pub const LOST_ANSWER: Lesson = Lesson {
    number: 3,
    service: "order",
    title: Sentence::new("Jawaban hilang setelah commit", "The answer is lost after the commit"),
    goal: Sentence::new(
        "Pesanan sudah disimpan, tetapi jawabannya hilang di jalan. Kirim lagi tanpa membuat dua pesanan.",
        "The order is stored, but its answer is lost on the way. Send it again without making two orders.",
    ),
    steps: &[
        Step::new(
            "Pasang gangguan yang menghilangkan satu jawaban bagi klien, lalu pesan dengan sebuah Idempotency-Key.",
            "Arm a fault that loses one answer to clients, then order with an Idempotency-Key.",
            "pasar fault arm client order lose_answer --method POST --path /orders; curl {order}/orders -d '{\"user_id\": 1, \"product_id\": 1}' -H 'Content-Type: application/json' -H 'Idempotency-Key: lesson-3'",
        ),
        Step::new(
            "Kirim permintaan yang sama dengan key yang sama: jawabannya pesanan yang sudah ada.",
            "Send the same request with the same key: the answer is the order that exists already.",
            "curl -i {order}/orders -d '{\"user_id\": 1, \"product_id\": 1}' -H 'Content-Type: application/json' -H 'Idempotency-Key: lesson-3'",
        ),
    ],
    hint: Sentence::new(
        "Klien tidak bisa tahu apakah permintaannya atau jawabannya yang hilang. Jadi jangan menebak: kirim lagi, dengan key.",
        "A client can't know whether its request or the answer was lost. So do not guess: send it again, with a key.",
    ),
    why: Sentence::new(
        "Key disimpan dalam transaksi yang sama dengan pesanannya. Siapa yang mengirimnya lagi mendapat jawaban pertama.",
        "The key is stored in the same transaction as the order. Who sends it again gets the first answer.",
    ),
    code: &["src/storage/idempotency.rs", "src/order/placement.rs", "src/web/struck.rs"],
    judge: |evidence| {
        let orders = || evidence.answers("POST", "/orders");
        let lost = |one: &&Record| one.fault == Some("lose_answer") && one.status == Some(201);
        let with_key = orders().filter(lost).find(|one| key(one).is_some());
        let again = orders().filter(lost).filter_map(|one| Some((one, key(one)?))).find_map(|(one, name)| {
            orders().find(|again| again.began > one.began && is_replay(again) && key(again) == Some(name))
        });
        let passed = || {
            let order = again.map(|again| json(&again.response)["id"].clone()).unwrap_or_default();
            say(
                format!(
                    "Jawaban pesanan {order} hilang, dan key yang sama mendapatkannya kembali: satu pesanan, bukan dua."
                ),
                format!("The answer about order {order} was lost, and the same key got it back: one order, not two."),
            )
        };
        let nothing_lost = if orders().any(|one| lost(&one)) {
            Sentence::new(
                "Jawaban yang hilang itu milik pesanan tanpa Idempotency-Key: dikirim lagi, ia menjadi pesanan kedua.",
                "The answer that was lost is that of an order without an Idempotency-Key: sent again, it becomes a second order.",
            )
        } else {
            Sentence::new(
                "Belum ada jawaban pesanan yang hilang: pasang gangguannya, lalu pesan.",
                "No answer about an order has been lost yet: arm the fault, then order.",
            )
        };
        Judged::of(
            [with_key.is_some(), again.is_some()],
            passed,
            [
                nothing_lost,
                Sentence::new(
                    "Pesanan yang jawabannya hilang belum dikirim lagi dengan key yang sama.",
                    "The order whose answer was lost has not been sent again with the same key.",
                ),
            ],
        )
    },
};

pub const DOUBLE_CLICK: Lesson = Lesson {
    number: 4,
    service: "order",
    title: Sentence::new("Klik ganda", "The double click"),
    goal: Sentence::new(
        "Kirim satu pesanan dua kali pada saat yang sama, dan dapatkan satu pesanan.",
        "Send one order twice at the same time, and get one order.",
    ),
    steps: &[
        Step::new(
            "Perlambat panggilan ke service product supaya keduanya bertemu, lalu kirim permintaan yang sama dua kali sekaligus.",
            "Slow down the calls to the product service so that the two meet, then send the same request twice at once.",
            "pasar fault arm order product delay --delay 500ms --times 2; for i in 1 2; do curl -i {order}/orders -d '{\"user_id\": 1, \"product_id\": 1}' -H 'Content-Type: application/json' -H 'Idempotency-Key: lesson-4' & done; wait",
        ),
        Step::new(
            "Kirim sekali lagi dengan key yang sama: jawabannya pesanan yang sudah ada.",
            "Send it once more with the same key: the answer is the order that exists already.",
            "curl -i {order}/orders -d '{\"user_id\": 1, \"product_id\": 1}' -H 'Content-Type: application/json' -H 'Idempotency-Key: lesson-4'",
        ),
    ],
    hint: Sentence::new(
        "Yang kedua dijawab 409 key_under_way dengan Retry-After, atau dengan pesanan yang pertama.",
        "The second is answered 409 key_under_way with Retry-After, or with the order of the first.",
    ),
    why: Sentence::new(
        "Dua permintaan dengan satu key adalah satu niat. Hanya satu yang boleh menulis; yang lain menunggu atau mendapat jawaban yang sama.",
        "Two requests with one key are one intent. Only one may write; the other waits or gets the same answer.",
    ),
    code: &["src/storage/idempotency.rs", "src/order/placement.rs"],
    judge: |evidence| {
        let orders = || evidence.answers("POST", "/orders");
        // Both were under way at the same time, and one of them became the order.
        let twin = |one: &Record, name: &str| {
            let ended = one.began + one.took.unwrap_or_default();
            let is_twin = |other: &&Record| {
                !std::ptr::eq(*other, one)
                    && key(other) == Some(name)
                    && other.began >= one.began
                    && other.began < ended
            };
            orders().find(is_twin)
        };
        let pair = orders().filter_map(|one| Some((one, key(one)?))).find_map(|(one, name)| {
            let other = twin(one, name)?;
            let is_second = |one: &Record| is_refused(one, "key_under_way") || is_replay(one);
            let is_order = |one: &Record| one.status == Some(201) && !is_replay(one);
            let (first, second) = if is_order(one) { (one, other) } else { (other, one) };
            (is_order(first) && is_second(second)).then_some((first, second))
        });
        let again = pair.and_then(|(first, _)| {
            let ended = first.began + first.took.unwrap_or_default();
            orders().find(|again| again.began >= ended && is_replay(again) && key(again) == key(first))
        });
        let passed = || {
            let (order, status) = pair.map_or_else(Default::default, |(first, second)| {
                (json(&first.response)["id"].clone(), second.status.unwrap_or_default())
            });
            say(
                format!(
                    "Dari dua permintaan yang bersamaan, satu menjadi pesanan {order}, yang lain dijawab {status}."
                ),
                format!("Of two requests at the same time, one became order {order}, the other was answered {status}."),
            )
        };
        Judged::of(
            [pair.is_some(), again.is_some()],
            passed,
            [
                Sentence::new(
                    "Belum ada dua pesanan dengan key yang sama yang dikerjakan pada saat yang sama.",
                    "There have not been two orders with the same key under way at the same time yet.",
                ),
                Sentence::new(
                    "Setelah keduanya dijawab, key itu belum dikirim sekali lagi.",
                    "Since both were answered, the key has not been sent once more.",
                ),
            ],
        )
    },
};

pub const CRASH_BETWEEN: Lesson = Lesson {
    number: 7,
    service: "order",
    title: Sentence::new("Mati di antara reservasi dan pesanan", "A crash between reservation and order"),
    goal: Sentence::new(
        "Stok sudah ditahan, tetapi pesanannya tidak pernah ditulis. Lihat bagaimana stok itu kembali sendiri.",
        "Stock is reserved, but the order is never written. See how the stock comes back by itself.",
    ),
    steps: &[
        Step::new(
            "Buat produk dengan stok, dan pesan satu.",
            "Add a product with stock, and order one.",
            "curl {product}/products -d '{\"name\": \"Kopi Gayo\", \"price\": 85000, \"stock\": 5}' -H 'Content-Type: application/json'; curl {order}/orders -d '{\"user_id\": 1, \"product_id\": 4}' -H 'Content-Type: application/json'",
        ),
        Step::new(
            "Hilangkan kedua jawaban reservasi, lalu pesan produk itu: jawabannya 503.",
            "Lose both answers about the reservation, then order that product: the answer is 503.",
            "pasar fault arm order product lose_answer --method PUT --path '/reservations/{key}' --times 2; curl -i {order}/orders -d '{\"user_id\": 1, \"product_id\": 4}' -H 'Content-Type: application/json'",
        ),
        Step::new(
            "Tunggu beberapa detik: service order melepas reservasi itu.",
            "Wait some seconds: the order service releases the reservation.",
            "sleep 5; curl {product}/products/4/stock",
        ),
    ],
    hint: Sentence::new(
        "Bagi service order sama saja apakah ia mati atau jawabannya hilang: ia tidak tahu apakah stok sudah ditahan. Ganti 4 dengan id produk Anda.",
        "To the order service it is the same whether it crashed or the answer was lost: it does not know whether stock is reserved. Put the id of your product for 4.",
    ),
    why: Sentence::new(
        "Pelepasan ditulis ke basis data sebelum reservasi dikirim. Hanya pesanan yang tersimpan yang mencabutnya; mati di titik mana pun, stok kembali.",
        "The release is written to the database before the reservation is sent. Only an order that is stored withdraws it; wherever it crashes, the stock comes back.",
    ),
    code: &["src/order/placement.rs", "src/events/jobs.rs", "src/order/jobs.rs"],
    judge: |evidence| {
        let reserving = |call: &&Record| call.method == "PUT" && call.path.starts_with("/reservations/");
        let sent = evidence.calls("product").any(|call| reserving(&call));
        let lost = evidence.calls("product").filter(reserving).filter(|call| call.fault == Some("lose_answer"));
        let refused = |call: &&Record| {
            let of_call = |answer: &&Record| answer.context.trace().id() == call.context.trace().id();
            evidence.answers("POST", "/orders").filter(of_call).any(|answer| is_refused(answer, "peer_unavailable"))
        };
        let lost: Vec<_> = lost.filter(refused).collect();
        let released = lost.iter().find_map(|call| {
            let is_release = |other: &&Record| {
                other.method == "DELETE" && other.path == call.path && other.status.is_some_and(|status| status < 300)
            };
            Some((*call, evidence.calls("product").find(is_release)?))
        });
        let passed = || {
            let (key, took) = released.map_or_else(Default::default, |(call, release)| {
                let key = call.path.rsplit('/').next().unwrap_or_default();
                (key, release.began.saturating_duration_since(call.began).as_secs_f64())
            });
            say(
                format!("Reservasi {key} tidak pernah menjadi pesanan, dan dilepas setelah {took:.1} detik."),
                format!("Reservation {key} never became an order, and was released after {took:.1} seconds."),
            )
        };
        Judged::of(
            [sent, !lost.is_empty(), released.is_some()],
            passed,
            [
                Sentence::new(
                    "Belum ada pesanan atas produk yang stoknya dihitung.",
                    "No product whose stock is tracked has been ordered yet.",
                ),
                Sentence::new(
                    "Belum ada pesanan yang ditolak karena jawaban reservasinya hilang dua kali.",
                    "No order has been refused yet because the answer about its reservation was lost twice.",
                ),
                Sentence::new(
                    "Reservasinya belum dilepas: tunggu beberapa detik.",
                    "The reservation has not been released yet: wait some seconds.",
                ),
            ],
        )
    },
};
