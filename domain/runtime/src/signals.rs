//! Stopping when the operating system or a person asks for it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Gives a token that is cancelled by SIGINT or SIGTERM; a second signal ends the process at once, with exit code 1.
///
/// The signals are taken over before this returns. It must be called inside a tokio runtime.
#[must_use]
pub fn stop_on_signals() -> CancellationToken {
    let stop = CancellationToken::new();
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(interrupt), Ok(terminate)) => watch(interrupt, terminate, stop.clone()),
        (Err(error), _) | (_, Err(error)) => warn_unwatched(&error),
    }
    stop
}

#[expect(
    clippy::disallowed_methods,
    reason = "lives as long as the process; it stops the supervisor, not the other way"
)]
fn watch(mut interrupt: Signal, mut terminate: Signal, stop: CancellationToken) {
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping; a second signal ends at once");
        stop.cancel();
        either(&mut interrupt, &mut terminate).await;
        tracing::warn!("ended by a second signal");
        std::process::exit(1);
    });
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
    }
}

fn warn_unwatched(error: &io::Error) {
    tracing::warn!(%error, "signals cannot be watched; the process will not stop cleanly");
}
