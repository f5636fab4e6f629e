//! Which product belongs to which upgrade code, and what of that could not be read.

use std::collections::HashMap;

use fleetmend_model::inventory::Software;

/// How many products are noted at most.
const MOST: usize = 20_000;

/// The upgrade codes of the products of Windows Installer.
#[derive(Debug, Default)]
pub(super) struct UpgradeCodes {
    by_product: HashMap<String, String>,
    /// Why some of them are not known.
    unread: Option<String>,
}

impl UpgradeCodes {
    /// Notes a product's. The first that is told counts.
    pub(super) fn note(&mut self, product_code: String, upgrade_code: &str) {
        if self.by_product.len() >= MOST && !self.by_product.contains_key(&product_code) {
            self.leave(&format!("there are more than {MOST} products"));
            return;
        }
        self.by_product
            .entry(product_code)
            .or_insert_with(|| upgrade_code.to_owned());
    }

    /// Notes that some could not be read: whose they are nobody knows then.
    pub(super) fn leave(&mut self, cause: &str) {
        self.unread.get_or_insert_with(|| cause.to_owned());
    }

    /// An application with its upgrade code. A product that may have one which could not be read is not
    /// read either: without it, it is taken for another application than it is.
    pub(super) fn complete(&self, mut row: Software) -> Result<Software, String> {
        let Some(product_code) = &row.product_code else {
            return Ok(row);
        };
        row.upgrade_code = self.by_product.get(product_code).cloned();
        match &self.unread {
            Some(cause) if row.upgrade_code.is_none() => {
                Err(format!("its upgrade code cannot be read: {cause}"))
            }
            _ => Ok(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use fleetmend_model::inventory::Place;

    use super::*;

    fn row(product_code: Option<&str>) -> Software {
        Software {
            place: Place::Machine64,
            key: "app".to_owned(),
            name: "App".to_owned(),
            version: "1".to_owned(),
            publisher: String::new(),
            product_code: product_code.map(str::to_owned),
            upgrade_code: None,
        }
    }

    #[test]
    fn a_product_whose_upgrade_code_may_not_have_been_read_is_not_read() {
        let mut codes = UpgradeCodes::default();
        codes.note("{1}".to_owned(), "{A}");
        codes.note("{1}".to_owned(), "{B}");
        let code = |codes: &UpgradeCodes, product: Option<&str>| {
            codes.complete(row(product)).map(|it| it.upgrade_code)
        };
        let known = Ok(Some("{A}".to_owned()));
        assert_eq!(code(&codes, Some("{1}")), known);
        assert_eq!(code(&codes, Some("{2}")), Ok(None));
        codes.leave("access denied");
        codes.leave("another cause");
        assert_eq!(code(&codes, Some("{1}")), known);
        assert_eq!(code(&codes, None), Ok(None));
        let cause = "its upgrade code cannot be read: access denied";
        assert_eq!(code(&codes, Some("{2}")), Err(cause.to_owned()));
    }

    #[test]
    fn products_beyond_the_most_count_as_not_read() {
        let mut codes = UpgradeCodes::default();
        for number in 0..=MOST {
            codes.note(number.to_string(), "{A}");
        }
        assert!(codes.complete(row(Some("0"))).is_ok());
        assert!(codes.complete(row(Some(&MOST.to_string()))).is_err());
    }
}
