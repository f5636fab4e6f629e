//! Installing the agent as a Windows service, and removing it.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use windows_service::Error;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState,
    ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

pub use super::service_main::run;
use super::{log_file, program};

/// The service's name in the service manager.
pub const NAME: &str = "FleetmendAgent";
const DISPLAY_NAME: &str = "Fleetmend agent";
const DESCRIPTION: &str =
    "Keeps the third-party software of this machine up to date, as its Fleetmend server orders.";
/// How long starting or stopping may take.
pub(super) const CHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two looks at the service's state.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After how long Windows starts a service again that ended by itself.
const RESTART_AFTER: Duration = Duration::from_mins(1);
/// After how long without a failure Windows forgets those before.
const FORGET_FAILURES: Duration = Duration::from_hours(24);
/// `ERROR_SERVICE_DOES_NOT_EXIST`.
const NO_SUCH_SERVICE: i32 = 1060;
/// `ERROR_SERVICE_DATABASE_LOCKED`.
const DATABASE_LOCKED: i32 = 1055;
/// `ERROR_SERVICE_NOT_ACTIVE`.
const NOT_ACTIVE: i32 = 1062;
/// `ERROR_ACCESS_DENIED`.
const ACCESS_DENIED: i32 = 5;

/// Registers a copy of this program as a service that starts with Windows, and starts it. A service
/// that is there already gets this program and this data folder and is started anew.
pub fn install(dir: &Path) -> anyhow::Result<String> {
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let place = program::place()?;
    program::check(&place)?;
    let info = info(&place, dir)?;
    let access = ServiceAccess::QUERY_STATUS
        | ServiceAccess::CHANGE_CONFIG
        | ServiceAccess::START
        | ServiceAccess::STOP;
    let service = match manager.open_service(NAME, access) {
        Ok(service) => {
            stop(&service)?;
            program::copy_to(&place)?;
            service
                .change_config(&info)
                .context("cannot change the service")?;
            service
        }
        Err(error) if code(&error) == Some(NO_SUCH_SERVICE) => {
            program::copy_to(&place)?;
            manager
                .create_service(&info, access)
                .context("cannot create the service")?
        }
        Err(error) => return Err(error).context("cannot open the service"),
    };
    describe(&service);
    start(&service)?;
    let state = settle(&service, ServiceState::StartPending)?;
    if state != ServiceState::Running {
        bail!(
            "the service ended right away; why is in {}, or, if that folder is refused, in {}",
            dir.join(log_file::NAME).display(),
            place.with_file_name(log_file::NAME).display()
        );
    }
    Ok(format!("the service {NAME} runs"))
}

/// Stops the service and removes it with its copy of the program. Nothing to do where there is none.
pub fn uninstall() -> anyhow::Result<String> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    let service = match manager.open_service(NAME, access) {
        Ok(service) => service,
        Err(error) if code(&error) == Some(NO_SUCH_SERVICE) => {
            return Ok(format!("there is no service {NAME}"));
        }
        Err(error) => return Err(error).context("cannot open the service"),
    };
    stop(&service)?;
    service.delete().context("cannot delete the service")?;
    program::remove(&program::place()?);
    Ok(format!("the service {NAME} is removed"))
}

fn manager(access: ServiceManagerAccess) -> anyhow::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access).map_err(|error| match code(&error) {
        Some(ACCESS_DENIED) => anyhow::anyhow!(
            "this needs an administrator's rights: run it from an elevated command prompt"
        ),
        _ => anyhow::Error::new(error).context("cannot reach the service manager"),
    })
}

fn info(program: &Path, dir: &Path) -> anyhow::Result<ServiceInfo> {
    let dir = std::path::absolute(dir).context("cannot tell the data folder's full path")?;
    // The agent has its commands at its top, `fleetmend` below `agent`.
    let is_agent_alone = program
        .file_stem()
        .is_some_and(|stem| stem.to_string_lossy().to_lowercase().contains("agent"));
    let mut arguments: Vec<OsString> = Vec::new();
    if !is_agent_alone {
        arguments.push("agent".into());
    }
    arguments.extend(["service".into(), "--data".into(), dir.into()]);
    Ok(ServiceInfo {
        name: NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program.to_owned(),
        launch_arguments: arguments,
        dependencies: Vec::new(),
        // LocalSystem: installers need it.
        account_name: None,
        account_password: None,
    })
}

/// What is good to have and no reason to go without the service.
fn describe(service: &Service) {
    let action = ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: RESTART_AFTER,
    };
    let failures = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FORGET_FAILURES),
        reboot_msg: None,
        command: None,
        actions: Some(vec![action.clone(), action.clone(), action]),
    };
    for (what, result) in [
        ("describe the service", service.set_description(DESCRIPTION)),
        (
            "delay the service's start",
            service.set_delayed_auto_start(true),
        ),
        (
            "have the service restarted after a failure",
            service.update_failure_actions(failures),
        ),
        (
            "have the service restarted after an error",
            service.set_failure_actions_on_non_crash_failures(true),
        ),
    ] {
        if let Err(error) = result {
            tracing::warn!("cannot {what}: {error}");
        }
    }
}

/// Starts the service; waits where Windows is about to start others.
fn start(service: &Service) -> anyhow::Result<()> {
    let deadline = Instant::now() + CHANGE_TIMEOUT;
    loop {
        match service.start::<OsString>(&[]) {
            Err(error) if code(&error) == Some(DATABASE_LOCKED) && Instant::now() < deadline => {
                std::thread::sleep(LOOK_EVERY);
            }
            result => return result.context("cannot start the service"),
        }
    }
}

fn stop(service: &Service) -> anyhow::Result<()> {
    match service.stop() {
        Ok(_) => {}
        Err(error) if code(&error) == Some(NOT_ACTIVE) => return Ok(()),
        Err(error) => return Err(error).context("cannot stop the service"),
    }
    let deadline = Instant::now() + CHANGE_TIMEOUT;
    while service.query_status()?.current_state != ServiceState::Stopped {
        if Instant::now() > deadline {
            bail!("the service does not stop");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Waits until the service is in another state than `pending`, and gives that.
fn settle(service: &Service, pending: ServiceState) -> anyhow::Result<ServiceState> {
    let deadline = Instant::now() + CHANGE_TIMEOUT;
    loop {
        let state = service.query_status()?.current_state;
        if state != pending || Instant::now() > deadline {
            return Ok(state);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn code(error: &Error) -> Option<i32> {
    match error {
        Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}
