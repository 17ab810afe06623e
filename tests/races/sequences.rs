//! Random sequences of steps, with time passing in between.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;

use crate::model::{Model, Step, TTL, WINDOW};
use crate::shop::{Seen, Shop, product};
use crate::support::{Clock, TestApp};

const SEQUENCES: u32 = 2000;
const STOCK: i64 = 6;
/// 2026-11-20T00:00:00Z
const START: i64 = 1_795_132_800_000;

fn step() -> impl Strategy<Value = Step> {
    let moments = vec![1, WINDOW - 1, WINDOW, TTL - WINDOW - 1, TTL - WINDOW, TTL - 1, TTL];
    prop_oneof![
        1 => (1..=STOCK).prop_map(Step::PlaceOrder),
        4 => prop::bool::weighted(0.2).prop_map(|declined| Step::Open { declined }),
        4 => Just(Step::Settle),
        3 => Just(Step::Pay),
        1 => Just(Step::Fail),
        1 => Just(Step::Expire),
        2 => Just(Step::Cancel),
        3 => Just(Step::Confirm),
        2 => Just(Step::Ship),
        2 => Just(Step::Complete),
        4 => prop::sample::select(moments).prop_map(Step::Advance),
    ]
}

/// Takes the same steps with the model and with the app, and compares them after each step.
async fn assert_follows_model(app: &TestApp, clock: &Clock, first: i64, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model = Model::new(clock.now().as_millis(), STOCK);
    let mut shop = Shop { app, product: product(app, STOCK).await, also: None, orders: Vec::new() };
    for &step in [Step::PlaceOrder(first)].iter().chain(steps) {
        let (status, code) = model.take(step);
        let expected = (status, code.to_owned());
        let answered = if let Step::Advance(_) = step {
            clock.set(model.now);
            expected.clone()
        } else {
            shop.take(step).await
        };
        prop_assert_eq!((answered, shop.seen().await), (expected, Seen::of(&model)), "after {:?}", step);
    }
    let reached: Vec<_> = model.orders.iter().map(|order| order.reached.clone()).collect();
    prop_assert_eq!(shop.reached().await, reached);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_behaves_like_its_model() {
    let clock = Clock::standing_at(START);
    let [window, ttl] = [("--payment-window", WINDOW), ("--order-ttl", TTL)].map(|(flag, ms)| format!("{flag}={ms}ms"));
    let app = TestApp::with_clock(&["--sweep=1h", "--payment-gateway=card=decline", &window, &ttl], &clock).await;
    let mut runner = TestRunner::new(Config { cases: SEQUENCES, failure_persistence: None, ..Config::default() });
    let sequences = (1..=3_i64, prop::collection::vec(step(), 1..=8));
    let runtime = Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(&sequences, |(first, steps)| runtime.block_on(assert_follows_model(&app, &clock, first, &steps)))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
