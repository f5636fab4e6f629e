//! Inputs made to hurt: as large as the product's caps let them be, in the shapes that cost readers
//! most. Each is named by the reader that it is for and what it is.

use std::io::{Cursor, Write as _};

use fleetmend_chocolatey::script::MAX_SCRIPT;
use fleetmend_chocolatey::{nuspec as manifest, odata};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::{made_archives, made_installers, made_queries};

/// An input.
pub struct Made {
    /// The name of its reader in [`crate::READERS`].
    pub reader: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A plain manifest.
pub fn nuspec(version: &str) -> String {
    format!(
        "<package><metadata><id>a</id><version>{version}</version><authors>a</authors>\
         <description>d</description></metadata></package>"
    )
}

/// All of them, one after the other.
pub fn all() -> impl Iterator<Item = Made> {
    let documents = DOCUMENTS.iter().flat_map(|(name, make)| {
        [
            ("nuspec", manifest::MAX_DOCUMENT),
            ("feed", odata::MAX_DOCUMENT),
        ]
        .map(|(reader, size)| Made {
            reader,
            name,
            bytes: make(size).into_bytes(),
        })
    });
    let feeds = FEEDS
        .iter()
        .map(|(name, make)| made("feed", name, make(odata::MAX_DOCUMENT)));
    let scripts = SCRIPTS.iter().map(|(name, begin, middle, end)| {
        made("script", name, filled(MAX_SCRIPT, begin, middle, end))
    });
    let versions = VERSIONS
        .iter()
        .map(|(name, middle)| made("versions", name, filled(1 << 20, "", middle, "\n1.0")));
    let packages = PACKAGES.iter().map(|(name, make)| Made {
        reader: "nupkg",
        name,
        bytes: make(),
    });
    documents
        .chain(feeds)
        .chain(scripts)
        .chain(made_queries::all())
        .chain(versions)
        .chain(packages)
        .chain(made_installers::all())
        .chain(made_archives::all())
}

/// Plain inputs of formats that are not text.
pub fn seeds() -> Vec<Made> {
    let mut zip = package();
    start(&mut zip, "tools/chocolateyInstall.ps1");
    zip.write_all(b"Install-ChocolateyPackage a exe /S https://a.example/a.exe")
        .expect("memory");
    start_stored(&mut zip, "tools/a.exe");
    let mut seeds = made_installers::seeds();
    seeds.extend(made_archives::seeds());
    seeds.push(Made {
        reader: "nupkg",
        name: "plain",
        bytes: finish(zip),
    });
    seeds
}

pub(crate) fn made(reader: &'static str, name: &'static str, text: String) -> Made {
    Made {
        reader,
        name,
        bytes: text.into_bytes(),
    }
}

/// A text of `size` bytes at most: `begin`, as many of `middle` as fit, `end`.
pub(crate) fn filled(size: usize, begin: &str, middle: &str, end: &str) -> String {
    let times = size.saturating_sub(begin.len() + end.len()) / middle.len();
    [begin, &middle.repeat(times), end].concat()
}

type MakeDocument = fn(usize) -> String;

/// XML of a given size.
const DOCUMENTS: &[(&str, MakeDocument)] = &[
    ("nothing but nesting", |size| filled(size, "", "<a>", "")),
    ("nesting and its end", |size| {
        let depth = size / 7;
        "<a>".repeat(depth) + &"</a>".repeat(depth)
    }),
    ("one element of many attributes", |size| {
        let mut text = String::from("<package");
        let mut number = 0;
        while text.len() < size - 32 {
            text.push_str(&format!(" a{number}=''"));
            number += 1;
        }
        text + "/>"
    }),
    ("one attribute many times", |size| {
        filled(size, "<package", " a=''", "/>")
    }),
    ("many namespaces", |size| {
        let mut text = String::from("<package");
        let mut number = 0;
        while text.len() < size - 64 {
            text.push_str(&format!(" xmlns:n{number}='u{number}'"));
            number += 1;
        }
        text + "/>"
    }),
    ("a long name", |size| filled(size, "<", "a", "/>")),
    ("a long text", |size| {
        filled(size, "<package>", "a", "</package>")
    }),
    ("references", |size| {
        filled(size, "<package>", "&amp;&#65;", "</package>")
    }),
    ("unknown references", |size| {
        filled(size, "<package>", "&a;", "</package>")
    }),
    ("comments", |size| {
        filled(size, "<package>", "<!---->", "</package>")
    }),
    ("instructions", |size| {
        filled(size, "<package>", "<?a?>", "</package>")
    }),
    ("cdata", |size| {
        filled(size, "<package>", "<![CDATA[a]]>", "</package>")
    }),
    ("a comment without an end", |size| {
        filled(size, "<package><!--", "-", "")
    }),
    ("tags without an end", |size| filled(size, "", "<", "")),
    ("end tags", |size| filled(size, "<package>", "</a>", "")),
    ("empty elements", |size| {
        filled(size, "<package>", "<a/>", "</package>")
    }),
    ("blanks", |size| filled(size, "", " ", "<package/>")),
    ("entities of entities", |_| {
        let mut text = String::from("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a0 'ha'>");
        for level in 1..40 {
            let inner = format!("&a{};", level - 1).repeat(10);
            text.push_str(&format!("<!ENTITY a{level} '{inner}'>"));
        }
        text + "]><package><metadata><id>&a39;</id></metadata></package>"
    }),
    ("an outside entity", |_| {
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><package><metadata><id>&x;</id>\
         </metadata></package>"
            .to_owned()
    }),
    ("dependencies", |size| {
        let head = nuspec("1.0").replace("</metadata></package>", "<dependencies>");
        filled(
            size,
            &head,
            "<dependency id='a'/>",
            "</dependencies></metadata></package>",
        )
    }),
    ("tags of a package", |size| {
        let head = nuspec("1.0").replace("</metadata></package>", "<tags>");
        filled(size, &head, "a ", "</tags></metadata></package>")
    }),
    ("a long title", |size| {
        let head = nuspec("1.0").replace("</metadata></package>", "<title>");
        filled(size, &head, "a", "</title></metadata></package>")
    }),
];

const ENTRY: &str = "<entry><title>a</title><content type='x' src='u'/><m:properties>\
                     <d:Version>1.0</d:Version></m:properties></entry>";

/// Feed documents of a given size.
const FEEDS: &[(&str, MakeDocument)] = &[
    ("entries", |size| filled(size, "<feed>", ENTRY, "</feed>")),
    ("empty entries", |size| {
        filled(size, "<feed>", "<entry/>", "</feed>")
    }),
    ("entries with texts", |size| {
        let text =
            "<d:Description>".to_owned() + &"a".repeat(1_500) + "</d:Description></m:properties>";
        filled(
            size,
            "<feed>",
            &ENTRY.replace("</m:properties>", &text),
            "</feed>",
        )
    }),
    ("next links", |size| {
        filled(size, "<feed>", "<link rel='next' href='u'/>", "</feed>")
    }),
    ("an entry with many dependencies", |size| {
        let (head, tail) = ENTRY.split_at(ENTRY.find("</m:properties>").unwrap_or_default());
        let head = format!("<feed>{head}<d:Dependencies>");
        filled(
            size,
            &head,
            "a:1|",
            &format!("</d:Dependencies>{tail}</feed>"),
        )
    }),
];

/// Install scripts: begin, what is repeated up to the cap, end.
const SCRIPTS: &[(&str, &str, &str, &str)] = &[
    ("parentheses", "$a = ", "(", ""),
    ("parentheses and their end", "$a = ", "(1)+", "1"),
    ("blocks", "", "{", ""),
    ("subexpressions", "$a = ", "$(", ""),
    ("arrays", "$a = ", "@(", ""),
    ("tables", "$a = ", "@{a=", ""),
    ("indexes", "$a", "[0]", ""),
    ("members", "$a", ".a", ""),
    ("brackets", "", "[", ""),
    ("types of types", "", "[a[", ""),
    ("casts", "$a = ", "[string]", "1"),
    ("conditions", "", "if (1) {", ""),
    (
        "conditions side by side",
        "",
        "if ($env:a) { $b += 'c' }\n",
        "",
    ),
    (
        "alternatives",
        "if ($env:a) { }",
        " elseif ($env:a) { $b = 1 }",
        "",
    ),
    ("loops in loops", "", "foreach ($a in 1..60) {", ""),
    (
        "loops side by side",
        "",
        "foreach ($a in 1..60) { $b += $a }\n",
        "",
    ),
    ("loops without an end", "", "while ($true) { $a++ }\n", ""),
    ("a text that doubles", "$a = 'ab'\n", "$a = $a + $a\n", ""),
    (
        "a list that doubles",
        "$a = @(1, 2)\n",
        "$a = $a + $a\n",
        "",
    ),
    ("lists of lists", "$a = @(1)\n", "$a = @($a, $a)\n", ""),
    ("a long list", "$a = @(1", ",1", ")"),
    ("texts many times", "", "$a = 'ab' * 100000\n", ""),
    ("ranges", "", "$a += 1..900\n", ""),
    ("formats", "$a = 'a'\n", "$a = '{0}{0}{0}' -f $a\n", ""),
    ("widths", "", "$a = '{0,60}' -f 1\n", ""),
    (
        "replacements",
        "$a = 'aaaa'\n",
        "$a = $a -replace 'a', 'aaaa'\n",
        "",
    ),
    (
        "expressions",
        "",
        "$a = 'aaaaaaaaaaaaaaaaaaaaaaa!' -match '^(a|aa)+$'\n",
        "",
    ),
    (
        "large expressions",
        "",
        "$a = 'a' -match '(((a{90}){90}){90})'\n",
        "",
    ),
    ("joined unknowns", "$a = $env:a\n", "$a = \"$a$a\"\n", ""),
    ("functions", "", "function a { a }\na\n", ""),
    ("functions in functions", "", "function a {", ""),
    (
        "functions that branch",
        "function a { if ($env:a) { a } else { a } }\n",
        "a;",
        "",
    ),
    (
        "a script that runs itself",
        "",
        ". $PSScriptRoot\\chocolateyInstall.ps1\n",
        "",
    ),
    ("pipelines", "$a", "|%{$_}", ""),
    ("a long pipeline", "1..900", "|sort", ""),
    (
        "splatting",
        "$a = @{}\n",
        "$a.b = $a\n",
        "Install-ChocolateyPackage @a",
    ),
    (
        "installs",
        "",
        "Install-ChocolateyPackage a exe /S https://a/b\n",
        "",
    ),
    (
        "downloads",
        "",
        "Get-ChocolateyWebFile a c:\\a https://a/b\n",
        "",
    ),
    ("unknown commands", "", "Do-It\n", ""),
    ("switches", "switch ('a') {", "'a' { $b += 'c' }", "}"),
    ("tries", "", "try { throw 'a' } catch { $a += 1 }\n", ""),
    ("tries in tries", "", "try {", ""),
    ("texts with expressions", "$a = \"", "$($b)", "\""),
    ("texts in texts", "$a = ", "\"$(", ""),
    ("quotes", "", "'", ""),
    ("double quotes", "", "\"", ""),
    ("here-strings", "", "@\"\n", ""),
    ("back-ticks", "", "`", ""),
    ("comments", "", "<#", ""),
    ("blanks", "", " ", ""),
    ("semicolons", "", ";", ""),
    ("dollars", "", "$", ""),
    ("numbers", "$a = ", "9", ""),
    ("signs", "$a = ", "-", "1"),
    ("negations", "$a = ", "!", "1"),
    ("sums", "$a = 1", "+1", ""),
    ("commas", "$a = ", ",", "1"),
    ("parameters", "a", " -a", ""),
    ("one long word", "", "a", ""),
    ("zero bytes", "", "\0", ""),
    ("wide letters", "$a = '", "\u{1F600}", "'"),
];

/// Version texts.
const VERSIONS: &[(&str, &str)] = &[
    ("digits", "9"),
    ("dots", "1."),
    ("dashes", "1-"),
    ("tildes", "~"),
    ("letters and digits", "a1"),
    ("zeros", "0"),
    ("colons", ":"),
];

/// Package files.
const PACKAGES: &[(&str, fn() -> Vec<u8>)] = &[
    ("a large install script", || {
        // Packs 100 times: too little for a bomb, by the package's limits.
        let mut zip = package();
        start(&mut zip, "tools/chocolateyInstall.ps1");
        let mut noise = 1_u32;
        let mut line = vec![b'#'; 16 * 1024];
        for _ in 0..12 * 1024 {
            for place in 0..64 {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                line[place * 200] = b'a' + (noise >> 28) as u8;
            }
            zip.write_all(&line).expect("memory");
        }
        finish(zip)
    }),
    ("many scripts", || {
        let mut zip = package();
        let text = vec![b'#'; MAX_SCRIPT];
        for number in 0..2_000 {
            start(&mut zip, &format!("tools/{number}.ps1"));
            zip.write_all(&text).expect("memory");
        }
        start(&mut zip, "tools/chocolateyInstall.ps1");
        finish(zip)
    }),
    ("a bomb", || {
        let mut zip = package();
        start(&mut zip, "tools/a.exe");
        zip.write_all(&vec![0; 512 * 1024 * 1024]).expect("memory");
        finish(zip)
    }),
    ("a large manifest", || {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        start(&mut zip, "a.nuspec");
        zip.write_all(&vec![b' '; 512 * 1024 * 1024])
            .expect("memory");
        finish(zip)
    }),
    ("many entries", || {
        let mut zip = package();
        for number in 0..300_000 {
            start_stored(&mut zip, &format!("tools/{number}"));
        }
        finish(zip)
    }),
    ("entries with long names", || {
        let mut zip = package();
        for number in 0..1_500 {
            start_stored(&mut zip, &format!("{number}{}", "a".repeat(60_000)));
        }
        finish(zip)
    }),
    ("entries in deep folders", || {
        let mut zip = package();
        for number in 0..1_500 {
            start_stored(&mut zip, &format!("{}{number}", "a/".repeat(30_000)));
        }
        finish(zip)
    }),
    ("names that lead outside", || {
        let mut zip = package();
        start_stored(&mut zip, "../../outside.exe");
        finish(zip)
    }),
];

type Package = ZipWriter<Cursor<Vec<u8>>>;

fn package() -> Package {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    start(&mut zip, "a.nuspec");
    zip.write_all(nuspec("1.0").as_bytes()).expect("memory");
    zip
}

fn start(zip: &mut Package, name: &str) {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file(name, options).expect("memory");
}

fn start_stored(zip: &mut Package, name: &str) {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file(name, options).expect("memory");
}

fn finish(zip: Package) -> Vec<u8> {
    zip.finish().expect("memory").into_inner()
}
