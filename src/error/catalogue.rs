//! All codes, each with its message, its cause and its remedy, in Indonesian and English.

use super::code::{Code, Kind};
use crate::domain::Sentence;

macro_rules! catalogue {
    ($($ident:ident $kind:ident $name:literal:
        $id:literal, $en:literal, $cause_id:literal, $cause:literal, $remedy_id:literal, $remedy:literal;)*) => {
        $(#[doc = $cause] pub static $ident: Code = Code {
            name: $name,
            kind: Kind::$kind,
            message: Sentence::new($id, $en),
            cause: Sentence::new($cause_id, $cause),
            remedy: Sentence::new($remedy_id, $remedy),
        };)*

        /// Every code, in the order in which the documentation lists them.
        pub static CATALOGUE: &[&Code] = &[$(&$ident),*];
    };
}

catalogue! {
    BAD_JSON BadRequest "bad_json":
        "Isi permintaan bukan JSON yang benar.", "The body is not valid JSON.",
        "Isinya kosong, bukan UTF-8, bukan JSON, atau mengulang sebuah kunci.",
        "The body is empty, not UTF-8, not JSON, or repeats a key.",
        "Kirim satu objek JSON dalam UTF-8, tanpa byte order mark.",
        "Send one JSON object in UTF-8, without a byte order mark.";
    WRONG_TYPE BadRequest "wrong_type":
        "Tipe data dalam permintaan salah.", "The body has a value of the wrong type.",
        "Isinya bukan objek, atau sebuah isian memakai tipe JSON yang lain dari dokumentasi.",
        "The body is not an object, or a field holds another JSON type than documented.",
        "Bandingkan isian yang disebut di `errors` dengan dokumentasi: angka bukan teks, bilangan bulat tanpa pecahan.",
        "Compare the field named in `errors` with the documentation: numbers are not strings, whole numbers have no fraction.";
    BAD_QUERY BadRequest "bad_query":
        "Parameter kueri tidak benar.", "The query is not valid.",
        "Sebuah parameter kueri tidak dikenal, diulang, atau nilainya tidak mungkin.",
        "A query parameter is unknown, repeated, or has a value that it can't have.",
        "Perbaiki parameter yang disebut di `errors`; ambil kursor hanya dari header `Link`.",
        "Correct the parameter named in `errors`; take cursors only from a `Link` header.";
    BAD_HEADER BadRequest "bad_header":
        "Header permintaan tidak benar.", "A request header is not valid.",
        "Sebuah header diulang, tidak ada, atau nilainya tidak mungkin.",
        "A header is repeated, missing, or has a value that it can't have.",
        "Perbaiki header yang disebut di `detail`.",
        "Correct the header named in `detail`.";
    TOKEN_MISSING Unauthorized "token_missing":
        "Silakan masuk terlebih dahulu.", "Please log in first.",
        "Panggilan ini memerlukan token, tetapi permintaannya tidak membawanya.",
        "The call needs a token, and the request has none.",
        "Dapatkan token dari `POST /auth/login` milik service user, lalu kirim sebagai `Authorization: Bearer …`.",
        "Get one from `POST /auth/login` of the user service and send it as `Authorization: Bearer …`.";
    TOKEN_MALFORMED Unauthorized "token_malformed":
        "Token tidak dikirim dengan benar.", "The token was not sent properly.",
        "Header `Authorization` atau tiketnya diulang, terlalu panjang, dikirim berdua, atau bukan berbentuk `Bearer <token>`.",
        "The `Authorization` header or the ticket is repeated, too long, beside the other, or not of the form `Bearer <token>`.",
        "Kirim satu header, `Authorization: Bearer <token>`, dengan token seperti yang diberikan `POST /auth/login`.",
        "Send one header, `Authorization: Bearer <token>`, with the token as `POST /auth/login` gave it.";
    TOKEN_INVALID Unauthorized "token_invalid":
        "Token tidak sah.", "The token is not valid.",
        "Token bukan dari toko ini atau bukan untuk service ini, sudah diubah, atau belum berlaku.",
        "The token was not made by this shop or not for this service, was changed, or is not valid yet.",
        "Masuk lagi. Jika yang ditolak sebuah service: AUTH dan JWT_SECRET harus sama untuk semua service.",
        "Log in again. If it is a service that was refused: AUTH and JWT_SECRET must be the same for all services.";
    TOKEN_EXPIRED Unauthorized "token_expired":
        "Sesi telah berakhir, silakan masuk lagi.", "The session is over; please log in again.",
        "Masa berlaku token sudah habis.",
        "The token's time is over.",
        "Masuk lagi.",
        "Log in again.";
    TOKEN_REVOKED Unauthorized "token_revoked":
        "Sesi ini sudah tidak berlaku, silakan masuk lagi.", "This session has been ended; please log in again.",
        "Sejak token dibuat, pemiliknya keluar, mengganti kata sandi, berganti peran, atau dihapus.",
        "Since the token was made its user logged out, changed the password, got another role, or was removed.",
        "Masuk lagi.",
        "Log in again.";
    WRONG_CREDENTIALS Unauthorized "wrong_credentials":
        "Email atau kata sandi salah.", "The e-mail address or the password is wrong.",
        "Tidak ada akun dengan alamat dan kata sandi ini.",
        "No account has this address with this password.",
        "Perbaiki keduanya, atau daftar dulu.",
        "Correct them, or register first.";
    NOT_ALLOWED Forbidden "not_allowed":
        "Anda tidak berhak melakukan ini.", "You may not do this.",
        "Tokennya sah, tetapi bukan untuk panggilan ini.",
        "The token is good, but not for this call.",
        "Minta kepada admin; `pasar admin EMAIL` menjadikan sebuah akun admin.",
        "Ask an admin; `pasar admin EMAIL` makes an account one.";
    ORIGIN_NOT_ALLOWED Forbidden "origin_not_allowed":
        "Asal halaman ini tidak diizinkan.", "Pages of this origin may not call this service.",
        "Halaman web dari asal lain mengirim permintaan ini.",
        "A web page of another origin sent the request.",
        "Sajikan halaman itu dari mesin ini, atau tambahkan asalnya ke CORS_ORIGINS.",
        "Serve the page from this machine, or add its origin to CORS_ORIGINS.";
    ROUTE_NOT_FOUND NotFound "route_not_found":
        "Alamat tidak ditemukan.", "There is nothing at this address.",
        "Tidak ada rute dengan path ini.",
        "No route has this path.",
        "`GET /` menyebutkan semua endpoint service.",
        "`GET /` lists the endpoints of the service.";
    USER_NOT_FOUND NotFound "user_not_found":
        "Pengguna tidak ditemukan.", "User not found.",
        "Tidak ada user dengan id ini.",
        "No user has this id.",
        "`GET /users` menyebutkan yang ada.",
        "`GET /users` lists those there are.";
    PRODUCT_NOT_FOUND NotFound "product_not_found":
        "Produk tidak ditemukan.", "Product not found.",
        "Tidak ada produk dengan id ini.",
        "No product has this id.",
        "`GET /products` menyebutkan yang ada.",
        "`GET /products` lists those there are.";
    ORDER_NOT_FOUND NotFound "order_not_found":
        "Pemesanan tidak ditemukan.", "Order not found.",
        "Tidak ada pesanan dengan id ini.",
        "No order has this id.",
        "`GET /orders` menyebutkan yang ada.",
        "`GET /orders` lists those there are.";
    PAYMENT_NOT_FOUND NotFound "payment_not_found":
        "Pembayaran tidak ditemukan.", "Payment not found.",
        "Tidak ada pembayaran dengan id ini, atau pesanannya belum punya pembayaran.",
        "No payment has this id, or the order has none.",
        "`GET /payments` menyebutkan yang ada.",
        "`GET /payments` lists those there are.";
    RESERVATION_NOT_FOUND NotFound "reservation_not_found":
        "Reservasi tidak ditemukan.", "Reservation not found.",
        "Tidak ada reservasi dengan kunci ini, atau kuncinya bukan UUID berhuruf kecil.",
        "No reservation has this key, or the key is not a UUID in lower case.",
        "Buat reservasinya sebelum menjadikannya penjualan.",
        "Make the reservation before you commit it.";
    METHOD_NOT_ALLOWED MethodNotAllowed "method_not_allowed":
        "Metode ini tidak didukung di alamat ini.", "This address does not support the method.",
        "Path-nya ada, tetapi tidak dengan metode ini.",
        "The path exists, but not with this method.",
        "Pakai salah satu metode di header `Allow`.",
        "Use one of the methods in the `Allow` header.";
    REQUEST_TIMEOUT Timeout "request_timeout":
        "Permintaan tidak selesai pada waktunya.", "The request took too long.",
        "Isi permintaan belum lengkap ketika batas waktunya habis. Tidak ada yang disimpan.",
        "The body was not complete within the time limit. Nothing was kept.",
        "Kirim seluruh permintaan sekaligus, lalu coba lagi.",
        "Send the whole request at once, and try again.";
    EMAIL_TAKEN Conflict "email_taken":
        "Email sudah terdaftar.", "The e-mail address is taken.",
        "User lain sudah memakai alamat email ini.",
        "Another user has this e-mail address.",
        "Pakai alamat lain, atau user yang memilikinya.",
        "Use another address, or the user that has it.";
    INSUFFICIENT_STOCK Conflict "insufficient_stock":
        "Stok tidak mencukupi.", "There is not enough stock.",
        "Sisa barang kurang dari yang diminta; `detail` menyebut produk dan sisanya.",
        "Fewer units are left than are asked for; `detail` names the product and what is left.",
        "Minta lebih sedikit, atau tunggu sampai ada lagi.",
        "Ask for fewer, or wait until there are more.";
    STOCK_TOO_LARGE Conflict "stock_too_large":
        "Stok menjadi terlalu besar.", "The stock becomes too large.",
        "Stok sebuah produk paling banyak 1000000000.",
        "A product can have at most 1000000000 units in stock.",
        "Tambahkan lebih sedikit.",
        "Add fewer units.";
    STOCK_HELD Conflict "stock_held":
        "Stok produk ini sedang ditahan oleh pesanan.", "Orders hold stock of this product.",
        "Produk yang stoknya ditahan pesanan tidak bisa dihapus, dan stoknya tidak bisa berhenti dicatat.",
        "A product whose stock is held by orders can't be removed, nor can its stock stop being tracked.",
        "Konfirmasi atau batalkan dulu pesanannya.",
        "Confirm or cancel the orders first.";
    RESERVATION_DIFFERS Conflict "reservation_differs":
        "Kunci reservasi ini sudah dipakai untuk barang lain.", "This key is of a reservation of other items.",
        "Kunci ini pernah dipakai dengan barang lain.",
        "The key was used before with other items.",
        "Pakai kunci baru untuk reservasi baru; ulangi kunci hanya dengan barang yang persis sama.",
        "Use a fresh key for a new reservation; repeat a key only with the very same items.";
    RESERVATION_RELEASED Conflict "reservation_released":
        "Reservasi ini sudah dilepas.", "This reservation has been released.",
        "Stoknya sudah dikembalikan, atau kuncinya dilepas sebelum dipakai.",
        "The stock was given back, or the key was given up before it was used.",
        "Buat reservasi lagi dengan kunci baru.",
        "Reserve anew under a fresh key.";
    RESERVATION_COMMITTED Conflict "reservation_committed":
        "Reservasi ini sudah menjadi penjualan.", "This reservation has become a sale.",
        "Yang sudah terjual tidak bisa dikembalikan lewat reservasinya.",
        "What is sold can't be given back by its reservation.",
        "Sesuaikan stok produknya bila barangnya kembali.",
        "Adjust the stock of the product if the goods came back.";
    TOO_MANY_OPEN_ORDERS Conflict "too_many_open_orders":
        "Terlalu banyak pesanan yang belum dibayar.", "Too many orders wait to be paid.",
        "Jumlah pesanan sebuah akun yang menunggu dibayar ada batasnya (MAX_PENDING_ORDERS); `detail` menyebut batas itu.",
        "An account can have so many orders that wait to be paid (MAX_PENDING_ORDERS); `detail` says how many.",
        "Bayar atau batalkan salah satu, atau tunggu sampai ada yang kedaluwarsa.",
        "Pay or cancel one of them, or wait until one expires.";
    TOO_MANY_HELD_UNITS Conflict "too_many_held_units":
        "Pesanan yang belum dibayar menahan terlalu banyak barang.", "Unpaid orders hold too many units.",
        "Jumlah barang berstok yang ditahan pesanan belum dibayar sebuah akun ada batasnya (MAX_HELD_UNITS); `detail` menyebut batas itu.",
        "The unpaid orders of an account can hold so many units of products whose stock is tracked (MAX_HELD_UNITS); `detail` says how many.",
        "Minta lebih sedikit, bayar atau batalkan sebuah pesanan, atau tunggu sampai ada yang kedaluwarsa.",
        "Ask for fewer, pay or cancel an order, or wait until one expires.";
    ORDER_STATE Conflict "order_state":
        "Status pesanan tidak mengizinkan ini.", "The order's status does not allow this.",
        "Pesanan sudah melangkah lebih jauh, atau belum sampai ke sana; `detail` menyebut statusnya.",
        "The order has moved on, or has not come so far; `detail` names its status.",
        "Baca pesanan itu lagi, lalu putuskan ulang.",
        "Read the order again and decide anew.";
    PRICE_DIFFERS Conflict "price_differs":
        "Harga tidak sama dengan harga di katalog.", "The price is not the catalogue's.",
        "Katalog punya produk bernama sama dengan harga lain, yang disebut di `detail`.",
        "The catalogue has a product of this name at another price, which `detail` names.",
        "Pesan dengan harga katalog.",
        "Order at the catalogue's price.";
    PAYMENT_TOO_LATE Conflict "payment_too_late":
        "Waktu pembayaran telah habis.", "The time for the payment is over.",
        "Pembayaran atau pesanannya tidak dilunasi tepat waktu; keduanya sudah kedaluwarsa.",
        "The payment, or the order that it is for, was not paid in time; both have expired.",
        "Buat pesanan baru.",
        "Place a new order.";
    PAYMENT_OPEN Conflict "payment_open":
        "Pesanan ini sudah memiliki pembayaran yang terbuka.", "The order has an open payment already.",
        "Sebuah pesanan hanya punya satu pembayaran terbuka; `detail` menyebutnya.",
        "An order has one open payment at a time; `detail` names it.",
        "Konfirmasi pembayaran itu, atau tunggu sampai kedaluwarsa.",
        "Confirm that payment, or wait until it expires.";
    PAYMENT_DECLINED Conflict "payment_declined":
        "Pembayaran ditolak.", "The payment was declined.",
        "Gerbang pembayaran menolak tagihannya; pesanan gagal dan stoknya sudah kembali.",
        "The payment gateway declined the charge; the order has failed and its stock is back.",
        "Buat pesanan baru dan bayar dengan cara lain.",
        "Place a new order and pay by another method.";
    PAYMENT_MISMATCH Conflict "payment_mismatch":
        "Data pembayaran tidak sesuai dengan pesanan.", "The payment does not match the order.",
        "Jumlah atau user-nya bukan milik pesanan itu; `detail` menyebut yang tercatat di pesanan.",
        "The amount or the user is not the order's; `detail` names what the order says.",
        "Kosongkan kedua isian itu, atau kirim yang tercatat di pesanan.",
        "Leave these fields out, or send what the order says.";
    KEY_UNDER_WAY UnderWay "key_under_way":
        "Permintaan yang sama sedang diproses.", "The same request is being worked on.",
        "Permintaan dengan Idempotency-Key ini belum dijawab.",
        "A request with this Idempotency-Key has not been answered yet.",
        "Tunggu selama `Retry-After`, lalu kirim lagi.",
        "Wait for `Retry-After` and send it again.";
    BODY_TOO_LARGE TooLarge "body_too_large":
        "Isi permintaan terlalu besar.", "The body is too large.",
        "Isi permintaan lebih besar dari 64 KiB.",
        "The body is larger than 64 KiB.",
        "Kirim lebih sedikit sekaligus.",
        "Send less at once.";
    UNSUPPORTED_MEDIA_TYPE UnsupportedMediaType "unsupported_media_type":
        "Isi permintaan harus application/json.", "The body must be application/json.",
        "`Content-Type` tidak ada atau bukan JSON, atau isinya dimampatkan.",
        "The `Content-Type` is missing or not JSON, or the body is compressed.",
        "Kirim `Content-Type: application/json` tanpa `Content-Encoding`.",
        "Send `Content-Type: application/json` and no `Content-Encoding`.";
    HOST_NOT_ALLOWED Misdirected "host_not_allowed":
        "Nama host ini tidak dilayani.", "This server does not answer for that host.",
        "Header `Host` bukan alamat loopback mesin ini dan bukan nama yang diizinkan.",
        "The `Host` header names neither this machine's loopback address nor an allowed name.",
        "Pakai localhost, atau tambahkan namanya ke ALLOWED_HOSTS.",
        "Use localhost, or add the name to ALLOWED_HOSTS.";
    LAB_OFF Forbidden "lab_off":
        "Panggilan tidak dicatat, dan tidak bisa diganggu, di sini.", "Calls are neither recorded nor broken here.",
        "LAB=off, atau toko ini meminta akun atau terbuka bagi mesin lain, dan LAB tidak disetel.",
        "LAB is off, or one has to log in here or other machines may call, and LAB is not set.",
        "Jalankan dengan LAB=on.",
        "Start it with LAB=on.";
    CALL_NOT_FOUND NotFound "call_not_found":
        "Panggilan itu tidak ada, atau sudah tidak disimpan.", "There is no such call, or it is not kept any more.",
        "Hanya panggilan terbaru yang disimpan, sampai RECORDED_CALLS, dan hanya selama proses hidup.",
        "Only the newest calls are kept, up to RECORDED_CALLS, and only while the process lives.",
        "Ambil yang terbaru dari `GET /calls`.",
        "Take a newer one from `GET /calls`.";
    RESET_REFUSED Forbidden "reset_refused":
        "Toko ini tidak boleh dikosongkan dari sini.", "This shop can't be reset from here.",
        "Toko ini meminta akun, terbuka bagi mesin lain, atau LAB mati: hanya toko untuk mencoba-coba yang boleh dikosongkan.",
        "One has to log in here, other machines may call, or LAB is off: only a shop to try things in may be reset.",
        "Hentikan service, jalankan `pasar reset`, lalu mulai lagi.",
        "Stop the services, run `pasar reset`, and start them again.";
    LESSON_NOT_FOUND NotFound "lesson_not_found":
        "Pelajaran itu tidak ada di sini.", "There is no such lesson here.",
        "Setiap pelajaran dinilai pada service-nya; yang ini punya service lain, atau tidak ada.",
        "Each lesson is judged at its service; this one is judged at another, or there is none.",
        "Lihat pelajaran yang ada dengan `GET /lessons` atau `pasar lesson`.",
        "See the lessons with `GET /lessons` or `pasar lesson`.";
    FAULT_NOT_FOUND NotFound "fault_not_found":
        "Gangguan itu tidak ada.", "There is no such fault.",
        "Tidak pernah dipasang pada server ini, atau sudah dicabut. Namanya 1 sampai 64 huruf, angka, `-`, `_` atau `.`.",
        "It was never armed at this server, or was removed. A name has 1 to 64 letters, digits, `-`, `_` or `.`.",
        "Lihat yang terpasang dengan `GET /faults`.",
        "See what is armed with `GET /faults`.";
    FAULT_ELSEWHERE Conflict "fault_elsewhere":
        "Gangguan itu tidak bisa terjadi di sini.", "That fault can't happen here.",
        "Gangguan terjadi pada service yang memanggil; yang dari klien, event atau `anybody` pada service yang dituju.",
        "A fault happens at the service that calls; one from clients, events or `anybody` at the service that they reach.",
        "Pasang pada service itu; `edges` dari `GET /faults` menyebut siapa memanggil siapa.",
        "Arm it at that service; `edges` of `GET /faults` says who calls whom.";
    TOO_MANY_FAULTS Conflict "too_many_faults":
        "Terlalu banyak gangguan terpasang.", "Too many faults are armed.",
        "Paling banyak 50 gangguan dalam satu proses.",
        "A process has 50 faults at most.",
        "Cabut dulu yang sudah selesai: `DELETE /faults/{name}`.",
        "Remove those that are done first: `DELETE /faults/{name}`.";
    TOO_MANY_ATTEMPTS TooMany "too_many_attempts":
        "Terlalu banyak percobaan, coba lagi nanti.", "Too many attempts; please try again later.",
        "Terlalu banyak percobaan kata sandi untuk akun ini, atau terlalu banyak percobaan dan pendaftaran dari jaringan ini.",
        "There were too many attempts at the password of this account, or too many attempts and registrations from this network.",
        "Tunggu selama `Retry-After`; `detail` menyebut batas yang mana.",
        "Wait for `Retry-After`; `detail` says which limit it was.";
    INVALID_FIELDS Invalid "invalid_fields":
        "Ada isian yang tidak benar.", "Some fields are not valid.",
        "Sebuah isian tidak ada, tidak dikenal, atau melanggar aturan.",
        "A field is missing, unknown, or breaks a rule.",
        "`errors` menyebut setiap isian dan apa yang salah dengannya.",
        "`errors` names each field and what is wrong with it.";
    IDEMPOTENCY_KEY_REUSED Invalid "idempotency_key_reused":
        "Idempotency-Key ini sudah dipakai untuk permintaan lain.",
        "This Idempotency-Key was used for another request.",
        "Kunci ini pernah dikirim dengan isi lain.",
        "The key was sent before with another body.",
        "Pakai kunci baru untuk permintaan baru; ulangi kunci hanya dengan isi yang persis sama.",
        "Use a fresh key for a new request; repeat a key only with the very same body.";
    PAYMENT_STATUS_INVALID Invalid "payment_status_invalid":
        "Status pembayaran tidak valid.", "The payment status is not valid.",
        "`payment_status` bukan salah satu status yang ada.",
        "`payment_status` is not one of those that there are.",
        "Kirim `pending`, `paid`, `failed`, atau `expired`.",
        "Send `pending`, `paid`, `failed` or `expired`.";
    BUSY Unavailable "busy":
        "Layanan sedang sibuk, coba lagi sebentar.", "The service is busy; please try again shortly.",
        "Pekerjaan yang menunggu lebih banyak daripada yang diterima service.",
        "More work is waiting than the service takes on.",
        "Tunggu selama `Retry-After`, lalu coba lagi.",
        "Wait for `Retry-After` and try again.";
    TOO_SLOW Unavailable "too_slow":
        "Layanan terlalu lama menjawab.", "The service took too long to answer.",
        "Jawabannya tidak siap tepat waktu. Perubahan yang diminta mungkin tetap terjadi.",
        "The answer was not ready in time. A change that was asked for may have been made all the same.",
        "Periksa apakah sudah terjadi, atau ulangi permintaan dengan Idempotency-Key yang sama. Persempit pencarian dengan saringan lain.",
        "Look whether it was made, or repeat the request with the same Idempotency-Key. Narrow a search with further filters.";
    STORAGE_UNAVAILABLE Unavailable "storage_unavailable":
        "Penyimpanan data sedang tidak tersedia.", "The storage is unavailable at the moment.",
        "Basis data terkunci, penuh, rusak, atau gagal. Tidak ada yang disimpan dari permintaan ini.",
        "The database is locked, full, damaged or failing. Nothing of the request was kept.",
        "Beri ruang atau perbaiki diskenya; service berlanjut sendiri. Pulihkan berkas yang rusak dan mulai ulang. Lalu coba lagi.",
        "Make room or repair the disk; the service goes on by itself. Restore a damaged file and restart. Then try again.";
    PEER_UNAVAILABLE Unavailable "peer_unavailable":
        "Layanan lain sedang tidak dapat dihubungi.", "Another service can't be reached at the moment.",
        "Service yang dibutuhkan panggilan ini mati, terlalu lambat, atau menjawab ngawur. Tidak ada yang disimpan.",
        "A service that this call needs is down, too slow, or answers nonsense. Nothing was kept.",
        "Nyalakan service yang disebut di `detail`, atau tunggu selama `Retry-After`, lalu coba lagi.",
        "Start the service named in `detail`, or wait for `Retry-After`, and try again.";
    PAYMENT_UNSETTLED Unavailable "payment_unsettled":
        "Pembayaran sedang diselesaikan.", "The payment is being settled.",
        "Pembayaran dikonfirmasi tepat waktu, tetapi service order atau gerbang pembayaran belum menjawab. Ia tidak akan kedaluwarsa lagi.",
        "It was confirmed in time, but the order service or the gateway does not answer yet. It does not expire any more.",
        "Tidak perlu apa-apa: ia selesai sendiri. Tanyakan pembayarannya lagi setelah `Retry-After`.",
        "Nothing: it settles by itself. Ask for the payment again after `Retry-After`.";
    INTERNAL Internal "internal":
        "Terjadi kesalahan pada layanan.", "Something went wrong in the service.",
        "Ada kekeliruan di service itu sendiri; catatannya ada di log, di bawah id permintaan.",
        "A mistake in the service itself; its log has the details under the request id.",
        "Laporkan dengan `X-Request-Id` dari jawabannya.",
        "Report it with the `X-Request-Id` of the answer.";
}
