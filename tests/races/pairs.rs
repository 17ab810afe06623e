//! Two concurrent steps of one order: one wins, the other is refused. A paid order can be cancelled, so a
//! cancellation after the payment wins too.

use std::time::Duration;

use futures_util::future::{join, join_all};

use crate::model::{Model, Step};
use crate::shop::{Seen, Shop, level, outcome, product};
use crate::support::{TestApp, eventually};

const TIMES: usize = 200;
const AT_ONCE: usize = 10;
/// The longest delay of the other step when a payment is settled.
const LEAD_MS: u64 = 20;

const OPEN: Step = Step::Open { declined: false };
const PENDING: &[Step] = &[];
const PAYABLE: &[Step] = &[OPEN];
const PAID: &[Step] = &[Step::Pay];
const SETTLED: &[Step] = &[OPEN, Step::Settle];

/// The steps before the race, the two racing steps, and how many of them can succeed: a paid order can still be
/// cancelled, and a payment can be confirmed again.
const RACES: &[(&[Step], Step, Step, usize)] = &[
    (PENDING, Step::Pay, Step::Cancel, 2),
    (PENDING, Step::Pay, Step::Expire, 1),
    (PENDING, Step::Pay, Step::Fail, 1),
    (PENDING, Step::Cancel, Step::Expire, 1),
    (PENDING, Step::Cancel, Step::Fail, 1),
    (PENDING, Step::Expire, Step::Fail, 1),
    (PAYABLE, Step::Settle, Step::Pay, 2),
    (PAYABLE, Step::Settle, Step::Cancel, 2),
    (PAYABLE, Step::Settle, Step::Expire, 1),
    (PAYABLE, Step::Settle, Step::Fail, 1),
    (PAID, Step::Confirm, Step::Cancel, 1),
    (SETTLED, Step::Confirm, Step::Cancel, 1),
    (PENDING, Step::Pay, Step::Pay, 2),
    (PENDING, Step::Cancel, Step::Cancel, 1),
    (PENDING, OPEN, OPEN, 1),
    (PAYABLE, Step::Settle, Step::Settle, 2),
    (PAID, Step::Confirm, Step::Confirm, 1),
    (SETTLED, Step::Cancel, Step::Cancel, 1),
];

/// Both answers, and the state of the order afterwards.
type End<const N: usize> = ([(u16, String); N], Seen, Vec<Vec<String>>);

/// The end if the steps are taken in this order.
fn in_order<const N: usize>(mut model: Model, steps: [Step; N]) -> End<N> {
    let outcomes = steps.map(|step| {
        let (status, code) = model.take(step);
        (status, code.to_owned())
    });
    let reached = model.orders.iter().map(|order| order.reached.iter().map(|&status| status.into()).collect());
    (outcomes, Seen::of(&model), reached.collect())
}

async fn after<T>(ms: u64, step: impl Future<Output = T>) -> T {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    step.await
}

async fn race(app: &TestApp, also: i64, (before, one, other, most): (&[Step], Step, Step, usize)) -> usize {
    let mut model = Model::new(0, 5);
    let mut shop = Shop { app, product: product(app, 5).await, also: Some(also), orders: Vec::new() };
    for &step in [Step::PlaceOrder(2)].iter().chain(before) {
        let (status, code) = model.take(step);
        assert_eq!(shop.take(step).await, (status, code.to_owned()), "{step:?}");
    }
    let refused_by_order = (409, "order_state".to_owned());
    let mut ends = vec![in_order(model.clone(), [one, other])];
    let ([second, first], seen, reached) = in_order(model.clone(), [other, one]);
    ends.push(([first, second], seen, reached));
    if most == 2 && other == Step::Cancel {
        // A cancellation of an unpaid order does not cancel a paid one.
        let (_, seen, reached) = in_order(model, [one]);
        let end = ([(200, String::new()), (409, "order_state".to_owned())], seen, reached);
        ends.push(end);
    }
    if (one, other) == (Step::Settle, Step::Cancel) {
        // Paid, and refunded before the payment was answered.
        let (_, seen, reached) = ends[0].clone();
        ends.push(([refused_by_order.clone(), (200, String::new())], seen, reached));
    }
    if let (Step::Settle, Step::Fail | Step::Expire) | (Step::Fail | Step::Expire, Step::Settle) = (one, other) {
        // The payment was already confirmed when the order learned of it: the charge is refunded.
        let settle_first = one == Step::Settle;
        let (_, mut seen, reached) = ends[usize::from(settle_first)].clone();
        seen.payment = "refunded".to_owned();
        let done = (200, String::new());
        let outcomes = if settle_first { [refused_by_order, done] } else { [done, refused_by_order] };
        ends.push((outcomes, seen, reached));
    }

    // Settling a payment makes calls to the order; the delay lets the other step arrive between any of them.
    let lead = |step, other| if step != Step::Settle && other == Step::Settle { fastrand::u64(0..=LEAD_MS) } else { 0 };
    let (first, second) =
        join(after(lead(one, other), shop.step(one)), after(lead(other, one), shop.step(other))).await;
    let outcomes = [outcome(&first), outcome(&second)];
    let won = outcomes.iter().filter(|(status, _)| *status < 300).count();
    assert!((1..=most).contains(&won), "{one:?} and {other:?}: {outcomes:?}");
    // Jobs may run a little later. A state that does not appear in 100 attempts never will.
    let mut looks = 0;
    let end = eventually("an end of the race", async || {
        looks += 1;
        let end = (outcomes.clone(), shop.seen().await, shop.reached().await);
        (ends.contains(&end) || looks > 100).then_some(end)
    })
    .await;
    assert!(ends.contains(&end), "{one:?} and {other:?}: {end:?} is none of {ends:#?}");
    won
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_racing_steps_wins() {
    let app = TestApp::with_flags(&["--sweep=1h", "--payment-window=10m"]).await;
    let received = 1_000_000;
    let shared = product(&app, received).await;
    for &(before, one, other, most) in RACES {
        // Only real races count: where one step came after the other, the pair is repeated.
        let both_win = one == other || (one, other) == (Step::Settle, Step::Pay);
        let raced = |won: usize| won == 1 || both_win;
        let mut times = 0;
        while times < TIMES {
            let races = (0..AT_ONCE).map(|number| {
                // The first one sent has a small advantage, so both steps get it.
                let (one, other) = if number % 2 == 0 || most == 2 { (one, other) } else { (other, one) };
                race(&app, shared, (before, one, other, most))
            });
            times += join_all(races).await.into_iter().filter(|won| raced(*won)).count();
        }
    }
    let mut units = [0; 2];
    for order in app.order.all("/orders").await {
        match order["status"].as_str().unwrap() {
            "pending" | "paid" => units[0] += 1,
            "confirmed" => units[1] += 1,
            status => assert!(matches!(status, "cancelled" | "expired" | "failed"), "{order}"),
        }
    }
    let [reserved, sold] = units;
    assert_eq!(level(&app, shared).await, [received - reserved - sold, reserved, sold, received]);
}
