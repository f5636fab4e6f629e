//! Packages that call functions of extension packages, which the server fetches as well.

use std::path::Path;
use std::time::Duration;

use fleetmend_e2e::feed::{Fault, FeedSite};
use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::SourceId;
use fleetmend_model::recipe::Verdict;
use fleetmend_server::Given;
use fleetmend_server::catalog::nupkgs::{self, fetch_packages};
use fleetmend_store::packages::{self, Package};
use fleetmend_store::{Page, queue};
use serde_json::json;

use crate::agent::Agent;
use crate::clocked::{Clocked, both, until};
use crate::offer::has_software;
use crate::source_view::SourceView;

const SOURCE: SourceId = SourceId(1);
/// Where a feed has the extension.
const NUPKG: &str = "/api/v2/package/acme.extension/1.0";

/// A package whose arguments an extension gives.
fn tool(range: &str) -> Nupkg {
    Nupkg::new("acme-tool", "2.0")
        .title("Acme tool")
        .dependency("Acme.extension", range)
        .install_script(
            "Install-ChocolateyPackage acme exe (Get-AcmeArguments) https://vendor.example/a.exe",
        )
}

fn extension(version: &str, arguments: &str) -> Nupkg {
    let script = format!("function Get-AcmeArguments {{ Get-Deeper '{arguments}' }}");
    Nupkg::new("acme.extension", version)
        .dependency("deeper.extension", "")
        .file("extensions/acme.psm1", script)
}

fn deeper() -> Nupkg {
    let script = "function Get-Deeper($it) { \"/$it\" }";
    Nupkg::new("deeper.extension", "1.0").file("extensions/deeper.psm1", script)
}

/// A source of a server with a device that has the tool.
async fn add(site: &Clocked, location: &str) {
    let mut agent = Agent::enrol(&site.site, "host").await;
    has_software(&mut agent, "Acme tool").await;
    let hosts = ["127.0.0.1".to_owned()];
    let given = Given {
        private_hosts: &hosts,
        ..Given::at(location)
    };
    site.site
        .running()
        .handle()
        .add_source(&given)
        .await
        .unwrap();
}

async fn read_again(site: &Clocked) {
    fleetmend_server::catalog::sync::sync(site.app(), SOURCE)
        .await
        .unwrap();
}

fn build(folder: &Path, all: &[Nupkg]) {
    for package in all {
        package.build_into(folder).unwrap();
    }
}

async fn found(site: &Clocked, id: &str) -> Option<Package> {
    let versions = packages::versions(site.db(), SOURCE, id).await.unwrap();
    versions.into_iter().next()
}

/// Waits until the server has nothing to fetch.
async fn idle(site: &Clocked) {
    until("nothing is fetched", async || {
        let page = Page::first(10);
        let works = queue::list(site.db(), Some("fetch_packages"), &page)
            .await
            .unwrap();
        works
            .rows
            .iter()
            .all(|it| it.run_at > site.now())
            .then_some(())
    })
    .await;
}

/// The tool once its recipe has these arguments.
async fn with_arguments(site: &Clocked, arguments: &str) -> Package {
    until(arguments, async || {
        let tool = found(site, "acme-tool").await?;
        let analysis = tool.analysis.as_ref()?;
        let recipe = analysis.recipe.as_ref()?;
        let is_so = analysis.verdict == Verdict::Ready && recipe.arguments == arguments;
        is_so.then_some(tool)
    })
    .await
}

/// The tool once a finding of it says something.
async fn with_finding(site: &Clocked, words: &str) -> Package {
    until(words, async || {
        let tool = found(site, "acme-tool").await?;
        let findings = &tool.analysis.as_ref()?.findings;
        findings
            .iter()
            .any(|it| it.what.contains(words))
            .then_some(tool)
    })
    .await
}

both! {
    async fn a_newer_extension_is_used_if_the_package_takes_it_and_nothing_is_analysed_for_nothing(site) {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        build(at, &[tool("[1.0,2.0)"), extension("1.0", "S"), deeper()]);
        add(&site, at.to_str().unwrap()).await;
        let first = with_arguments(&site, "/S").await;
        assert_eq!(first.problem, None);
        build(at, &[extension("1.1", "Q"), extension("2.0", "X")]);
        site.live(Duration::from_mins(1)).await;
        read_again(&site).await;
        let second = with_arguments(&site, "/Q").await;
        assert_ne!(second.analysed_at, first.analysed_at);
        site.live(Duration::from_mins(1)).await;
        fetch_packages(site.app()).await.unwrap();
        assert_eq!(found(&site, "acme-tool").await.unwrap(), second, "it is as new as it can be");
        // Back to the older one, when the newer one is gone.
        std::fs::remove_file(at.join(extension("1.1", "Q").file_name())).unwrap();
        read_again(&site).await;
        with_arguments(&site, "/S").await;
    }

    async fn an_extension_that_no_source_has_is_a_finding_until_one_has_it(site) {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), &[tool("[1.0,2.0)"), extension("2.0", "X")]);
        add(&site, folder.path().to_str().unwrap()).await;
        let said = "the extension package acme.extension cannot be had: no source has a version that \
                    [1.0,2.0) takes";
        let lacking = with_finding(&site, said).await;
        assert_eq!(lacking.analysis.unwrap().verdict, Verdict::NeedsChocolatey);
        let problem = lacking.problem.unwrap();
        assert!(problem.why.starts_with(said) && problem.retry_at.is_none(), "{problem:?}");
        // It depends on another one, which is told as well.
        build(folder.path(), &[extension("1.0", "S")]);
        read_again(&site).await;
        with_finding(&site, "the extension package deeper.extension cannot be had: no source has it").await;
        build(folder.path(), &[deeper()]);
        read_again(&site).await;
        assert_eq!(with_arguments(&site, "/S").await.problem, None);
    }

    async fn an_extension_that_cannot_be_fetched_is_tried_again_and_then_the_package_is_looked_at_anew(site) {
        let feed = FeedSite::start().unwrap();
        for package in [tool(""), extension("1.0", "S"), deeper()] {
            feed.add_package(&package).unwrap();
        }
        feed.set_fault(NUPKG, Fault::Status(500));
        add(&site, &feed.url()).await;
        let lacking = with_finding(&site, "the extension package acme.extension cannot be had: ").await;
        let problem = lacking.problem.unwrap();
        assert!(problem.why.contains("answered 500"), "{problem:?}");
        let extension = found(&site, "acme.extension").await.unwrap();
        assert!(problem.retry_at.is_some());
        assert_eq!(problem.retry_at, extension.problem.unwrap().retry_at);
        let asked = || feed.requests().iter().filter(|it| it.path == NUPKG).count();
        let before = asked();
        fetch_packages(site.app()).await.unwrap();
        assert_eq!(asked(), before, "it is not asked for before its time");
        let person = site.administrator().await;
        let source = person.get(&site.site, "/api/v1/sources/1").await.json();
        let problems = source["problems"].as_array().unwrap().clone();
        let of = |id: &str| problems.iter().find(|it| it["package"] == id).cloned();
        assert!(of("acme.extension").is_some() && of("acme-tool").is_some(), "{source}");
        feed.repair();
        site.live(Duration::from_hours(1)).await;
        site.app().jobs_due.notify_one();
        assert_eq!(with_arguments(&site, "/S").await.problem, None);
        let source = person.get(&site.site, "/api/v1/sources/1").await.json();
        assert_eq!(source["problems"], json!([]));
    }

    async fn one_request_serves_a_package_that_is_asked_for_by_itself_and_as_an_extension(site) {
        for fault in [None, Some(Fault::Status(500))] {
            let feed = FeedSite::start().unwrap();
            for package in [tool(""), extension("1.0", "S"), deeper()] {
                feed.add_package(&package).unwrap();
            }
            if let Some(fault) = fault.clone() {
                feed.set_fault(NUPKG, fault);
            }
            let view = SourceView::add_feed(&site, &feed).await;
            let row = async |id: &str| {
                let versions = packages::versions(site.db(), view.id, id).await;
                versions.unwrap().remove(0)
            };
            let [tool, extension] = [row("acme-tool").await, row("acme.extension").await];
            let (one, other) = tokio::join!(
                nupkgs::fetch_one(site.app(), tool),
                nupkgs::fetch_one(site.app(), extension)
            );
            one.unwrap();
            other.unwrap();
            let asked = feed.requests().iter().filter(|it| it.path == NUPKG).count();
            assert_eq!(asked, 1, "{fault:?}");
            let is_had = row("acme.extension").await.analysis.is_some();
            assert_eq!(is_had, fault.is_none(), "{fault:?}");
            let removed = site.site.running().handle().remove_source(&feed.url()).await;
            removed.unwrap();
        }
    }

    async fn an_extension_that_is_none_is_told_and_nothing_goes_round_in_a_circle(site) {
        let feed = FeedSite::start().unwrap();
        feed.add_package(&tool("")).unwrap();
        feed.add_package_bytes(&extension("1.0", "S"), b"no zip".to_vec());
        add(&site, &feed.url()).await;
        let words = "acme.extension cannot be had: the package cannot be read: ";
        let first = with_finding(&site, words).await;
        for _ in 0..2 {
            site.live(Duration::from_hours(1)).await;
            fetch_packages(site.app()).await.unwrap();
        }
        assert_eq!(found(&site, "acme-tool").await.unwrap(), first);
        // A file that is not the one that the feed names; the older version is what is left.
        feed.clear();
        for package in [tool(""), extension("1.1", "S"), deeper()] {
            feed.add_package(&package).unwrap();
        }
        feed.set_fault("/api/v2/package/acme.extension/1.1", Fault::WrongByte);
        read_again(&site).await;
        until("it was wrong once", async || {
            found(&site, "acme.extension").await?.problem?.retry_at
        })
        .await;
        site.live(Duration::from_mins(1)).await;
        until("it is in quarantine", async || {
            found(&site, "acme.extension").await?.quarantine.map(drop)
        })
        .await;
        idle(&site).await;
        let second = with_finding(&site, words).await;
        assert_ne!(second.analysed_at, first.analysed_at);
        site.live(Duration::from_hours(1)).await;
        fetch_packages(site.app()).await.unwrap();
        assert_eq!(found(&site, "acme-tool").await.unwrap(), second);
    }
}
