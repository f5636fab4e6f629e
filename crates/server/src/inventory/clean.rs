//! A device's word made fit to store and show: texts without control characters and of bounded
//! length, lists of bounded length. What was cut is said.

use std::collections::BTreeSet;

use fleetmend_model::inventory::{Inventory, Part, Software};

use super::unread;

/// The longest name, version, publisher or key, in characters.
const MAX_TEXT: usize = 512;
/// The most installed applications or packages of one device.
const MAX_SOFTWARE: usize = 20_000;
/// The most upgrades on offer for one device.
const MAX_UPDATES: usize = 20_000;

/// Cleans in place; the texts tell what was cut.
pub fn clean(inventory: &mut Inventory) -> Vec<String> {
    let mut cut = 0;
    let mut notes = Vec::new();
    let host = &mut inventory.host;
    for text in [
        &mut host.hostname,
        &mut host.os_name,
        &mut host.os_version,
        &mut host.architecture,
    ] {
        cut += usize::from(clean_text(text));
    }
    for note in [&mut inventory.restart_pending, &mut inventory.cannot_deploy]
        .into_iter()
        .flatten()
    {
        cut += usize::from(clean_text(note));
    }
    let rest = inventory.software.iter().skip(MAX_SOFTWARE);
    let mut capped: BTreeSet<Part> = rest.map(|it| it.place.into()).collect();
    if inventory.chocolatey.len() > MAX_SOFTWARE {
        capped.insert(Part::Chocolatey);
    }
    if cap(&mut inventory.software, MAX_SOFTWARE) | cap(&mut inventory.chocolatey, MAX_SOFTWARE) {
        notes.push(format!(
            "more than {MAX_SOFTWARE} installed applications: the rest was left out"
        ));
    }
    cut += unread::clean(inventory, capped);
    for row in &mut inventory.software {
        clean_software(row, &mut cut);
    }
    for record in &mut inventory.chocolatey {
        cut += usize::from(clean_text(&mut record.id));
        cut += usize::from(clean_text(&mut record.version));
    }
    if let Some(scan) = &mut inventory.updates {
        if cap(&mut scan.updates, MAX_UPDATES) | cap(&mut scan.withheld, MAX_UPDATES) {
            notes.push(format!(
                "more than {MAX_UPDATES} updates: the rest was left out"
            ));
        }
        for update in &mut scan.updates {
            for text in [
                &mut update.package,
                &mut update.architecture,
                &mut update.installed,
                &mut update.candidate,
                &mut update.origin,
            ] {
                cut += usize::from(clean_text(text));
            }
        }
        for update in &mut scan.withheld {
            for text in [
                &mut update.package,
                &mut update.installed,
                &mut update.candidate,
                &mut update.why,
            ] {
                cut += usize::from(clean_text(text));
            }
        }
        for source in &mut scan.unreachable {
            cut += usize::from(clean_text(&mut source.source));
            cut += usize::from(clean_text(&mut source.cause));
        }
    }
    if cut > 0 {
        notes.push(format!("{cut} texts were too long and were cut"));
    }
    notes
}

fn clean_software(row: &mut Software, cut: &mut usize) {
    for text in [
        &mut row.key,
        &mut row.name,
        &mut row.version,
        &mut row.publisher,
    ] {
        *cut += usize::from(clean_text(text));
    }
    for code in [&mut row.product_code, &mut row.upgrade_code]
        .into_iter()
        .flatten()
    {
        *cut += usize::from(clean_text(code));
    }
}

fn cap<T>(list: &mut Vec<T>, most: usize) -> bool {
    let is_over = list.len() > most;
    list.truncate(most);
    is_over
}

/// One text: control characters become spaces, also those that turn the direction of a line round.
/// Says whether it was cut.
pub fn clean_text(text: &mut String) -> bool {
    clean_to(text, MAX_TEXT)
}

/// One text of which no more than `most` characters are kept.
pub(crate) fn clean_to(text: &mut String, most: usize) -> bool {
    let is_bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if text.len() <= most && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return false;
    }
    if text.contains(is_bad) {
        let clean = text.replace(is_bad, " ");
        clean.trim().clone_into(text);
    }
    if let Some((at, _)) = text.char_indices().nth(most) {
        text.truncate(at);
        text.push('…');
        return true;
    }
    false
}
