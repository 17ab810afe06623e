//! What must hold between the services, order by order.

use std::collections::{BTreeMap, HashSet};

use crate::domain::Sentence;
use crate::events::WaitingJob;
use crate::order::api::OrderRecord;
use crate::payment::api::PaymentRecord;
use crate::product::api::ReservationRecord;

/// An invariant between services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    ReservationOfOrder,
    OrderOfReservation,
    PaymentOfOrder,
    AmountOfPayment,
    UserOfOrder,
}

impl Check {
    pub const ALL: [Self; 5] = [
        Self::ReservationOfOrder,
        Self::OrderOfReservation,
        Self::PaymentOfOrder,
        Self::AmountOfPayment,
        Self::UserOfOrder,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ReservationOfOrder => "reservation_of_order",
            Self::OrderOfReservation => "order_of_reservation",
            Self::PaymentOfOrder => "payment_of_order",
            Self::AmountOfPayment => "amount_of_payment",
            Self::UserOfOrder => "user_of_order",
        }
    }

    pub fn is_about_stock(self) -> bool {
        matches!(self, Self::ReservationOfOrder | Self::OrderOfReservation)
    }

    pub fn sentence(self) -> Sentence {
        match self {
            Self::ReservationOfOrder => Sentence::new(
                "Stok setiap pesanan ditahan sampai dikonfirmasi, lalu terjual; stok pesanan yang berakhir kembali.",
                "The stock of each order is held until it is confirmed, and then sold; that of an order that ended is returned.",
            ),
            Self::OrderOfReservation => Sentence::new(
                "Setiap reservasi yang ditahan atau terjual milik sebuah pesanan.",
                "Each reservation that is held or sold belongs to an order.",
            ),
            Self::PaymentOfOrder => Sentence::new(
                "Pesanan dan pembayarannya sepakat apakah pesanan itu dibayar.",
                "An order and its payment agree whether the order is paid.",
            ),
            Self::AmountOfPayment => Sentence::new(
                "Pembayaran menagih total pesanannya kepada user pesanan itu.",
                "A payment charges the total of its order to the user of the order.",
            ),
            Self::UserOfOrder => Sentence::new(
                "Setiap pesanan milik user yang ada atau pernah ada.",
                "Each order belongs to a user that exists or existed.",
            ),
        }
    }

    pub fn what_to_do(self) -> Sentence {
        match self {
            Self::ReservationOfOrder => Sentence::new(
                "Batalkan pesanan yang stoknya tidak ditahan; lepas atau jual reservasi pesanan lain dengan tangan.",
                "Cancel an order whose stock is not held; for others, end the reservation by hand: \
                 `DELETE /reservations/{key}` or `POST /reservations/{key}/commit`.",
            ),
            Self::OrderOfReservation => Sentence::new(
                "Lepas reservasi itu dengan `DELETE /reservations/{key}`; sesuaikan stok bila sudah terjual.",
                "Release the reservation with `DELETE /reservations/{key}`; if it is sold, adjust the stock.",
            ),
            Self::PaymentOfOrder => Sentence::new(
                "Panggil `POST /payments/order/{id}/settle`; bila tidak membantu, bandingkan dengan gerbang pembayaran.",
                "Call `POST /payments/order/{id}/settle`; if that does not help, compare with the payment gateway.",
            ),
            Self::AmountOfPayment => Sentence::new(
                "Bandingkan dengan gerbang pembayaran, dan kembalikan selisihnya.",
                "Compare with the payment gateway, and give back the difference.",
            ),
            Self::UserOfOrder => Sentence::new(
                "Periksa apakah kedua service memakai basis data dari toko yang sama.",
                "Check whether both services use databases of the same shop.",
            ),
        }
    }
}

/// What the services say about one order, payment or reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub order: Option<OrderRecord>,
    /// The latest payment of the order.
    pub payment: Option<PaymentRecord>,
    /// The reservation of the order.
    pub reservation: Option<ReservationRecord>,
}

/// The jobs that wait: the service, the action and the target of each.
pub type Jobs = HashSet<(String, String, String)>;

pub fn jobs_of(waiting: impl IntoIterator<Item = WaitingJob>) -> Jobs {
    waiting.into_iter().map(|job| (job.service, job.action, job.target)).collect()
}

impl Case {
    /// The row that is named in a report: the order, or else the payment's order or the reservation.
    pub fn id(&self) -> String {
        let order = self.order.as_ref().map(|order| order.order_id);
        match (order.or(self.payment.as_ref().map(|payment| payment.order_id)), &self.reservation) {
            (Some(id), _) => id.to_string(),
            (None, Some(reservation)) => reservation.key.clone(),
            (None, None) => String::new(),
        }
    }

    /// The invariants that it breaks. `last_user`: the highest id that a user ever had.
    pub fn faults(&self, last_user: i64) -> impl Iterator<Item = Check> {
        Check::ALL.into_iter().filter(move |check| self.breaks(*check, last_user))
    }

    pub fn breaks(&self, check: Check, last_user: i64) -> bool {
        let Some(order) = &self.order else {
            return match check {
                Check::OrderOfReservation => self.reservation.as_ref().is_some_and(|it| it.state != "released"),
                Check::PaymentOfOrder => self.payment.is_some(),
                _ => false,
            };
        };
        match (check, &self.payment) {
            (Check::ReservationOfOrder, _) => !reservation_fits(order, self.reservation.as_ref()),
            (Check::PaymentOfOrder, payment) => !payment_fits(order, payment.as_ref()),
            (Check::AmountOfPayment, Some(payment)) => {
                payment.amount != order.total_price || payment.user_id != order.user_id
            }
            (Check::UserOfOrder, _) => !(1..=last_user).contains(&order.user_id),
            (Check::AmountOfPayment, None) | (Check::OrderOfReservation, _) => false,
        }
    }

    /// Whether a job that waits will make it right.
    pub fn has_job(&self, check: Check, jobs: &Jobs) -> bool {
        let has = |service: &str, actions: &[&str], target: Option<String>| {
            let Some(target) = target else { return false };
            let job = |action: &&str| (service.to_owned(), (*action).to_owned(), target.clone());
            actions.iter().map(job).any(|job| jobs.contains(&job))
        };
        let order = self.order.as_ref();
        let payment = self.payment.as_ref().map(|payment| payment.payment_id.to_string());
        match check {
            Check::ReservationOfOrder | Check::OrderOfReservation => {
                let key = order.and_then(|order| order.reservation.clone());
                let key = key.or_else(|| self.reservation.as_ref().map(|reservation| reservation.key.clone()));
                has("order", &["commit", "release"], key)
            }
            Check::PaymentOfOrder => {
                has("payment", &["settle", "tell"], payment.clone())
                    || has("order", &["refund"], payment)
                    || has("order", &["settle"], order.map(|order| order.order_id.to_string()))
            }
            Check::AmountOfPayment | Check::UserOfOrder => false,
        }
    }
}

fn is_paid(order: &OrderRecord) -> bool {
    ["paid", "confirmed", "shipped", "completed"].contains(&&*order.status)
}

fn reservation_fits(order: &OrderRecord, reservation: Option<&ReservationRecord>) -> bool {
    if order.reservation.is_none() {
        return true;
    }
    let expected = match order.status.as_str() {
        "pending" | "paid" => "held",
        "confirmed" | "shipped" | "completed" => "committed",
        _ => "released",
    };
    match reservation {
        Some(reservation) => {
            reservation.state == expected && (expected == "released" || reservation.units == order.units)
        }
        // Released ones are removed after some days.
        None => expected == "released",
    }
}

fn payment_fits(order: &OrderRecord, payment: Option<&PaymentRecord>) -> bool {
    let Some(payment) = payment else {
        // Nothing, or somebody who named no payment, has paid it.
        return order.paid_by.is_none_or(|payer| payer == 0);
    };
    let pays = order.paid_by == Some(payment.payment_id);
    // Somebody said so, and the payment follows.
    let by_hand = order.paid_by == Some(0);
    if order.paid_by.is_some() && !pays && !by_hand {
        return false;
    }
    match payment.status.as_str() {
        "paid" => pays && is_paid(order),
        "refunded" => !pays || order.status == "cancelled",
        // That of a cancelled order stays until its own deadline.
        "pending" => !pays && !is_paid(order),
        "expired" => !pays && (order.status == "expired" || order.status == "cancelled"),
        // Somebody may have set the order to paid before it heard of the failure.
        "failed" => !pays && order.status != "pending",
        _ => false,
    }
}

/// Cases that may be at fault, by what they break.
#[derive(Default)]
pub struct Suspects {
    /// The first of them.
    pub first: BTreeMap<Check, Vec<Case>>,
    /// How many there are.
    pub totals: BTreeMap<Check, u64>,
}

impl Suspects {
    /// The most cases of an invariant that are looked at again.
    const MAX_KEPT: usize = 1000;

    pub fn add(&mut self, case: &Case, last_user: i64) {
        for check in case.faults(last_user) {
            *self.totals.entry(check).or_default() += 1;
            let first = self.first.entry(check).or_default();
            if first.len() < Self::MAX_KEPT {
                first.push(case.clone());
            }
        }
    }
}
