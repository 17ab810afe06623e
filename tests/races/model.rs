//! The model: a minimal implementation of the orders of one product, their payments and its stock.

pub const WINDOW: i64 = 10_000;
pub const TTL: i64 = 30_000;

/// An action. It is about the latest order, except for `PlaceOrder` and `Advance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Orders this many units.
    PlaceOrder(i64),
    /// Opens a payment with a method that the gateway declines or accepts.
    Open {
        declined: bool,
    },
    /// Confirms the payment.
    Settle,
    /// Sets the order to paid without naming a payment.
    Pay,
    Fail,
    Expire,
    Cancel,
    Confirm,
    Ship,
    Complete,
    /// This many milliseconds pass.
    Advance(i64),
}

/// The answer to a step: its status, and the code if it is refused.
pub type Outcome = (u16, &'static str);

const DONE: Outcome = (200, "");
const STATE: Outcome = (409, "order_state");
const TOO_LATE: Outcome = (409, "payment_too_late");

#[derive(Clone, Debug)]
pub struct Model {
    pub now: i64,
    pub stock: i64,
    pub reserved: i64,
    pub sold: i64,
    pub orders: Vec<Order>,
}

#[derive(Clone, Debug)]
pub struct Order {
    quantity: i64,
    deadline: i64,
    /// The statuses that it has had.
    pub reached: Vec<&'static str>,
    /// There is never a second one: the order ends when the first one ends.
    pub payment: Option<Payment>,
}

#[derive(Clone, Debug)]
pub struct Payment {
    pub status: &'static str,
    deadline: i64,
    declined: bool,
}

impl Order {
    pub fn status(&self) -> &'static str {
        self.reached[self.reached.len() - 1]
    }

    /// The payment status that the order shows.
    pub fn payment_status(&self) -> &'static str {
        match self.status() {
            "cancelled" if self.reached.contains(&"paid") => "refunded",
            "confirmed" | "shipped" | "completed" => "paid",
            status => status,
        }
    }
}

impl Model {
    pub fn new(now: i64, stock: i64) -> Self {
        Self { now, stock, reserved: 0, sold: 0, orders: Vec::new() }
    }

    pub fn take(&mut self, step: Step) -> Outcome {
        match step {
            Step::PlaceOrder(quantity) => self.place_order(quantity),
            Step::Advance(time) => {
                self.now += time;
                DONE
            }
            Step::Open { declined } => self.open(declined),
            Step::Settle => self.settle(),
            Step::Pay => self.pay(),
            _ => self.change_status(step),
        }
    }

    fn order(&mut self) -> &mut Order {
        self.orders.last_mut().unwrap()
    }

    fn place_order(&mut self, quantity: i64) -> Outcome {
        if quantity > self.stock {
            return (409, "insufficient_stock");
        }
        self.stock -= quantity;
        self.reserved += quantity;
        let deadline = self.now + TTL;
        self.orders.push(Order { quantity, deadline, reached: vec!["pending"], payment: None });
        (201, "")
    }

    fn open(&mut self, declined: bool) -> Outcome {
        let now = self.now;
        let order = self.order();
        match (order.status(), &mut order.payment) {
            ("pending", _) if now >= order.deadline => TOO_LATE,
            ("pending", Some(payment)) if now >= payment.deadline => {
                payment.status = "expired";
                self.reach("expired");
                TOO_LATE
            }
            ("pending", Some(_)) => (409, "payment_open"),
            ("pending", payment) => {
                let deadline = order.deadline.min(now + WINDOW);
                *payment = Some(Payment { status: "pending", deadline, declined });
                (201, "")
            }
            ("expired", _) => TOO_LATE,
            _ => STATE,
        }
    }

    fn settle(&mut self) -> Outcome {
        let now = self.now;
        let order = self.order();
        let pending = order.status() == "pending";
        let Some(payment) = &mut order.payment else { return (404, "payment_not_found") };
        let (status, reached, outcome) = match payment.status {
            "pending" if now >= payment.deadline => ("expired", "expired", TOO_LATE),
            "pending" if !pending => ("refunded", "", STATE),
            "pending" if payment.declined => ("failed", "failed", (409, "payment_declined")),
            "pending" => ("paid", "paid", DONE),
            "paid" => return DONE,
            "failed" => return (409, "payment_declined"),
            "expired" => return TOO_LATE,
            _ => return STATE,
        };
        payment.status = status;
        if pending {
            self.reach(reached);
        }
        outcome
    }

    fn pay(&mut self) -> Outcome {
        let now = self.now;
        let order = self.order();
        match order.status() {
            "pending" if now >= order.deadline => {
                self.reach("expired");
                self.settle_payment("expired");
                TOO_LATE
            }
            "expired" => TOO_LATE,
            _ => self.change_status(Step::Pay),
        }
    }

    /// A manual payment status of the order also applies to its open payment.
    fn settle_payment(&mut self, status: &'static str) {
        if let Some(payment) = self.order().payment.as_mut().filter(|payment| payment.status == "pending") {
            payment.status = status;
        }
    }

    /// A step that depends only on the order's status.
    fn change_status(&mut self, step: Step) -> Outcome {
        let next = match (self.order().status(), step) {
            // Repeating a status changes nothing.
            ("paid" | "confirmed" | "shipped" | "completed", Step::Pay) => return DONE,
            ("failed", Step::Fail) | ("expired", Step::Expire) => return DONE,
            ("pending", Step::Pay) => "paid",
            ("pending", Step::Fail) => "failed",
            ("pending", Step::Expire) => "expired",
            ("pending" | "paid", Step::Cancel) => "cancelled",
            ("paid", Step::Confirm) => "confirmed",
            ("confirmed", Step::Ship) => "shipped",
            ("shipped", Step::Complete) => "completed",
            _ => return STATE,
        };
        self.reach(next);
        if matches!(step, Step::Pay | Step::Fail | Step::Expire) {
            self.settle_payment(next);
        }
        DONE
    }

    fn reach(&mut self, status: &'static str) {
        let order = self.order();
        order.reached.push(status);
        let quantity = order.quantity;
        if let Some(payment) = order.payment.as_mut().filter(|payment| payment.status == "paid")
            && status == "cancelled"
        {
            payment.status = "refunded";
        }
        match status {
            "confirmed" => self.sold += quantity,
            "cancelled" | "expired" | "failed" => self.stock += quantity,
            _ => return,
        }
        self.reserved -= quantity;
    }
}
