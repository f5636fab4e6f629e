//! What an application registers, in one piece of memory: an index has hundreds of thousands of them.

use fleetmend_model::inventory::{Place, Software};

/// A [`Software`].
#[derive(Debug)]
pub(super) struct Compact {
    place: Place,
    /// All texts, one behind the other.
    text: Box<str>,
    /// Where each but the last ends.
    ends: [u32; 5],
    has_product_code: bool,
    has_upgrade_code: bool,
}

impl Compact {
    pub(super) fn of(software: &Software) -> Self {
        let product_code = software.product_code.as_deref();
        let upgrade_code = software.upgrade_code.as_deref();
        let texts = [
            &software.key,
            &software.name,
            &software.version,
            &software.publisher,
            product_code.unwrap_or_default(),
            upgrade_code.unwrap_or_default(),
        ];
        let mut ends = [0; 5];
        let mut end = 0;
        for (it, text) in ends.iter_mut().zip(texts) {
            end += text.len() as u32;
            *it = end;
        }
        Self {
            place: software.place,
            text: texts.concat().into_boxed_str(),
            ends,
            has_product_code: product_code.is_some(),
            has_upgrade_code: upgrade_code.is_some(),
        }
    }

    fn text(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |it| self.ends[it] as usize);
        let end = self.ends.get(number).map(|it| *it as usize);
        let text = self.text.get(start..end.unwrap_or(self.text.len()));
        text.unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.text(1)
    }

    pub(super) fn version(&self) -> &str {
        self.text(2)
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn product_code(&self) -> Option<&str> {
        self.has_product_code.then(|| self.text(4))
    }

    pub(super) fn upgrade_code(&self) -> Option<&str> {
        self.has_upgrade_code.then(|| self.text(5))
    }

    pub(super) fn software(&self) -> Software {
        let text = |number| self.text(number).to_owned();
        Software {
            place: self.place,
            key: text(0),
            name: text(1),
            version: text(2),
            publisher: text(3),
            product_code: self.product_code().map(str::to_owned),
            upgrade_code: self.upgrade_code().map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_comes_back_as_it_was() {
        let mut it = Software {
            place: Place::Machine32,
            key: "{K}".to_owned(),
            name: "Ünï 1.0".to_owned(),
            version: "1.0".to_owned(),
            publisher: String::new(),
            product_code: None,
            upgrade_code: Some("{U}".to_owned()),
        };
        for code in [None, Some(String::new()), Some("{P}".to_owned())] {
            it.product_code = code;
            let compact = Compact::of(&it);
            assert_eq!(compact.software(), it);
            assert_eq!((compact.name(), compact.version()), ("Ünï 1.0", "1.0"));
        }
    }
}
