//! Runs a command on threads of its own.

use std::time::Duration;

use tokio::runtime::Builder;

/// How long is waited, after a command's end, for what was begun beside it and cannot be called off: a disk or
/// share that does not answer must not keep a process that was told to end.
const LAST_WORK: Duration = Duration::from_secs(5);

/// Runs a command to its end.
pub fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    run_and_wait(work, LAST_WORK)
}

fn run_and_wait(
    work: impl Future<Output = anyhow::Result<()>>,
    last_work: Duration,
) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(last_work);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_on_a_disk_does_not_keep_a_command_from_its_end() {
        let work = async {
            let (begun, has_begun) = tokio::sync::oneshot::channel();
            tokio::task::spawn_blocking(move || {
                let _ = begun.send(());
                loop {
                    std::thread::park();
                }
            });
            Ok(has_begun.await?)
        };
        run_and_wait(work, Duration::from_millis(1)).unwrap();
    }
}
