//! Lessons about calls between services.

use super::evidence::{header, is_refused, json, key};
use super::lesson::{Judged, Lesson, Step, say};
use crate::domain::Sentence;

pub const ONE_ORDER: Lesson = Lesson {
    number: 1,
    service: "order",
    title: Sentence::new("Panggilan satu pesanan", "The calls of one order"),
    goal: Sentence::new(
        "Lihat siapa memanggil siapa saat satu pesanan dibuat, dan apa yang terjadi bila satu panggilan ditolak.",
        "See who calls whom when one order is placed, and what happens if one call is refused.",
    ),
    steps: &[
        Step::new(
            "Buat satu pesanan berisi dua produk.",
            "Order two products at once.",
            "curl {order}/orders -d '{\"user_id\": 1, \"items\": [{\"product_id\": 1, \"quantity\": 1}, {\"product_id\": 2, \"quantity\": 1}]}' -H 'Content-Type: application/json'",
        ),
        Step::new(
            "Buat satu pesanan untuk produk yang tidak ada.",
            "Order a product that does not exist.",
            "curl {order}/orders -d '{\"user_id\": 1, \"product_id\": 999999}' -H 'Content-Type: application/json'",
        ),
    ],
    hint: Sentence::new(
        "Service order bertanya dulu kepada service user dan product; baru setelah semuanya menjawab, ia menulis.",
        "The order service first asks the user and the product service; only when all have answered does it write.",
    ),
    why: Sentence::new(
        "Sebelum semua jawaban ada, tidak ada yang ditulis. Karena itu penolakan tidak meninggalkan apa-apa, dan tidak perlu dibatalkan.",
        "Nothing is written before all answers are there. So a refusal leaves nothing behind, and nothing has to be undone.",
    ),
    code: &["src/order/placement.rs", "src/order/client.rs", "src/peer.rs"],
    judge: |evidence| {
        let orders = || evidence.answers("POST", "/orders");
        let items = |answer| json(answer)["items"].as_array().map_or(0, Vec::len);
        let placed = orders().filter(|one| one.status == Some(201) && items(&one.response) >= 2).last();
        let refused = orders().filter(|one| is_refused(one, "product_not_found")).last();
        let passed = || {
            let calls: Vec<_> = placed.map(|placed| evidence.calls_for(placed)).unwrap_or_default();
            let calls: Vec<_> = calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
            let (count, calls) = (calls.len(), calls.join(", "));
            let wrote = refused.is_some_and(|refused| evidence.wrote_for(refused));
            let (id, en) = if wrote { ("sesuatu", "something") } else { ("apa-apa", "nothing") };
            say(
                format!("Pesanan itu membuat {count} panggilan: {calls}. Yang ditolak tidak menulis {id}."),
                format!("The order made {count} calls: {calls}. The one that was refused wrote {en}."),
            )
        };
        Judged::of(
            [placed.is_some(), refused.is_some()],
            passed,
            [
                Sentence::new(
                    "Belum ada pesanan berisi dua produk yang berhasil.",
                    "No order of two products has been placed yet.",
                ),
                Sentence::new(
                    "Belum ada pesanan yang ditolak karena produknya tidak ada.",
                    "No order has been refused yet because its product does not exist.",
                ),
            ],
        )
    },
};

pub const SERVICE_DOWN: Lesson = Lesson {
    number: 2,
    service: "order",
    title: Sentence::new("Sebuah service mati", "A service is down"),
    goal: Sentence::new(
        "Hentikan service product dan lihat bahwa pesanan ditolak dengan jujur, lalu berhasil saat dikirim lagi.",
        "Stop the product service, see that an order is refused honestly, and placed when it is sent again.",
    ),
    steps: &[
        Step::new(
            "Hentikan service product, lalu pesan dengan sebuah Idempotency-Key: jawabannya 503 dengan Retry-After.",
            "Stop the product service, then order with an Idempotency-Key: the answer is 503 with Retry-After.",
            "pasar fault arm anybody product stop; curl -i {order}/orders -d '{\"user_id\": 1, \"product_id\": 1}' -H 'Content-Type: application/json' -H 'Idempotency-Key: lesson-2'",
        ),
        Step::new(
            "Jalankan lagi service product, tunggu sebentar, dan kirim permintaan yang sama dengan key yang sama.",
            "Run the product service again, wait a moment, and send the same request with the same key.",
            "pasar fault clear; sleep 2; curl -i {order}/orders -d '{\"user_id\": 1, \"product_id\": 1}' -H 'Content-Type: application/json' -H 'Idempotency-Key: lesson-2'",
        ),
    ],
    hint: Sentence::new(
        "Setelah beberapa kegagalan, pemutus sirkuit terbuka: selama sedetik tidak ada yang dikirim.",
        "After some failures the circuit breaker opens: for a second, nothing is sent.",
    ),
    why: Sentence::new(
        "503 dengan Retry-After berarti: belum terjadi apa-apa, silakan coba lagi. Key membuat percobaan berikutnya aman.",
        "503 with Retry-After means: nothing has happened yet, please try again. The key makes the next attempt safe.",
    ),
    code: &["src/peer.rs", "src/peer/breaker.rs", "src/order/placement.rs"],
    judge: |evidence| {
        let orders = || evidence.answers("POST", "/orders");
        let refused = |one: &&_| is_unavailable(one);
        let with_key = orders().filter(refused).find(|one| key(one).is_some());
        let placed = orders().filter(refused).filter_map(|one| Some((one, key(one)?))).find_map(|(one, name)| {
            let later = |again: &&crate::calls::Record| {
                again.began > one.began && again.status == Some(201) && key(again) == Some(name)
            };
            Some((one, orders().find(later)?))
        });
        let passed = || {
            let (attempts, order) = placed.map_or((0, json(&Default::default())), |(one, again)| {
                (evidence.calls_for(one).len(), json(&again.response)["id"].clone())
            });
            say(
                format!("Ditolak 503 setelah {attempts} panggilan, lalu dengan key yang sama menjadi pesanan {order}."),
                format!("Refused with 503 after {attempts} calls, then placed as order {order} with the same key."),
            )
        };
        let no_refusal = if orders().any(|one| refused(&one)) {
            Sentence::new(
                "Pesanan yang ditolak tidak membawa Idempotency-Key: dikirim lagi, ia bisa menjadi dua pesanan.",
                "The order that was refused had no Idempotency-Key: sent again, it could become two orders.",
            )
        } else {
            Sentence::new(
                "Belum ada pesanan yang ditolak dengan 503: hentikan dulu service product.",
                "No order has been refused with 503 yet: stop the product service first.",
            )
        };
        Judged::of(
            [with_key.is_some(), placed.is_some()],
            passed,
            [
                no_refusal,
                Sentence::new(
                    "Pesanan yang ditolak belum dikirim lagi dengan key yang sama, atau belum berhasil.",
                    "The order that was refused has not been sent again with the same key, or not been placed.",
                ),
            ],
        )
    },
};

/// Whether a request was refused because another service is down, and says when to come back.
fn is_unavailable(answer: &crate::calls::Record) -> bool {
    is_refused(answer, "peer_unavailable") && header(&answer.response, "Retry-After").is_some()
}
