//! The texts that the shop's modules show.

use crate::domain::Sentence;

/// Those of every page.
pub const COMMON: &[(&str, Sentence)] = &[
    ("state_pending", Sentence::new("Menunggu bayar", "Waiting for payment")),
    ("state_paid", Sentence::new("Dibayar", "Paid")),
    ("state_confirmed", Sentence::new("Dikonfirmasi", "Confirmed")),
    ("state_shipped", Sentence::new("Dikirim", "Shipped")),
    ("state_completed", Sentence::new("Selesai", "Completed")),
    ("state_cancelled", Sentence::new("Dibatalkan", "Cancelled")),
    ("state_expired", Sentence::new("Kedaluwarsa", "Expired")),
    ("state_failed", Sentence::new("Gagal", "Failed")),
    ("news_pending", Sentence::new("Pesanan #{id} menunggu pembayaran.", "Order #{id} is waiting for payment.")),
    ("news_paid", Sentence::new("Pesanan #{id} sudah dibayar.", "Order #{id} is paid.")),
    ("news_confirmed", Sentence::new("Pesanan #{id} diterima toko.", "The shop has confirmed order #{id}.")),
    ("news_shipped", Sentence::new("Pesanan #{id} sedang dalam perjalanan.", "Order #{id} is on its way.")),
    ("news_completed", Sentence::new("Pesanan #{id} selesai.", "Order #{id} is completed.")),
    ("news_cancelled", Sentence::new("Pesanan #{id} dibatalkan.", "Order #{id} was cancelled.")),
    (
        "news_expired",
        Sentence::new(
            "Pesanan #{id} tidak dibayar. Stok sudah kembali.",
            "Order #{id} was not paid. Its stock is back.",
        ),
    ),
    (
        "news_failed",
        Sentence::new(
            "Pembayaran pesanan #{id} ditolak. Stok sudah kembali.",
            "The payment of order #{id} was declined. Its stock is back.",
        ),
    ),
    ("notifications", Sentence::new("Notifikasi", "Notifications")),
    ("notifications_unread", Sentence::new("Notifikasi, {count} baru", "Notifications, {count} new")),
    ("live", Sentence::new("langsung", "live")),
    ("lost", Sentence::new("terputus, mencoba lagi", "disconnected, retrying")),
    ("log_in", Sentence::new("Masuk", "Log in")),
    ("account_of", Sentence::new("Akun {name}", "Account of {name}")),
    (
        "account_needed",
        Sentence::new(
            "Toko ini meminta akun. Masuk atau daftar dahulu.",
            "This shop asks for an account. Log in or register first.",
        ),
    ),
    ("no_answer", Sentence::new("tanpa jawaban", "no answer")),
    (
        "away",
        Sentence::new(
            "{service} tidak menjawab. Dicoba lagi sendiri.",
            "{service} does not answer. It is retried by itself.",
        ),
    ),
    (
        "away_form",
        Sentence::new("{service} tidak menjawab. Coba lagi sebentar.", "{service} does not answer. Try again shortly."),
    ),
    ("retry_now", Sentence::new("Coba sekarang", "Try now")),
    ("more", Sentence::new("Tampilkan lagi", "Show more")),
];

pub const CATALOGUE: &[(&str, Sentence)] = &[
    ("all", Sentence::new("Semua", "All")),
    ("add", Sentence::new("Keranjang", "Add to cart")),
    ("add_name", Sentence::new("Keranjang: tambahkan {name}", "Add to cart: {name}")),
    ("always", Sentence::new("Selalu ada", "Always available")),
    ("few", Sentence::new("Tersisa {count}", "{count} left")),
    ("stock", Sentence::new("Stok {count}", "{count} in stock")),
    ("sold_out", Sentence::new("Habis", "Sold out")),
    ("sold_out_name", Sentence::new("Habis: {name}", "Sold out: {name}")),
    ("added", Sentence::new("{name} ada di keranjang: {count}", "{name} is in the cart: {count}")),
    ("all_in_cart", Sentence::new("Semua stok {name} sudah di keranjang", "All that is left of {name} is in the cart")),
    ("shown", Sentence::new("{count} barang", "{count} products")),
    ("shown_of_more", Sentence::new("{count} barang, masih ada lagi", "{count} products, there are more")),
    ("nothing_found", Sentence::new("Tidak ada barang yang cocok.", "No product matches.")),
    ("nothing_yet", Sentence::new("Belum ada barang di toko ini.", "This shop has no products yet.")),
    ("clear_filters", Sentence::new("Hapus saringan", "Clear the filters")),
    (
        "last_catalogue",
        Sentence::new(
            "{service} tidak menjawab. Ini katalog dari jawaban terakhirnya; dicoba lagi sendiri.",
            "{service} does not answer. This is the catalogue of its last answer; it is retried by itself.",
        ),
    ),
    ("no_description", Sentence::new("Tanpa keterangan.", "No description.")),
    ("cart", Sentence::new("Keranjang", "Cart")),
    ("cart_units", Sentence::new("Keranjang, {count} barang", "Cart, {count} items")),
    ("cart_empty", Sentence::new("Keranjang masih kosong.", "The cart is empty.")),
    (
        "cart_full",
        Sentence::new(
            "Keranjang memuat paling banyak {count} macam barang.",
            "A cart takes at most {count} different products.",
        ),
    ),
    ("fewer", Sentence::new("Kurangi {name}", "One less of {name}")),
    ("further", Sentence::new("Tambah {name}", "One more of {name}")),
    ("remove", Sentence::new("Hapus", "Remove")),
    ("remove_name", Sentence::new("Hapus {name}", "Remove {name}")),
    ("each", Sentence::new("{price} per buah", "{price} each")),
    ("was", Sentence::new("sebelumnya {price}", "before {price}")),
    (
        "line_gone",
        Sentence::new("Tidak dijual lagi. Hapus dari keranjang.", "No longer sold. Remove it from the cart."),
    ),
    ("line_sold_out", Sentence::new("Habis. Hapus dari keranjang.", "Sold out. Remove it from the cart.")),
    ("line_short", Sentence::new("Tersisa {count}. Kurangi jumlahnya.", "{count} left. Take fewer.")),
    ("line_last", Sentence::new("Ini semua yang tersisa", "That is all that is left")),
    (
        "price_changed",
        Sentence::new(
            "Harga berubah sejak barang masuk keranjang. Periksa, lalu tekan sekali lagi.",
            "Prices have changed since. Check them, then press once more.",
        ),
    ),
    (
        "cart_blocked",
        Sentence::new(
            "Ada barang yang tidak bisa dipesan. Lihat keterangannya di atas.",
            "Some products can't be ordered. See what is said above.",
        ),
    ),
    ("checking", Sentence::new("Memeriksa harga dan stok…", "Checking prices and stock…")),
    ("sending", Sentence::new("Mengirim pesanan…", "Sending the order…")),
    (
        "sending_again",
        Sentence::new(
            "Pesanan ini sudah dikirim dan jawabannya belum diterima. Dikirim lagi dengan kunci yang sama, jadi hanya tercatat sekali.",
            "This order was sent and not answered yet. It is sent again with the same key, so it is recorded once.",
        ),
    ),
    ("place_order", Sentence::new("Pesan sekarang", "Place the order")),
    ("who_orders", Sentence::new("Pesanan dicatat atas nama siapa?", "Who is the order for?")),
    (
        "log_in_to_finish",
        Sentence::new(
            "Pesanan {name} belum terjawab. Masuk sebagai {name} untuk menyelesaikannya.",
            "The order of {name} is not answered yet. Log in as {name} to finish it.",
        ),
    ),
    ("give_up", Sentence::new("Lepaskan pesanan ini", "Give this order up")),
    (
        "given_up",
        Sentence::new(
            "Pesanan dilepaskan. Mungkin ia sudah tercatat: lihat dulu di Pesanan saya.",
            "The order was given up. It may be recorded all the same: look at My orders first.",
        ),
    ),
    ("do_user_not_found", Sentence::new("Sebutkan lagi siapa yang memesan.", "Say again who orders.")),
    ("do_open_orders", Sentence::new("Bayar atau batalkan dulu salah satu di ", "Pay or cancel one of them first: ")),
    ("do_check", Sentence::new("Periksa keranjang, lalu pesan lagi.", "Check the cart, then order again.")),
    ("my_orders", Sentence::new("Pesanan saya", "My orders")),
];

pub const ORDER: &[(&str, Sentence)] = &[
    ("order_title", Sentence::new("Pesanan #{id}", "Order #{id}")),
    ("pay_title", Sentence::new("Bayar pesanan #{id}", "Pay for order #{id}")),
    ("methods", Sentence::new("Cara membayar", "Way to pay")),
    ("method_qris", Sentence::new("Semua dompet digital", "Any e-wallet")),
    ("method_transfer", Sentence::new("Rekening virtual", "Virtual account")),
    ("method_e-wallet", Sentence::new("Lewat aplikasi", "In the app")),
    ("method_card", Sentence::new("Debit atau kredit", "Debit or credit")),
    ("method_cod", Sentence::new("Tunai ke kurir", "Cash to the courier")),
    ("more_time", Sentence::new("Beri saya waktu lebih lama", "Give me more time")),
    (
        "more_time_help",
        Sentence::new(
            "Sepuluh kali lebih lama untuk membayar. Pilihan ini diingat.",
            "Ten times as long to pay. The choice is remembered.",
        ),
    ),
    ("start_payment", Sentence::new("Mulai membayar", "Start the payment")),
    ("held_until", Sentence::new("Stok ditahan sampai pukul {time}.", "Stock is held until {time}.")),
    ("cancel_order", Sentence::new("Batalkan pesanan", "Cancel the order")),
    ("really_cancel", Sentence::new("Ya, batalkan", "Yes, cancel")),
    ("keep_order", Sentence::new("Jangan", "Keep it")),
    (
        "cancel_question",
        Sentence::new("Batalkan pesanan ini? Stoknya dikembalikan.", "Cancel this order? Its stock goes back."),
    ),
    ("i_have_paid", Sentence::new("Saya sudah bayar", "I have paid")),
    ("busy", Sentence::new("Mengirim…", "Sending…")),
    ("seconds_left", Sentence::new("detik lagi", "seconds left")),
    ("minutes_left", Sentence::new("menit lagi", "minutes left")),
    ("say_seconds_left", Sentence::new("{count} detik lagi", "{count} seconds left")),
    ("time_is_over", Sentence::new("Waktu pembayaran habis", "The time for the payment is over")),
    ("asking_server", Sentence::new("Menanyakan hasilnya ke server…", "Asking the server for the outcome…")),
    ("shop_name", Sentence::new("Toko Pasar", "Toko Pasar")),
    ("sample", Sentence::new("CONTOH", "SAMPLE")),
    (
        "sample_qr",
        Sentence::new("Contoh gambar QR, tidak bisa dipindai", "Sample of a QR picture, it can't be scanned"),
    ),
    (
        "sample_help",
        Sentence::new(
            "Ini contoh. Tidak bisa dipindai dan tidak ada uang berpindah.",
            "A sample. Nothing can be scanned and no money moves.",
        ),
    ),
    ("sample_method", Sentence::new("Ini contoh. Tidak ada uang berpindah.", "A sample. No money moves.")),
    ("settling", Sentence::new("Pembayaran sedang diselesaikan", "The payment is being settled")),
    (
        "settling_help",
        Sentence::new(
            "Sudah dikonfirmasi pada waktunya dan tidak akan kedaluwarsa.",
            "It was confirmed in time and will not expire.",
        ),
    ),
    ("paid_title", Sentence::new("Lunas. Terima kasih, {name}.", "Paid. Thank you, {name}.")),
    ("completed_title", Sentence::new("Pesanan #{id} selesai", "Order #{id} is completed")),
    ("cancelled_title", Sentence::new("Pesanan #{id} dibatalkan", "Order #{id} was cancelled")),
    ("expired_title", Sentence::new("Waktu membayar pesanan #{id} habis", "The time to pay order #{id} is over")),
    ("failed_title", Sentence::new("Pembayaran pesanan #{id} ditolak", "The payment of order #{id} was declined")),
    (
        "stock_is_back",
        Sentence::new("Tidak ada yang ditagih, dan stok sudah kembali.", "Nothing was charged, and the stock is back."),
    ),
    (
        "refunded",
        Sentence::new(
            "Stok sudah kembali, dan uang Anda dikembalikan.",
            "The stock is back, and your money is refunded.",
        ),
    ),
    (
        "failed_help",
        Sentence::new(
            "Tidak ada yang ditagih, dan stok sudah kembali. Pesan lagi dan pilih cara membayar yang lain.",
            "Nothing was charged, and the stock is back. Order again and choose another way to pay.",
        ),
    ),
    ("order_again", Sentence::new("Pesan lagi", "Order again")),
    ("shop_more", Sentence::new("Belanja lagi", "Shop for more")),
    (
        "cart_locked",
        Sentence::new(
            "Keranjang sedang dikirim sebagai pesanan lain. Tunggu sampai terjawab.",
            "The cart is being sent as another order. Wait until it is answered.",
        ),
    ),
    ("paid_by", Sentence::new("{amount} lewat {method}, pukul {time}", "{amount} by {method}, at {time}")),
    ("paid_amount", Sentence::new("{amount}, pukul {time}", "{amount}, at {time}")),
    ("track", Sentence::new("Perjalanan pesanan #{id}", "Where is order #{id}")),
    ("step_pending", Sentence::new("Dibuat", "Placed")),
    ("step_paid", Sentence::new("Dibayar", "Paid")),
    ("step_confirmed", Sentence::new("Dikonfirmasi toko", "Confirmed by the shop")),
    ("step_shipped", Sentence::new("Dikirim", "Shipped")),
    ("step_completed", Sentence::new("Selesai", "Completed")),
    ("step_cancelled", Sentence::new("Dibatalkan", "Cancelled")),
    ("step_expired", Sentence::new("Kedaluwarsa", "Expired")),
    ("step_failed", Sentence::new("Pembayaran ditolak", "Payment declined")),
    ("next_confirmed", Sentence::new("Menunggu konfirmasi toko", "Waiting for the shop")),
    ("next_shipped", Sentence::new("Disiapkan untuk dikirim", "Being packed")),
    ("next_completed", Sentence::new("Dalam perjalanan", "On its way")),
    ("now", Sentence::new("sekarang", "now")),
    ("receipt", Sentence::new("Nota", "Receipt")),
    ("receipt_foot", Sentence::new("pesanan #{id}, {day}, {time}", "order #{id}, {day}, {time}")),
    ("no_such_order", Sentence::new("Pesanan ini tidak ada", "There is no such order")),
    ("your_orders", Sentence::new("Lihat pesanan saya", "See my orders")),
    ("order_unread", Sentence::new("Pesanan tidak bisa dibaca", "The order can't be read")),
];

pub const ORDERS: &[(&str, Sentence)] = &[
    ("order_title", Sentence::new("Pesanan #{id}", "Order #{id}")),
    ("and_more", Sentence::new("{name} dan {count} lainnya", "{name} and {count} more")),
    ("no_orders", Sentence::new("Belum ada pesanan.", "No orders yet.")),
    (
        "who_are_you",
        Sentence::new("Sebutkan dulu siapa Anda untuk melihat pesanan.", "Say who you are to see your orders."),
    ),
    ("to_the_shop", Sentence::new("Ke toko", "To the shop")),
];
