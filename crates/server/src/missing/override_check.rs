//! Whether what a person gives for an override can be one, and what is wrong with it.

use fleetmend_model::name_pattern;
use fleetmend_reconcile::{Fleet, said_text};
use fleetmend_store::overrides::NewOverride;
use fleetmend_versions::nuget::Version;

use super::overrides::{Given, decision, unknown_decision};
use crate::error::ApiError;

/// The longest name, publisher, package or version, in characters: none is longer in inventories.
const LONGEST: usize = 512;

fn wrong(field: &str, fault: impl std::fmt::Display) -> ApiError {
    ApiError::Bad(format!("field '{field}': {fault}"))
}

/// The override, where it is one, but for its reason.
pub fn checked(fleet: &Fleet, given: &Given<'_>) -> Result<NewOverride, ApiError> {
    let what = NewOverride {
        name: given.name.trim().to_owned(),
        publisher: given.publisher.trim().to_owned(),
        decision: given.decision.trim().to_owned(),
        package: given.package.trim().to_lowercase(),
        highest: given.highest.trim().to_owned(),
        registered: given.registered.trim().to_owned(),
        version: given.version.trim().to_owned(),
        reason: given.reason.trim().to_owned(),
    };
    for (field, text) in [
        ("name", &what.name),
        ("publisher", &what.publisher),
        ("package", &what.package),
        ("registered", &what.registered),
        ("version", &what.version),
    ] {
        if said_text::read(text).chars().count() > LONGEST {
            return Err(ApiError::Bad(format!(
                "field '{field}' is longer than {LONGEST} characters"
            )));
        }
    }
    decision(&what).ok_or_else(unknown_decision)?;
    check_highest(&what)?;
    if what.decision == "version" {
        check_version(fleet, &what)?;
    } else {
        check_name(&what)?;
        check_package(fleet, &what)?;
    }
    Ok(what)
}

fn check_name(what: &NewOverride) -> Result<(), ApiError> {
    let is_pattern = said_text::is_pattern(&what.name);
    let fault = name_pattern::fault(&said_text::read(&what.name))
        .filter(|_| is_pattern || what.name.is_empty());
    match fault {
        Some(fault) => Err(wrong("name", format!("'{}' {fault}", what.name))),
        None => Ok(()),
    }
}

fn check_package(fleet: &Fleet, what: &NewOverride) -> Result<(), ApiError> {
    for (field, text) in [("registered", &what.registered), ("version", &what.version)] {
        if !text.is_empty() {
            return Err(wrong(field, "only the decision 'version' has it"));
        }
    }
    match (what.decision.as_str(), what.package.as_str()) {
        ("excluded" | "pinned", "") => Ok(()),
        (decision @ ("excluded" | "pinned"), _) => {
            let fault = format!("what is {decision} is no package");
            Err(wrong("package", fault))
        }
        (_, package) => check_catalog_has(fleet, package),
    }
}

fn check_catalog_has(fleet: &Fleet, package: &str) -> Result<(), ApiError> {
    if fleet.catalog().has(package) {
        return Ok(());
    }
    let fault = format!("the catalog has no package '{package}'");
    Err(wrong("package", fault))
}

fn check_highest(what: &NewOverride) -> Result<(), ApiError> {
    let fault = match (what.decision.as_str(), what.highest.as_str()) {
        (_, "") => return Ok(()),
        ("pinned", highest) => match Version::parse_any(highest) {
            Ok(_) => return Ok(()),
            Err(error) => error.to_string(),
        },
        _ => "only what is pinned has a highest version".to_owned(),
    };
    Err(wrong("highest", fault))
}

fn check_version(fleet: &Fleet, what: &NewOverride) -> Result<(), ApiError> {
    for (field, text) in [("name", &what.name), ("publisher", &what.publisher)] {
        if !text.is_empty() {
            let fault = "what a registered version is, is said of a package and not of a name";
            return Err(wrong(field, fault));
        }
    }
    let (package, registered) = (&what.package, &what.registered);
    check_catalog_has(fleet, package)?;
    if !fleet.registers(package, registered) {
        let fault = format!("no device has {package} with the registered version '{registered}'");
        return Err(wrong("registered", fault));
    }
    match fleet
        .catalog()
        .fault_of_version(package, registered, &what.version)
    {
        Some(fault) => Err(wrong("version", fault)),
        None => Ok(()),
    }
}
