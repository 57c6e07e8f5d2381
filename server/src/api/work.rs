//! Work that waits for a disk, beside the runtime's own threads.

use tokio::task::JoinError;

/// Does `work` on a thread that may wait.
///
/// # Panics
/// When `work` does.
pub async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => again(error),
    }
}

fn again(error: JoinError) -> ! {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // Only the end of the runtime cancels it, and then nobody is there to be answered.
        Err(error) => panic!("work was cancelled: {error}"),
    }
}
