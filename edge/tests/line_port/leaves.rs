use tankline_edge::line::board::HealthBoard;
use tankline_edge::line::lines;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::log;
use super::watched::{DEADLINE, config};

#[tokio::test]
async fn gauges_that_a_new_configuration_leaves_out_are_forgotten_and_the_others_go_on_counting() {
    log::begin();
    let gateway = super::gateway::Gateway::start(1_000_000).await;
    let (configs, wanted) = watch::channel(vec![config(&gateway.port, &[1, 2])]);
    let (sender, mut readings) = mpsc::channel(1000);
    let (board, stop) = (HealthBoard::default(), CancellationToken::new());
    let running = lines::run(wanted, sender.clone(), board.clone(), stop.clone());
    let polls = |unit| board.snapshot().iter().find(|health| health.unit == unit).map(|health| health.counters.polls);
    let changing = async {
        while polls(1) < Some(5) || polls(2) < Some(5) {
            timeout(DEADLINE, readings.recv()).await.unwrap().unwrap();
        }
        configs.send_replace(vec![config(&gateway.port, &[1, 3])]);
        while polls(3).is_none() {
            timeout(DEADLINE, readings.recv()).await.unwrap().unwrap();
        }
        assert_eq!(polls(2), None, "{:?}", board.snapshot());
        while polls(1) < Some(7) {
            timeout(DEADLINE, readings.recv()).await.unwrap().unwrap();
            assert!(polls(1) >= Some(5), "it begins anew: {:?}", board.snapshot());
        }
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(running, changing);
    ran.unwrap();
    // An agent that starts anew within its process keeps the board, and none of the gauges that are not there any more.
    let (_configs, wanted) = watch::channel(vec![config(&gateway.port, &[4])]);
    stop.cancelled().await;
    let stop = CancellationToken::new();
    let running = lines::run(wanted, sender, board.clone(), stop.clone());
    let changing = async {
        while polls(4).is_none() {
            timeout(DEADLINE, readings.recv()).await.unwrap().unwrap();
        }
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(running, changing);
    ran.unwrap();
    assert_eq!(board.snapshot().iter().map(|health| health.unit).collect::<Vec<_>>(), [4]);
}
