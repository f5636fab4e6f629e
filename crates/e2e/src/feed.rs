//! A web site with a NuGet v2 feed and plain files: what stands at a source's address.
//!
//! Below `/api/v2/` it answers the requests that choco and NuGet clients make: the service document,
//! `Packages()` with `$filter`, `$orderby`, `$skip` and `$top`, `Search()`, `FindPackagesById()`,
//! `Packages(Id=…,Version=…)` and `package/<id>/<version>`. Below `/files/` it serves files, with
//! ranges. Single paths can be made to fail in the ways that outside sites do.

use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::feed_document::{Offered, entry_document, error_document, service_document};
use crate::feed_paging::Paging;
use crate::http_range::ranged_file;
pub use crate::http_site::Request;
use crate::http_site::{Delivery, HttpSite, Response};
use crate::nupkg::Nupkg;

const FEED_PATH: &str = "/api/v2/";
const FILES_PATH: &str = "/files/";
const ATOM: &str = "application/atom+xml;type=feed;charset=utf-8";
const XML: &str = "application/xml;charset=utf-8";
/// How many entries a page has unless told otherwise, as on the community feed.
const DEFAULT_PAGE_SIZE: usize = 40;
/// The community feed refuses to skip further than this.
const MAX_SKIP: usize = 10_000;

/// A way in which the site answers wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This status with an error document.
    Status(u16),
    /// This status with an error document and the header `Retry-After`, in seconds.
    Refused(u16, u32),
    /// The right answer's length, half of its body, then the connection's end.
    Truncated,
    /// The right answer, followed by blanks without end.
    Endless,
    /// The right answer, with a length of so many bytes said, then the connection's end.
    Claims(u64),
    /// Half of the right answer, then silence on an open connection.
    Stalled,
    /// 200 with a page of HTML that is no XML, as a captive portal gives.
    NotXml,
    /// 200 with an XML document that declares entities.
    Dtd,
    /// The right answer with one byte changed.
    WrongByte,
    /// 200 with these bytes.
    Body(Vec<u8>),
    /// 302 to this address.
    Redirect(String),
}

/// What a feed understands of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `$filter` and `$orderby`.
    Full,
    /// `$orderby` is an error.
    RefusesOrder,
    /// Of `$filter`, nothing behind the first condition.
    FirstConditionOnly,
    /// A `$filter` of several conditions lets nothing pass.
    NothingBehindFirstCondition,
}

/// What pages of lists tell about whether they have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validator {
    /// Nothing.
    None,
    /// The header `ETag`.
    Etag,
    /// The header `Last-Modified`.
    LastModified,
}

/// The site, on a free port of the loopback address. It ends on drop.
#[derive(Debug)]
pub struct FeedSite {
    site: HttpSite,
    content: Arc<Mutex<Content>>,
}

#[derive(Debug)]
struct Content {
    base: String,
    page_size: usize,
    packages: Vec<Offered>,
    files: Vec<(String, Vec<u8>)>,
    faults: Vec<(String, Fault)>,
    most_skipped: usize,
    dialect: Dialect,
    /// Pages from here on are begun and never ended.
    stall_at_skip: usize,
    /// Where entries say that their nupkgs are, other than below the feed's own address.
    nupkgs_at: Option<String>,
    gives_digests: bool,
    validator: Validator,
    counts: bool,
    /// How many it counts that it shows nobody.
    counts_hidden: usize,
    /// Where the last page links to.
    last_link: Option<String>,
    /// Whether no page links to another.
    is_cut_off: bool,
    /// The header that requests must carry.
    authorization: Option<String>,
}

impl FeedSite {
    /// Starts a site without packages and files.
    pub fn start() -> Result<Self> {
        let content = Arc::new(Mutex::new(Content {
            base: String::new(),
            page_size: DEFAULT_PAGE_SIZE,
            packages: Vec::new(),
            files: Vec::new(),
            faults: Vec::new(),
            most_skipped: MAX_SKIP,
            dialect: Dialect::Full,
            stall_at_skip: usize::MAX,
            nupkgs_at: None,
            gives_digests: true,
            validator: Validator::None,
            counts: false,
            counts_hidden: 0,
            last_link: None,
            is_cut_off: false,
            authorization: None,
        }));
        let for_site = Arc::clone(&content);
        let site = HttpSite::start(move |request| lock(&for_site).answer(request))?;
        lock(&content).base = format!("http://{}{FEED_PATH}", site.address());
        Ok(Self { site, content })
    }

    /// The feed's address, as a source is configured with it.
    pub fn url(&self) -> String {
        lock(&self.content).base.clone()
    }

    /// The address of a file.
    pub fn file_url(&self, name: &str) -> String {
        format!("http://{}{FILES_PATH}{name}", self.site.address())
    }

    /// Offers a package; the last added of an id counts as its latest version.
    pub fn add_package(&self, package: &Nupkg) -> Result<()> {
        self.offer(package, package.build()?, true);
        Ok(())
    }

    /// Adds a version that the feed has, but not lists: its publication date is in 1900.
    pub fn add_unlisted_package(&self, package: &Nupkg) -> Result<()> {
        self.offer(package, package.build()?, false);
        Ok(())
    }

    /// Offers a package whose file is these bytes, whatever they are.
    pub fn add_package_bytes(&self, package: &Nupkg, bytes: Vec<u8>) {
        self.offer(package, bytes, true);
    }

    /// Takes a package version away.
    pub fn remove_package(&self, id: &str, version: &str) {
        lock(&self.content)
            .packages
            .retain(|offered| !offered.is(id, version));
    }

    /// Offers a file.
    pub fn add_file(&self, name: &str, content: impl Into<Vec<u8>>) {
        let mut state = lock(&self.content);
        state.files.retain(|(known, _)| known != name);
        state.files.push((name.to_owned(), content.into()));
    }

    /// Sets how many entries a page has.
    pub fn set_page_size(&self, entries: usize) {
        lock(&self.content).page_size = entries.max(1);
    }

    /// Has the site answer lists as simpler feeds do.
    pub fn set_dialect(&self, dialect: Dialect) {
        lock(&self.content).dialect = dialect;
    }

    /// Sets how many entries a request may skip.
    pub fn set_most_skipped(&self, entries: usize) {
        lock(&self.content).most_skipped = entries;
    }

    /// Has pages behind so many entries begin and never end.
    pub fn set_stall_at_skip(&self, entries: usize) {
        lock(&self.content).stall_at_skip = entries;
    }

    /// Has pages of lists tell in this way whether they have changed, and answers 304 if not.
    pub fn set_validator(&self, validator: Validator) {
        lock(&self.content).validator = validator;
    }

    /// Has the site say how many packages there are (`Packages()/$count`).
    pub fn set_counts(&self) {
        lock(&self.content).counts = true;
    }

    /// Has the site count so many packages that it shows nobody.
    pub fn set_counts_hidden(&self, hidden: usize) {
        lock(&self.content).counts_hidden = hidden;
    }

    /// Has the last page of every list link on to this address; to none, where it is empty.
    pub fn set_last_link(&self, address: &str) {
        let link = Some(address.to_owned());
        lock(&self.content).last_link = link.filter(|it| !it.is_empty());
    }

    /// Has all packages marked as ones that nobody is shown.
    pub fn hide_all(&self) {
        for offered in &mut lock(&self.content).packages {
            offered.listed = false;
        }
    }

    /// Has every list end with its first page, as if there were no more.
    pub fn set_cut_off(&self, is_cut_off: bool) {
        lock(&self.content).is_cut_off = is_cut_off;
    }

    /// Takes all packages away.
    pub fn clear(&self) {
        lock(&self.content).packages.clear();
    }

    /// Has documents name the feed by this address, which leads here as well.
    pub fn set_base(&self, base: &str) {
        base.clone_into(&mut lock(&self.content).base);
    }

    /// Has entries say that their nupkgs are below this address, without a digest.
    pub fn set_content_base(&self, base: &str) {
        let mut state = lock(&self.content);
        state.nupkgs_at = Some(base.to_owned());
        state.gives_digests = false;
    }

    /// Has the feed and its nupkgs want a name and a password (HTTP Basic).
    pub fn require_login(&self, name: &str, password: &str) {
        let pair = BASE64.encode(format!("{name}:{password}"));
        lock(&self.content).authorization = Some(format!("Basic {pair}"));
    }

    /// The port that the site listens on.
    pub fn port(&self) -> u16 {
        self.site.address().port()
    }

    /// Answers every path that begins with `path` in this wrong way, until [`Self::repair`].
    pub fn set_fault(&self, path: &str, fault: Fault) {
        let mut state = lock(&self.content);
        state.faults.retain(|(known, _)| known != path);
        state.faults.push((path.to_owned(), fault));
    }

    /// Takes all faults away.
    pub fn repair(&self) {
        lock(&self.content).faults.clear();
    }

    /// All requests so far, in their order.
    pub fn requests(&self) -> Vec<Request> {
        self.site.requests()
    }

    /// Waits until a request whose path begins with `path` has come.
    pub fn wait_for_request(&self, path: &str, timeout: Duration) -> Result<Request> {
        self.site
            .wait_for_request(timeout, |request| request.path.starts_with(path))
    }

    fn offer(&self, package: &Nupkg, bytes: Vec<u8>, listed: bool) {
        let mut state = lock(&self.content);
        let mut offered = Offered::new(package.clone(), bytes, listed);
        if listed {
            offered.latest = true;
            for other in &mut state.packages {
                other.latest &= !other.package.id.eq_ignore_ascii_case(&package.id);
            }
        }
        state.packages.push(offered);
    }
}

fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Offered {
    fn is(&self, id: &str, version: &str) -> bool {
        self.package.id.eq_ignore_ascii_case(id) && self.package.version == version
    }
}

impl Content {
    fn answer(&self, request: &Request) -> Response {
        let is_feed = request.path.starts_with(FEED_PATH);
        if let Some(wanted) = self.authorization.as_ref().filter(|_| is_feed)
            && request.header("authorization") != Some(wanted)
        {
            return Response::new(401, "text/plain", "who are you?\n");
        }
        let fault = self
            .faults
            .iter()
            .find(|(path, _)| request.path.starts_with(path.as_str()));
        let Some((_, fault)) = fault else {
            return self.right_answer(request);
        };
        let html = "text/html;charset=utf-8";
        match fault {
            Fault::Status(status) => {
                Response::new(*status, XML, error_document("The site is out of order."))
            }
            Fault::Refused(status, seconds) => {
                let document = error_document("Come back later.");
                let mut response = Response::new(*status, XML, document);
                let header = ("Retry-After".to_owned(), seconds.to_string());
                response.headers.push(header);
                response
            }
            Fault::NotXml => {
                Response::new(200, html, "<!doctype html><p>Sign in & surf<br>Welcome")
            }
            Fault::Dtd => Response::new(
                200,
                ATOM,
                "<?xml version=\"1.0\"?><!DOCTYPE feed [<!ENTITY a \"aaaaaaaaaa\">\
                 <!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>\
                 <feed xmlns=\"http://www.w3.org/2005/Atom\"><title>&b;</title></feed>",
            ),
            Fault::Body(body) => Response::new(200, ATOM, body.clone()),
            Fault::Redirect(to) => {
                let mut response = Response::new(302, "text/plain", "over there\n");
                response.headers.push(("Location".to_owned(), to.clone()));
                response
            }
            Fault::WrongByte => {
                let mut response = self.right_answer(request);
                let middle = response.body.len() / 2;
                if let Some(byte) = response.body.get_mut(middle) {
                    *byte ^= 1;
                }
                response
            }
            Fault::Claims(length) => self.delivered(request, Delivery::Claiming(*length)),
            Fault::Truncated => self.delivered(request, Delivery::Truncated),
            Fault::Endless => self.delivered(request, Delivery::Endless),
            Fault::Stalled => self.delivered(request, Delivery::Stalled),
        }
    }

    fn delivered(&self, request: &Request, delivery: Delivery) -> Response {
        Response {
            delivery,
            ..self.right_answer(request)
        }
    }

    fn right_answer(&self, request: &Request) -> Response {
        if let Some(name) = request.path.strip_prefix(FILES_PATH) {
            return match self.files.iter().find(|(known, _)| known == name) {
                Some((_, content)) => ranged_file(request, "application/octet-stream", content),
                None => Response::new(404, "text/plain", "no such file\n"),
            };
        }
        let Some(path) = request.path.strip_prefix(FEED_PATH) else {
            return Response::new(404, "text/plain", "nothing is here\n");
        };
        if let Some(key) = path.strip_prefix("package/") {
            let (id, version) = key.split_once('/').unwrap_or((key, ""));
            return match self.packages.iter().find(|offered| offered.is(id, version)) {
                Some(offered) => ranged_file(request, "application/zip", &offered.bytes),
                None => not_found(path),
            };
        }
        if let Some((id, version)) = package_key(path) {
            return match self
                .packages
                .iter()
                .find(|offered| offered.is(&id, &version))
            {
                Some(offered) => Response::new(200, ATOM, entry_document(&self.base, offered)),
                None => not_found("Packages"),
            };
        }
        match path.trim_end_matches("()") {
            "Packages()/$count" if self.counts => {
                let latest = self.packages.iter().filter(|it| it.latest).count();
                let count = latest + self.counts_hidden;
                Response::new(200, "text/plain", count.to_string())
            }
            "" => Response::new(200, XML, service_document(&self.base)),
            "Packages" => self.list(request, "Packages", |_| true),
            "FindPackagesById" => {
                let id = literal(request.parameter("id"));
                self.list(request, "FindPackagesById", |offered| {
                    offered.package.id.eq_ignore_ascii_case(&id)
                })
            }
            "Search" => {
                let term = literal(request.parameter("searchTerm")).to_lowercase();
                self.list(request, "Search", |offered| {
                    offered.package.id.to_lowercase().contains(&term)
                        || offered.package.title.to_lowercase().contains(&term)
                })
            }
            other => not_found(other),
        }
    }

    /// A page of the packages that `wanted` lets pass.
    fn list(
        &self,
        request: &Request,
        collection: &str,
        wanted: impl Fn(&Offered) -> bool,
    ) -> Response {
        let skip = request
            .parameter("$skip")
            .and_then(|it| it.parse::<usize>().ok());
        let delivery = match skip {
            Some(skip) if skip >= self.stall_at_skip => Delivery::Stalled,
            _ => Delivery::Whole,
        };
        let paging = Paging {
            base: &self.base,
            page_size: self.page_size,
            most_skipped: self.most_skipped,
            dialect: self.dialect,
        };
        match paging.page(&self.packages, request, collection, wanted) {
            Ok(document) => {
                let mut response = self.validated(request, self.changed(document));
                response.delivery = delivery;
                response
            }
            Err(message) => Response::new(400, XML, error_document(&message)),
        }
    }

    /// The document, or 304 if the client has it as it is.
    fn validated(&self, request: &Request, document: String) -> Response {
        let mut hasher = std::hash::DefaultHasher::new();
        document.hash(&mut hasher);
        let state = hasher.finish();
        let (header, condition, value) = match self.validator {
            Validator::None => return Response::new(200, ATOM, document),
            Validator::Etag => ("ETag", "if-none-match", format!("\"{state:x}\"")),
            Validator::LastModified => {
                // Another second for another document: clients give it back as it came.
                let (minute, second) = (state / 60 % 60, state % 60);
                let value = format!("Wed, 21 Oct 2015 07:{minute:02}:{second:02} GMT");
                ("Last-Modified", "if-modified-since", value)
            }
        };
        let mut response = match request.header(condition) {
            Some(known) if *known == value => Response::new(304, ATOM, ""),
            _ => Response::new(200, ATOM, document),
        };
        response.headers.push((header.to_owned(), value));
        response
    }

    /// The document as this site is told to give it.
    fn changed(&self, mut document: String) -> String {
        if self.is_cut_off {
            document = document.replace("rel=\"next\"", "rel=\"other\"");
        }
        if let Some(link) = &self.last_link
            && !document.contains("rel=\"next\"")
        {
            let link = format!("  <link rel=\"next\" href=\"{link}\" />\n</feed>");
            document = document.replace("</feed>", &link);
        }
        if let Some(base) = &self.nupkgs_at {
            document = document.replace(&format!("{}package/", self.base), base);
        }
        if !self.gives_digests {
            document = document.replace("PackageHash>", "NoHash>");
        }
        document
    }
}

fn not_found(segment: &str) -> Response {
    let message = format!("Resource not found for the segment '{segment}'.");
    Response::new(404, XML, error_document(&message))
}

/// Id and version out of `Packages(Id='…',Version='…')`.
fn package_key(path: &str) -> Option<(String, String)> {
    let inside = path.strip_prefix("Packages(Id='")?.strip_suffix("')")?;
    let (id, version) = inside.split_once("',Version='")?;
    Some((id.replace("''", "'"), version.replace("''", "'")))
}

/// The text of an OData literal `'…'`.
fn literal(parameter: Option<&str>) -> String {
    let text = parameter.unwrap_or_default();
    let inside = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    inside.unwrap_or(text).replace("''", "'")
}
