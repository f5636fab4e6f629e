//! The console in a real browser: from the one-time link to a patch that is installed.

use anyhow::{Context as _, Result, ensure};
use fleetmend_e2e::deb::Deb;
use fleetmend_e2e::process;

use crate::browser_driver::{Browser, By};
use crate::console_client::PATIENCE;
use crate::linux_machine::{Machine, counting, waiting};
use crate::server_process::Server;

const PASSWORD: &str = "correct horse battery staple";
/// The package that is approved and deployed. Its installation ends when the test says so.
const TOOL: &str = "fleet-tool";
/// A package that is offered as well and that nobody approves.
const OTHER: &str = "other-tool";
const STARTED: &str = "Patch deploy started";
const COMPLETED: &str = "Patch deploy completed successfully";

#[test]
fn a_browser_sees_a_patch_through_from_the_setup_link_to_completed() -> Result<()> {
    let server = Server::start()?;
    let machine = machine()?;
    let browser = Browser::start(true)?;

    // The link's secret goes from the address into the form, and out of the history.
    let (page, secret) = setup_link(&server)?;
    browser.open(&format!("{page}#{secret}"))?;
    browser.see(&heading("Set the administrator's password"))?;
    assert_eq!(browser.property(&By::css("#secret"), "value")?, *secret);
    assert_eq!(browser.url()?, page);
    browser.screenshot("01-setup")?;
    set_password(&browser)?;
    browser.screenshot("02-devices-none")?;

    // The link signed in; the password does so as well.
    browser.click(&button("Sign out"))?;
    browser.see(&button("Sign in"))?;
    browser.screenshot("03-login")?;
    browser.fill(&By::css("#name"), "administrator")?;
    browser.fill(&By::css("#password"), PASSWORD)?;
    browser.click(&button("Sign in"))?;

    // The machine and what it lacks appear on the open page.
    browser.see(&By::xpath("//p[.='No machine is enrolled yet.']"))?;
    let page = loaded_at(&browser)?;
    let _agent = machine.start_agent(&server.token()?)?;
    browser.see(&row(&["Job completed successfully", "OS Patches: 2"]))?;
    assert_eq!(loaded_at(&browser)?, page, "the page was loaded again");
    browser.screenshot("04-devices")?;
    let host = browser.text(&By::css("tbody th a"))?;
    browser.click(&By::link("OS Patches: 2"))?;
    browser.see(&heading(&host))?;
    browser.see(&row(&[TOOL, "1.0-1", "Not Approved"]))?;
    browser.screenshot("05-device")?;

    // One of two patches is approved, for one of two system types.
    browser.click(&By::link("Missing Patches"))?;
    browser.click(&tick(TOOL))?;
    browser.screenshot("06-missing")?;
    browser.click(&button("Approve"))?;
    browser.see(&notice("1 patch was approved."))?;
    browser.see(&row(&[TOOL, "Normal Systems", "Approved", "administrator"]))?;
    browser.see(&row(&[OTHER, "Normal Systems", "Not Approved"]))?;
    browser.screenshot("07-approved")?;

    // The preview says who gets what and who does not, before anything is posted.
    browser.click(&By::css("thead input[type=checkbox]"))?;
    browser.click(&button("Deploy…"))?;
    browser.see(&heading("Deploy: who gets it"))?;
    browser.see(&section_row(TOOL, "Deploy"))?;
    browser.see(&section_row(OTHER, "Left out"))?;
    browser.screenshot("08-preview")?;
    browser.click(&button("Deploy now: 1 job"))?;
    browser.see(&notice("1 deploy job was posted."))?;
    browser.screenshot("09-posted")?;

    // The job's page follows the job by itself.
    browser.click(&By::xpath("//main//a[starts-with(., 'deployment ')]"))?;
    browser.click(&By::link(&format!("{TOOL} 2.0-1")))?;
    browser.see(&heading("Deploy job 1"))?;
    let page = loaded_at(&browser)?;
    browser.see(&status(STARTED))?;
    browser.screenshot("10-job-started")?;
    machine.let_go(TOOL)?;
    browser.see(&status(COMPLETED))?;
    assert_eq!(loaded_at(&browser)?, page, "the page was loaded again");
    assert_eq!(machine.version(TOOL)?, "2.0-1");
    browser.screenshot("11-job-completed")?;
    browser.click(&By::link("Deployments"))?;
    browser.see(&row(&[TOOL, COMPLETED]))?;
    browser.screenshot("12-deployments")?;

    // What is installed is not missing any more; what was not approved still is.
    browser.click(&By::link("Missing Patches"))?;
    browser.see(&row(&[OTHER, "Not Approved"]))?;
    browser.see_none(&row(&[TOOL]))?;
    browser.screenshot("13-missing-after")?;
    assert_eq!(machine.version(OTHER)?, "1.0-1");

    for (page, name) in [
        ("Sources", "14-sources"),
        ("Add a machine", "15-add-a-machine"),
        ("Audit", "16-audit"),
    ] {
        browser.click(&By::link(page))?;
        browser.see(&heading(page))?;
        browser.screenshot(name)?;
    }
    assert_eq!(browser.console()?, Vec::<String>::new());
    // An inline style is against the policy, and Chromium says so: it would have said it above.
    browser
        .script("document.body.insertAdjacentHTML('beforeend', '<b style=\"color:red\">x</b>')")?;
    let complaints = browser.console()?;
    ensure!(
        complaints
            .iter()
            .any(|it| it.contains("Content Security Policy")),
        "{complaints:?}"
    );
    Ok(())
}

#[test]
fn approving_and_deploying_need_no_javascript() -> Result<()> {
    let server = Server::start()?;
    let machine = machine()?;
    machine.let_go(TOOL)?;
    let _agent = machine.start_agent(&server.token()?)?;
    let browser = Browser::start(false)?;

    let (page, secret) = setup_link(&server)?;
    browser.open(&format!("{page}#{secret}"))?;
    // The script that would fill the field in does not run.
    assert_eq!(browser.property(&By::css("#secret"), "value")?, "");
    browser.fill(&By::css("#secret"), &secret)?;
    set_password(&browser)?;

    open_until(&browser, &server, "/missing", &row(&[TOOL]))?;
    browser.click(&tick(TOOL))?;
    browser.click(&button("Approve"))?;
    browser.see(&notice("1 patch was approved."))?;
    browser.click(&tick(TOOL))?;
    browser.click(&button("Deploy…"))?;
    browser.click(&button("Deploy now: 1 job"))?;
    browser.see(&notice("1 deploy job was posted."))?;
    open_until(&browser, &server, "/deployments/1", &status(COMPLETED))?;
    assert_eq!(machine.version(TOOL)?, "2.0-1");
    assert_eq!(machine.version(OTHER)?, "1.0-1");
    Ok(())
}

/// A machine that lacks the newer versions of two packages.
fn machine() -> Result<Machine> {
    let waits = counting(TOOL, &waiting(TOOL));
    Machine::new(
        &[Deb::new(TOOL, "1.0-1"), Deb::new(OTHER, "1.0-1")],
        &[
            Deb::new(TOOL, "2.0-1").control_file("postinst", &waits),
            Deb::new(OTHER, "2.0-1"),
        ],
    )
}

/// The page of a new setup link, and its secret.
fn setup_link(server: &Server) -> Result<(String, String)> {
    let link = server.admin(&["setup-link"])?.success()?;
    let (page, secret) = link
        .trim()
        .split_once('#')
        .context("a setup link has a fragment")?;
    Ok((page.to_owned(), secret.to_owned()))
}

fn set_password(browser: &Browser) -> Result<()> {
    browser.fill(&By::css("#password"), PASSWORD)?;
    browser.fill(&By::css("#repeated"), PASSWORD)?;
    browser.click(&button("Set the password and sign in"))?;
    browser.see(&heading("Devices"))
}

/// When the page that is shown was loaded: the same as long as nobody reloads it.
fn loaded_at(browser: &Browser) -> Result<String> {
    Ok(browser.script("return performance.timeOrigin")?.to_string())
}

/// Loads a page again and again, as a person does without JavaScript, until it shows something.
fn open_until(browser: &Browser, server: &Server, path: &str, by: &By) -> Result<()> {
    process::wait_until(&format!("{path} shows it"), PATIENCE, || {
        browser.open(&format!("{}{path}", server.url()))?;
        Ok(browser.has(by)?.then_some(()))
    })
}

fn heading(text: &str) -> By {
    By::xpath(format!("//h1[.=\"{text}\"]"))
}

fn button(text: &str) -> By {
    By::xpath(format!("//button[.=\"{text}\"]"))
}

fn notice(text: &str) -> By {
    By::xpath(format!("//p[@role='status'][.='{text}']"))
}

/// A table's row that holds all of these texts.
fn row(texts: &[&str]) -> By {
    let holds: Vec<String> = texts
        .iter()
        .map(|it| format!("contains(., '{it}')"))
        .collect();
    By::xpath(format!("//tbody/tr[{}]", holds.join(" and ")))
}

/// A row below the heading of a package's section.
fn section_row(package: &str, text: &str) -> By {
    By::xpath(format!(
        "//h2[contains(., '{package}')]/following-sibling::div[1]//tbody/tr[contains(., '{text}')]"
    ))
}

/// The box of a package's row for normal systems.
fn tick(package: &str) -> By {
    By::css(&format!(
        "input[aria-label='Tick {package} for Normal Systems']"
    ))
}

/// A deploy job's page with this status.
fn status(label: &str) -> By {
    By::xpath(format!(
        "//dt[.='Status']/following-sibling::dd[1]/strong[.='{label}']"
    ))
}
