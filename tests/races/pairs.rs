//! Two steps with one order at the same moment: they end as if one had come after the other.

use std::time::Duration;

use futures_util::future::join;
use futures_util::{StreamExt, stream};

use crate::model::{Model, Step};
use crate::shop::{Seen, Shop, level, outcome, product};
use crate::support::{TestApp, eventually};

const TIMES: usize = 200;
const AT_ONCE: usize = 10;
/// The longest head start that settling a payment gets.
const LEAD_MS: u64 = 20;

const OPEN: Step = Step::Open { declined: false };
const PENDING: &[Step] = &[];
const PAYABLE: &[Step] = &[OPEN];
const PAID: &[Step] = &[Step::Pay];
const SETTLED: &[Step] = &[OPEN, Step::Settle];

/// What leads up to the race, the two that race, and how many of them can win: a paid order can still be
/// cancelled, and a payment can be confirmed again.
const RACES: &[(&[Step], Step, Step, usize)] = &[
    (PENDING, Step::Pay, Step::Cancel, 2),
    (PENDING, Step::Pay, Step::Expire, 1),
    (PENDING, Step::Pay, Step::Fail, 1),
    (PENDING, Step::Cancel, Step::Expire, 1),
    (PENDING, Step::Cancel, Step::Fail, 1),
    (PENDING, Step::Expire, Step::Fail, 1),
    (PAYABLE, Step::Settle, Step::Pay, 1),
    (PAYABLE, Step::Settle, Step::Cancel, 2),
    (PAYABLE, Step::Settle, Step::Expire, 1),
    (PAYABLE, Step::Settle, Step::Fail, 1),
    (PAID, Step::Confirm, Step::Cancel, 1),
    (SETTLED, Step::Confirm, Step::Cancel, 1),
    (PENDING, Step::Pay, Step::Pay, 1),
    (PENDING, Step::Cancel, Step::Cancel, 1),
    (PENDING, OPEN, OPEN, 1),
    (PAYABLE, Step::Settle, Step::Settle, 2),
    (PAID, Step::Confirm, Step::Confirm, 1),
    (SETTLED, Step::Cancel, Step::Cancel, 1),
];

/// How both were answered, and what came of the order.
type End = ([(u16, String); 2], Seen, Vec<Vec<String>>);

/// How it ends if `first` comes before `second`.
fn one_after_the_other(mut model: Model, first: Step, second: Step) -> End {
    let outcomes = [first, second].map(|step| {
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

async fn race(app: &TestApp, also: i64, (before, one, other, most): (&[Step], Step, Step, usize)) {
    let mut model = Model::new(0, 5);
    let mut shop = Shop { app, product: product(app, 5).await, also: Some(also), orders: Vec::new() };
    for &step in [Step::Place(2)].iter().chain(before) {
        let (status, code) = model.take(step);
        assert_eq!(shop.take(step).await, (status, code.to_owned()), "{step:?}");
    }
    let mut ends = vec![one_after_the_other(model.clone(), one, other)];
    let ([second, first], seen, reached) = one_after_the_other(model, other, one);
    ends.push(([first, second], seen, reached));
    if (one, other) == (Step::Settle, Step::Cancel) {
        // Paid, and given back before whoever paid was answered.
        let (_, seen, reached) = ends[0].clone();
        let refused = (409, "order_state".to_owned());
        ends.push(([refused, (200, String::new())], seen, reached));
    }

    // To settle a payment takes calls to the order, and the other one should meet all of them.
    let lead = |step, other| if step != Step::Settle && other == Step::Settle { fastrand::u64(0..=LEAD_MS) } else { 0 };
    let (first, second) =
        join(after(lead(one, other), shop.step(one)), after(lead(other, one), shop.step(other))).await;
    let outcomes = [outcome(&first), outcome(&second)];
    let won = outcomes.iter().filter(|(status, _)| *status < 300).count();
    assert!((1..=most).contains(&won), "{one:?} and {other:?}: {outcomes:?}");
    // Some calls that follow may be made a little later; what has not come after so many looks never will.
    let mut looks = 0;
    let end = eventually("an end of the race", async || {
        looks += 1;
        let end = (outcomes.clone(), shop.seen().await, shop.reached().await);
        (ends.contains(&end) || looks > 100).then_some(end)
    })
    .await;
    assert!(ends.contains(&end), "{one:?} and {other:?}: {end:?} is none of {ends:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_steps_that_race_the_order_takes_one_after_the_other() {
    let app = TestApp::with(&["--sweep=1h", "--payment-window=10m"]).await;
    let received = (RACES.len() * TIMES + 1) as i64;
    let shared = product(&app, received).await;
    for &(before, one, other, most) in RACES {
        stream::iter(0..TIMES)
            // Whoever is sent first has a small lead, which both should have.
            .map(|time| if time % 2 == 0 || most == 2 { (one, other) } else { (other, one) })
            .map(|(one, other)| race(&app, shared, (before, one, other, most)))
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
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
