//! The Indonesian of the descriptions in the OpenAPI document, for the help below the fields and for Swagger UI. The
//! document is in English, so its sentences are the keys.

const TRANSLATIONS: &[(&str, &str)] = &[
    // Lists.
    (
        "Rows at most; a busy server may give fewer, and a `Link`. Without it the whole list is streamed.",
        "Paling banyak sekian baris; server yang sibuk boleh memberi lebih sedikit, dengan `Link`. Tanpa ini seluruh daftar dialirkan.",
    ),
    ("The cursor of a `Link` header: where the page begins.", "Kursor dari header `Link`: awal halaman."),
    ("`id`: oldest first; `-id`: newest first.", "`id`: terlama dulu; `-id`: terbaru dulu."),
    // Keys and streams.
    (
        "A request that is sent again with the same key is answered as the first time, and changes nothing.",
        "Permintaan yang dikirim lagi dengan kunci yang sama dijawab seperti semula dan tidak mengubah apa pun.",
    ),
    (
        "The id of the last event that was seen: the stream goes on after it. Without one it begins with the first.",
        "Id peristiwa terakhir yang sudah dilihat: aliran berlanjut sesudahnya. Tanpa ini mulai dari yang pertama.",
    ),
    (
        "The id of the last event that was seen: the stream goes on after it. Without one it begins with what happens next.",
        "Id peristiwa terakhir yang sudah dilihat: aliran berlanjut sesudahnya. Tanpa ini mulai dari yang terjadi berikutnya.",
    ),
    ("Like the header, which goes before it.", "Seperti header itu, yang lebih didahulukan."),
    // Invariants.
    ("Whether an invariant holds, as it goes over the wire.", "Apakah sebuah invarian berlaku."),
    ("The service whose rows it is about.", "Service pemilik baris-barisnya."),
    ("What must hold.", "Apa yang harus selalu benar."),
    ("Sums and counts that show what was looked at.", "Jumlah dan hitungan yang menunjukkan apa yang diperiksa."),
    ("The ids of the rows at fault, up to twenty.", "Id baris yang salah, paling banyak dua puluh."),
    ("How many rows are at fault.", "Berapa baris yang salah."),
    ("What to do if it is broken.", "Apa yang harus dilakukan bila tidak berlaku."),
    ("Whether an invariant holds. A later one is worse.", "Apakah sebuah invarian berlaku. Makin akhir makin buruk."),
    ("A job that waits, or is being run.", "Panggilan yang menunggu atau sedang dilakukan."),
    ("The service that makes the call.", "Service yang memanggil."),
    (
        "Which call it is: `commit`, `release`, `refund`, `settle` or `tell`.",
        "Panggilan yang mana: `commit`, `release`, `refund`, `settle` atau `tell`.",
    ),
    ("The reservation, payment or order that it is about.", "Reservasi, pembayaran atau pesanan yang bersangkutan."),
    (
        "A reservation as other services compare it with their rows. Values are as they are stored.",
        "Reservasi, untuk dibandingkan service lain dengan barisnya. Nilainya seperti yang disimpan.",
    ),
    ("`held`, `committed` or `released`.", "`held`, `committed` atau `released`."),
    ("The units of products whose stock was tracked.", "Unit produk yang stoknya dihitung."),
    (
        "An order as other services compare it with their rows. Values are as they are stored.",
        "Pesanan, untuk dibandingkan service lain dengan barisnya. Nilainya seperti yang disimpan.",
    ),
    (
        "The payment that paid it; 0 if it was said to be paid without naming one; null if it was never paid.",
        "Pembayaran yang melunasinya; 0 bila dinyatakan lunas tanpa menyebutnya; `null` bila tak pernah dibayar.",
    ),
    ("The key of its reservation; null if it has none.", "Kunci reservasinya; `null` bila tidak ada."),
    (
        "The latest payment of an order, as other services compare it with their rows. Values are as they are stored.",
        "Pembayaran terbaru sebuah pesanan, untuk dibandingkan service lain dengan barisnya. Nilainya seperti yang disimpan.",
    ),
    // Calls.
    ("What a service did.", "Apa yang dilakukan sebuah service."),
    ("It answered a request.", "Menjawab permintaan."),
    ("It called another service.", "Memanggil service lain."),
    ("It wrote to its database.", "Menulis ke basis datanya."),
    ("It applied an event.", "Menerapkan peristiwa."),
    ("A call, an answer or a commit.", "Panggilan, jawaban atau commit."),
    ("Unique in the process.", "Unik di dalam proses."),
    ("The service that did it.", "Service yang melakukannya."),
    ("The service that was called.", "Service yang dipanggil."),
    ("The trace that it belongs to (W3C Trace Context).", "Jejaknya (W3C Trace Context)."),
    ("A call and its answer have the same span.", "Panggilan dan jawabannya punya span yang sama."),
    (
        "The span of the request during which it was done; null for an answer.",
        "Span permintaan yang sedang dikerjakan; `null` bagi jawaban.",
    ),
    ("The route that an answered request matched.", "Rute yang cocok dengan permintaan yang dijawab."),
    (
        "Of a call: 1, or 2 after a first attempt without a usable answer.",
        "Bagi panggilan: 1, atau 2 setelah percobaan pertama tanpa jawaban yang bisa dipakai.",
    ),
    (
        "Of a call: the milliseconds that the request had left for it.",
        "Bagi panggilan: sisa waktu permintaan itu, dalam milidetik.",
    ),
    ("By the clock of this process.", "Menurut jam proses ini."),
    ("Milliseconds; null while it is under way.", "Milidetik; `null` selama masih berjalan."),
    (
        "Why there was no answer, or none that could be used.",
        "Mengapa tidak ada jawaban, atau jawabannya tidak bisa dipakai.",
    ),
    (
        "The event that was applied. Its `parent` is the request that emitted it.",
        "Peristiwa yang diterapkan. `parent` adalah permintaan yang menerbitkannya.",
    ),
    ("The rows that a commit changed.", "Baris yang diubah sebuah commit."),
    ("An event that a subscriber has applied.", "Peristiwa yang sudah diterapkan seorang pelanggan."),
    ("Such as `order_created`.", "Misalnya `order_created`."),
    (
        "What it is about; events of one key are applied in order.",
        "Tentang apa; peristiwa dengan kunci yang sama diterapkan berurutan.",
    ),
    ("The rows that a commit changed in one table.", "Baris yang diubah sebuah commit di satu tabel."),
    ("A call with what was sent.", "Panggilan beserta isinya."),
    ("What was sent in one direction.", "Apa yang dikirim ke satu arah."),
    (
        "Those headers that change what a request or an answer means.",
        "Header yang mengubah arti permintaan atau jawaban.",
    ),
    (
        "Without secrets; null if there was none, or if it was longer than 2 KB or not JSON.",
        "Tanpa rahasia; `null` bila tidak ada, lebih dari 2 KB, atau bukan JSON.",
    ),
    ("The length of the body.", "Panjang isinya, dalam byte."),
    (
        "What an armed fault did to it, such as `lose_answer`.",
        "Apa yang dilakukan gangguan terhadapnya, misalnya `lose_answer`.",
    ),
    // Lessons.
    (
        "Judges only what has begun since, in milliseconds since 1970.",
        "Hanya menilai yang dimulai sejak itu, dalam milidetik sejak 1970.",
    ),
    ("A lesson, and how far somebody has come in it.", "Pelajaran, dan sudah sampai mana."),
    ("From 1.", "Mulai dari 1."),
    ("The service that it is judged at.", "Service tempat pelajaran ini dinilai."),
    ("Why it is so.", "Mengapa begitu."),
    ("The files in which it is programmed.", "Berkas tempat hal itu diprogram."),
    ("What the evidence is, or what is missing.", "Buktinya, atau apa yang masih kurang."),
    ("A step of a lesson.", "Langkah sebuah pelajaran."),
    ("The same as a command for a terminal.", "Hal yang sama sebagai perintah untuk terminal."),
    // Faults.
    ("A fault with its receipt.", "Gangguan beserta buktinya."),
    ("A service, `client`, `events` or `anybody`.", "Sebuah service, `client`, `events` atau `anybody`."),
    ("Only requests with this method.", "Hanya permintaan dengan metode ini."),
    (
        "Only this path, in which `{…}` matches any one segment.",
        "Hanya path ini; `{…}` cocok dengan satu segmen apa pun.",
    ),
    ("Of a delay.", "Bagi penundaan."),
    ("How often it may fire; null: until it is removed.", "Berapa kali boleh terjadi; `null`: sampai dicabut."),
    (
        "Of a hundred requests that it meets, how many it strikes.",
        "Dari seratus permintaan yang ditemuinya, berapa yang dikenai.",
    ),
    ("How many requests it has met, struck or not.", "Berapa permintaan yang ditemuinya, dikenai atau tidak."),
    ("Whether it has fired as often as it may.", "Apakah sudah terjadi sebanyak yang boleh."),
    (
        "On which calls it fired: the newest 100, oldest first.",
        "Pada panggilan mana: 100 yang terbaru, yang terlama dulu.",
    ),
    ("A call that a fault has struck.", "Panggilan yang dikenai gangguan."),
    ("Its id in `GET /calls`.", "Id-nya di `GET /calls`."),
    ("Who calls whom, for a fault between services.", "Siapa memanggil siapa, bagi gangguan antarservice."),
    ("The faults that can fire at a server.", "Gangguan yang bisa terjadi pada sebuah server."),
    ("What a fault does.", "Apa yang dilakukan gangguan."),
    (
        "The request is sent later. A call between services that is delayed for longer than its attempt may take is not.",
        "Permintaan dikirim belakangan; panggilan antarservice yang ditunda lebih lama dari percobaannya tidak dikirim.",
    ),
    (
        "The connection is refused, or closed before the request is read.",
        "Koneksi ditolak, atau ditutup sebelum permintaan dibaca.",
    ),
    ("The request is never answered.", "Permintaan tidak pernah dijawab."),
    ("The answer is a 500; the request is not sent.", "Jawabannya 500; permintaannya tidak dikirim."),
    (
        "The answer is a 200 with something that is no JSON; the request is not sent.",
        "Jawabannya 200 berisi sesuatu yang bukan JSON; permintaannya tidak dikirim.",
    ),
    (
        "The answer is a gateway's 404, without a code of ours; the request is not sent.",
        "Jawabannya 404 dari gateway, tanpa kode kami; permintaannya tidak dikirim.",
    ),
    ("The request is carried out, and its answer lost.", "Permintaan dijalankan, dan jawabannya hilang."),
    ("The request is delivered twice, or the event.", "Permintaan disampaikan dua kali, atau peristiwanya."),
    (
        "The service answers nobody, and does nothing by itself.",
        "Service tidak menjawab siapa pun, dan tidak mengerjakan apa-apa.",
    ),
    ("The body of `PUT /faults/{name}`.", "Isi `PUT /faults/{name}`."),
    (
        "Who sends it: a service; `client`; `events` for an event; `anybody` to stop a service.",
        "Pengirimnya: sebuah service; `client`; `events` untuk peristiwa; `anybody` untuk menghentikan service.",
    ),
    ("The service that it is sent to.", "Service yang dituju."),
    ("What happens to it.", "Apa yang terjadi dengannya."),
    ("Of a delay; 300, unless it is given.", "Bagi penundaan; 300 bila tidak diisi."),
    (
        "How often it fires; once, unless it is given or `percent` is.",
        "Berapa kali terjadi; sekali, kecuali ini atau `percent` diisi.",
    ),
    (
        "Of a hundred requests, how many it strikes; all, unless it is given.",
        "Dari seratus permintaan, berapa yang dikenai; semua bila tidak diisi.",
    ),
    ("The newest calls, oldest first.", "Panggilan terbaru, yang terlama dulu."),
    ("How many have begun since the start of the process.", "Berapa yang dimulai sejak proses berjalan."),
    ("How many of them are not kept any more.", "Berapa di antaranya yang sudah tidak disimpan."),
    ("Of this trace: 32 hexadecimal digits.", "Dari jejak ini: 32 angka heksadesimal."),
    ("Whose path contains this.", "Yang path-nya memuat ini."),
    ("With this status: `404`, or `5xx`.", "Dengan status ini: `404`, atau `5xx`."),
    (
        "The most that are listed, the newest; 200, unless it is given.",
        "Paling banyak sekian, yang terbaru; 200 bila tidak diisi.",
    ),
    (
        "The id of the last event that was seen: the stream goes on after it. Without one it begins with the oldest call that is kept.",
        "Id peristiwa terakhir yang sudah dilihat: aliran berlanjut sesudahnya. Tanpa ini mulai dari panggilan tertua yang masih disimpan.",
    ),
    // Users and accounts.
    (
        "Null: none any more. Whoever logs in needs one.",
        "`null`: tidak punya lagi. Siapa yang masuk dengan kata sandi memerlukannya.",
    ),
    ("Null: none any more.", "`null`: tidak punya lagi."),
    (
        "Of a user who has an account: needed to change `email`, unless an admin changes another's.",
        "Bagi user yang punya akun: perlu untuk mengubah `email`, kecuali admin mengubah milik orang lain.",
    ),
    (
        "Of a user who has an account: needed, unless an admin removes another's.",
        "Bagi user yang punya akun: perlu, kecuali admin menghapus milik orang lain.",
    ),
    ("Any characters; what many people use is refused.", "Karakter apa pun; yang dipakai banyak orang ditolak."),
    // Products.
    ("Words in the name or the description, in any case.", "Kata di nama atau deskripsi, huruf besar atau kecil."),
    ("Exactly this name.", "Persis nama ini."),
    ("Exactly this category.", "Persis kategori ini."),
    ("This price or above.", "Harga ini atau lebih."),
    ("This price or below.", "Harga ini atau kurang."),
    (
        "`true`: what can be bought; `false`: what is sold out.",
        "`true`: yang masih bisa dibeli; `false`: yang sudah habis.",
    ),
    (
        "`id`, `-id`: oldest or newest first; `price`, `-price`: cheapest or dearest first; `name`; `stock`: least first.",
        "`id`, `-id`: terlama atau terbaru dulu; `price`, `-price`: termurah atau termahal dulu; `name`: menurut nama; `stock`: paling sedikit dulu.",
    ),
    ("Without it the product can be bought without end.", "Tanpa ini produk selalu bisa dibeli."),
    ("Whole rupiah.", "Rupiah, bilangan bulat."),
    ("How many; one, unless it is given.", "Berapa banyak; satu bila tidak diisi."),
    ("One, unless it is given.", "Satu bila tidak diisi."),
    // Orders.
    (
        "Of this status, or of one of several: `paid,confirmed`.",
        "Berstatus ini, atau salah satu dari beberapa: `paid,confirmed`.",
    ),
    (
        "The minutes that the figures are about, up to now; a day, unless it is given.",
        "Berapa menit terakhir yang dihitung; sehari bila tidak diisi.",
    ),
    ("Of this user.", "Milik user ini."),
    ("What a payment may have come to.", "Hasil sebuah pembayaran."),
    ("A status that an order can be given by hand.", "Status yang bisa diberikan kepada pesanan."),
    ("The only status that an order can begin with.", "Satu-satunya status awal pesanan."),
    (
        "The payment that says so: the same one may say it again.",
        "Pembayaran yang menyatakannya; yang sama boleh menyatakannya lagi.",
    ),
    // Payments.
    ("A way to pay.", "Cara membayar."),
    ("`transfer`, unless it is given.", "`transfer` bila tidak diisi."),
    ("The order's user, if it is given.", "User pesanan itu, bila diisi."),
    ("The order's total, if it is given.", "Total pesanan itu, bila diisi."),
    (
        "Ten times as long to pay, up to the deadline of the order.",
        "Waktu membayar sepuluh kali lebih lama, sampai batas waktu pesanan.",
    ),
    // What all calls have in common.
    (
        "Every answer carries `X-Request-Id` and `traceparent`, taken from the request or made. Every error is a problem document (RFC 9457) whose `code` is listed at `/errors`; `Accept-Language: en` gets its `message` in English instead of Indonesian.",
        "Setiap jawaban membawa `X-Request-Id` dan `traceparent`, dari permintaan atau dibuat baru. Setiap kesalahan adalah dokumen masalah (RFC 9457) yang `code`-nya terdaftar di `/errors`; dengan `Accept-Language: en`, `message`-nya berbahasa Inggris.",
    ),
    (
        "The `access_token` of `POST /auth/login` of the user service.",
        "`access_token` dari `POST /auth/login` di service user.",
    ),
    (
        "The `ticket` of `POST /auth/ticket`, for clients that can't send headers.",
        "`ticket` dari `POST /auth/ticket`, untuk klien yang tidak dapat mengirim header.",
    ),
    // Headers of answers.
    (
        "With `limit`, while there is more: `<path>; rel=\"next\"` (RFC 8288).",
        "Dengan `limit`, selama masih ada lagi: `<path>; rel=\"next\"` (RFC 8288).",
    ),
    ("How to show who one is (RFC 6750).", "Cara menunjukkan siapa pemanggilnya (RFC 6750)."),
    ("The methods that the path has.", "Metode yang dimiliki path ini."),
    ("Seconds until it is worth another try.", "Berapa detik lagi patut dicoba."),
    ("The path of what was created.", "Path dari yang baru dibuat."),
    ("`true` if the request had been answered before.", "`true` bila permintaan ini sudah pernah dijawab."),
    // Errors.
    ("A problem document, as it goes over the wire.", "Dokumen masalah, seperti yang dikirim."),
    ("Where this kind of problem is described.", "Tempat jenis masalah ini dijelaskan."),
    ("What the problem is, in English.", "Apa masalahnya, dalam bahasa Inggris."),
    ("The HTTP status, once more.", "Status HTTP, sekali lagi."),
    (
        "What is particular to this occurrence, or else what to do about such a problem; for developers.",
        "Kekhususan kejadian ini, atau apa yang harus dilakukan; untuk pengembang.",
    ),
    ("The stable name of the problem, for programs.", "Nama tetap masalah ini, untuk program."),
    (
        "A sentence for people, in Indonesian or in the language that was asked for.",
        "Kalimat untuk orang, dalam bahasa Indonesia atau bahasa yang diminta.",
    ),
    ("Why each field or parameter was refused.", "Mengapa tiap isian atau parameter ditolak."),
    // Schemas of users and accounts.
    ("The body of `POST /auth/login`.", "Isi `POST /auth/login`."),
    ("The body of `POST /users`.", "Isi `POST /users`."),
    ("That an order of the user has reached a status.", "Kabar bahwa pesanan user mencapai suatu status."),
    ("Counts up per user, from 1.", "Bertambah untuk tiap user, mulai dari 1."),
    ("The status as people say it.", "Status dalam kata sehari-hari."),
    (
        "How far an order has come; the steps between are in `lifecycle`.",
        "Sampai di mana sebuah pesanan; langkah di antaranya ada di `lifecycle`.",
    ),
    ("The body of `PUT /auth/me/password`.", "Isi `PUT /auth/me/password`."),
    ("A user with what only they see of themselves.", "User dengan apa yang hanya dilihat olehnya sendiri."),
    ("The body of `POST /auth/register`.", "Isi `POST /auth/register`."),
    ("What somebody is in the shop.", "Peran seseorang di toko."),
    (
        "What a client that has logged in goes on with (RFC 6749, 5.1).",
        "Yang dipakai klien setelah masuk (RFC 6749, 5.1).",
    ),
    ("Always `Bearer`.", "Selalu `Bearer`."),
    ("Seconds that the token counts.", "Berapa detik token berlaku."),
    (
        "What opens a live stream for a client that can't send headers.",
        "Pembuka aliran langsung bagi klien yang tidak dapat mengirim header.",
    ),
    ("Seconds within which the stream must be opened.", "Dalam berapa detik aliran harus dibuka."),
    (
        "The body of `PATCH /users/{id}` and `PATCH /auth/me`: what is not named stays as it is.",
        "Isi `PATCH /users/{id}` dan `PATCH /auth/me`: yang tidak disebut tidak berubah.",
    ),
    ("The body of `DELETE /users/{id}`, which may be absent.", "Isi `DELETE /users/{id}`; boleh tidak ada."),
    // Schemas of products and reservations.
    ("The same as [`ChangeStock`], as seed 001 writes it.", "Sama dengan `ChangeStock`, dalam bentuk lain."),
    ("A line of a request to reserve or to order.", "Baris dari permintaan menahan stok atau memesan."),
    ("The body of `POST /products` and `PUT /products/{id}`.", "Isi `POST /products` dan `PUT /products/{id}`."),
    ("The body of `PUT /reservations/{key}`.", "Isi `PUT /reservations/{key}`."),
    (
        "The body of `PUT /products/{id}/stock`: what is on hand from now on, or by how much that changes.",
        "Isi `PUT /products/{id}/stock`: berapa yang tersedia mulai sekarang, atau berapa perubahannya.",
    ),
    (
        "What can still be bought; absent if it is not tracked.",
        "Yang masih bisa dibeli; tidak ada bila stok tidak dicatat.",
    ),
    ("Where there is a picture.", "Alamat gambarnya."),
    ("The answer to `POST /products`, as seed 000 has it.", "Jawaban `POST /products`."),
    (
        "The body of `PATCH /products/{id}`: what is absent stays, what is null goes (RFC 7396).",
        "Isi `PATCH /products/{id}`: yang tidak ada tidak berubah, yang `null` dihapus (RFC 7396).",
    ),
    (
        "A reservation: its lines with what was so when it was made.",
        "Reservasi: baris-barisnya seperti keadaan saat dibuat.",
    ),
    ("`held` or `committed`.", "`held` (ditahan) atau `committed` (terjual)."),
    ("Whole rupiah a unit.", "Rupiah per satuan, bilangan bulat."),
    ("What was left; absent if the product tracks no stock.", "Sisanya; tidak ada bila stok produk tidak dicatat."),
    ("The answer to `GET /products/{id}/check-stock`.", "Jawaban `GET /products/{id}/check-stock`."),
    ("Absent if it is not tracked.", "Tidak ada bila stok tidak dicatat."),
    ("Absent if stock is not tracked.", "Tidak ada bila stok tidak dicatat."),
    (
        "Where the units of a product are, at one moment: `stock + reserved + sold = received`.",
        "Letak satuan-satuan produk pada satu saat: `stock + reserved + sold = received`.",
    ),
    (
        "On hand, which is what can still be bought; absent if it is not tracked.",
        "Tersedia, yaitu yang masih bisa dibeli; tidak ada bila stok tidak dicatat.",
    ),
    ("Held for orders that are not confirmed yet.", "Ditahan untuk pesanan yang belum dikonfirmasi."),
    // Schemas of orders.
    ("An [`ActivityEntry`] in the reader's language.", "Satu perubahan pesanan, dalam bahasa pembaca."),
    (
        "Counts up; absent for `pending`, with which each order begins.",
        "Bertambah terus; tidak ada untuk `pending`, awal setiap pesanan.",
    ),
    ("Seed 003: a repeated id is a quantity.", "Bentuk dengan daftar id: id yang berulang berarti jumlah."),
    (
        "Seed 004: the product of this name, or a custom line.",
        "Bentuk dengan nama: produk dengan nama ini, atau baris bebas.",
    ),
    ("Seeds 000 and 001.", "Bentuk dengan satu produk."),
    ("What happened in one minute.", "Yang terjadi dalam satu menit."),
    ("The beginning of the minute.", "Awal menit itu."),
    ("Orders that were placed.", "Pesanan yang dibuat."),
    ("Orders that expired or whose payment failed.", "Pesanan yang kedaluwarsa atau pembayarannya gagal."),
    (
        "Whole rupiah: what was paid, less what is paid back.",
        "Rupiah bulat: yang dibayar, dikurangi yang dikembalikan.",
    ),
    ("The body of `PUT /orders/{id}/payment`.", "Isi `PUT /orders/{id}/payment`."),
    ("The body of `PUT /orders/{id}/status`.", "Isi `PUT /orders/{id}/status`."),
    (
        "An order as it goes over the wire: the seeds' forms in one. Seed 000 reads `order_id`, `user` and\n`product`, seed 003 `id`, `user_id`, `items` and the rest.",
        "Pesanan seperti yang dikirim, untuk semua jenis klien: ada yang membaca `order_id`, `user`, dan `product`, ada yang `id`, `user_id`, `items`, dan lainnya.",
    ),
    ("The same as `order_id`.", "Sama dengan `order_id`."),
    ("Of an order of one line only.", "Hanya untuk pesanan satu baris."),
    ("Of an order of one line that has a product.", "Untuk pesanan satu baris yang punya produk."),
    ("Of an order of one line.", "Untuk pesanan satu baris."),
    ("Whole rupiah: the sum of price × quantity.", "Rupiah bulat: jumlah dari harga × banyaknya."),
    (
        "`pending`, `paid`, `failed`, `expired`, `cancelled` (before it was paid) or `refunded` (or about to be).",
        "`pending`, `paid`, `failed`, `expired`, `cancelled` (sebelum dibayar), atau `refunded` (juga bila segera).",
    ),
    ("The payment that paid it.", "Pembayaran yang melunasinya."),
    ("Of a pending order: when it expires.", "Untuk pesanan yang menunggu: kapan kedaluwarsa."),
    ("An order with its user and its products as they are now.", "Pesanan dengan user dan produknya saat ini."),
    ("Only id and name if the user is gone.", "Hanya id dan nama bila user sudah tidak ada."),
    ("Of an order of one line whose product is still there.", "Untuk pesanan satu baris yang produknya masih ada."),
    ("Those that are still there.", "Yang masih ada."),
    ("As in the order.", "Seperti di pesanan."),
    ("The orders of the shop in figures.", "Pesanan toko dalam angka."),
    (
        "How many orders have each status now; of `pending` up to 10,000 are counted.",
        "Berapa pesanan pada tiap status sekarang; `pending` dihitung sampai 10.000.",
    ),
    ("Orders that were placed in the time that was asked for.", "Pesanan yang dibuat dalam waktu yang ditanyakan."),
    (
        "Orders that expired or whose payment failed in that time.",
        "Pesanan yang kedaluwarsa atau pembayarannya gagal dalam waktu itu.",
    ),
    (
        "Whole rupiah: what was paid in that time, less what is paid back.",
        "Rupiah bulat: yang dibayar dalam waktu itu, dikurangi yang dikembalikan.",
    ),
    ("The last thirty minutes, oldest first.", "Tiga puluh menit terakhir, terlama dulu."),
    ("A line of an order.", "Baris pesanan."),
    ("The product's id; absent for a custom line.", "Id produk; tidak ada untuk baris bebas."),
    (
        "What was left when the line was reserved; absent if the product tracks no stock.",
        "Sisa saat baris ini ditahan; tidak ada bila stok produk tidak dicatat.",
    ),
    ("Means `paid`.", "Berarti `paid`."),
    ("The product of an order of one line.", "Produk dari pesanan satu baris."),
    ("The forms of `POST /orders`, for the documentation.", "Bentuk-bentuk `POST /orders`."),
    ("The user of an order.", "User sebuah pesanan."),
    ("A status that an order reached.", "Status yang dicapai pesanan."),
    // Schemas of payments and peers.
    (
        "The body of `POST /payments`. Serialised, it is what a replay of its Idempotency-Key must equal.",
        "Isi `POST /payments`. Ulangan dengan Idempotency-Key yang sama harus sama isinya.",
    ),
    ("Seed 001.", "Bentuk dengan `payment_method`."),
    ("A payment as it goes over the wire.", "Pembayaran seperti yang dikirim."),
    ("The same as `id`.", "Sama dengan `id`."),
    ("From then on it can't be confirmed any more.", "Sejak saat itu tidak bisa dikonfirmasi lagi."),
    (
        "The body of `POST /payments/confirm`: which payment, or the latest of which order.",
        "Isi `POST /payments/confirm`: pembayaran yang mana, atau yang terbaru dari pesanan yang mana.",
    ),
    ("A way to pay, as it is listed.", "Cara membayar, seperti di daftar."),
    ("The method as people say it.", "Cara membayar dalam kata sehari-hari."),
    ("The forms of `POST /payments`, for the documentation.", "Bentuk-bentuk `POST /payments`."),
    (
        "How far a payment has come; the steps between are in `settlement`.",
        "Sampai di mana sebuah pembayaran; langkah di antaranya ada di `settlement`.",
    ),
    ("A service that this one calls.", "Service yang dipanggil service ini."),
    ("Whether it answers right now, whatever it says.", "Apakah ia menjawab saat ini, apa pun jawabannya."),
];

/// The Indonesian of a description, if there is one.
pub fn in_indonesian(description: &str) -> Option<&'static str> {
    TRANSLATIONS.iter().find(|(english, _)| *english == description).map(|(_, indonesian)| *indonesian)
}
