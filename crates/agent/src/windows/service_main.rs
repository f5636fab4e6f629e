//! The agent while it runs as a Windows service.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};

use super::service::{CHANGE_TIMEOUT, NAME};
use super::{log_file, program};
use crate::runner::Stop;

/// The data folder, for the service's main function, to which nothing can be passed.
static DATA: OnceLock<PathBuf> = OnceLock::new();

/// Runs as a service, until stopped. Only the service manager can start this.
pub fn run(data: PathBuf) -> anyhow::Result<()> {
    // A second call cannot come: the dispatcher runs once a process.
    let _ = DATA.set(data);
    entry::start()
        .context("this command is for the service manager only; 'run' runs in the foreground")
}

mod entry {
    #![allow(unsafe_code, reason = "the macro's reading of the service's arguments")]

    windows_service::define_windows_service!(service_main, main);

    fn main(_arguments: Vec<std::ffi::OsString>) {
        super::main();
    }

    /// Hands this thread to the service manager until the service ends.
    pub(super) fn start() -> windows_service::Result<()> {
        windows_service::service_dispatcher::start(super::NAME, service_main)
    }
}

/// A request to stop, which may come before there is something to stop.
#[derive(Default)]
struct Stopping {
    requested: bool,
    agent: Option<Stop>,
}

fn main() {
    let Some(data) = DATA.get() else { return };
    // Where the data folder is refused, which `serve` meets as well, nothing is written into it.
    let log = match super::protect(data) {
        Ok(()) => Some(data.clone()),
        Err(_) => program::folder().ok(),
    };
    if let Some(Err(error)) = log.map(|dir| log_file::redirect_standard_error(&dir)) {
        // There is nowhere to say it.
        let _ = error;
    }
    if let Err(error) = serve(data) {
        tracing::error!("{error:#}");
    }
}

fn serve(data: &Path) -> anyhow::Result<()> {
    let stopping = Arc::new(Mutex::new(Stopping::default()));
    let requests = Arc::clone(&stopping);
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            let mut stopping = requests.lock().unwrap_or_else(PoisonError::into_inner);
            stopping.requested = true;
            if let Some(agent) = &stopping.agent {
                agent.stop();
            }
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let handle = service_control_handler::register(NAME, handler)?;
    handle.set_service_status(status(
        ServiceState::StartPending,
        ServiceExitCode::NO_ERROR,
    ))?;
    let served = crate::cli::runner(data, None, None).and_then(|agent| {
        let mut shared = stopping.lock().unwrap_or_else(PoisonError::into_inner);
        shared.agent = Some(agent.stop_handle());
        let is_over = shared.requested;
        drop(shared);
        if is_over {
            return Ok(());
        }
        handle.set_service_status(status(ServiceState::Running, ServiceExitCode::NO_ERROR))?;
        tracing::info!("the service runs");
        agent.run()
    });
    let exit_code = match &served {
        Ok(()) => ServiceExitCode::NO_ERROR,
        Err(_) => ServiceExitCode::ServiceSpecific(1),
    };
    if let Err(error) = &served {
        tracing::error!("{error:#}");
    }
    handle.set_service_status(status(ServiceState::Stopped, exit_code))?;
    Ok(())
}

fn status(state: ServiceState, exit_code: ServiceExitCode) -> ServiceStatus {
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: match state {
            ServiceState::Running => ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN,
            _ => ServiceControlAccept::empty(),
        },
        exit_code,
        checkpoint: 0,
        wait_hint: match state {
            ServiceState::StartPending => CHANGE_TIMEOUT,
            _ => Duration::ZERO,
        },
        process_id: None,
    }
}
