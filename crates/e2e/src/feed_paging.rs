//! The lists of a NuGet v2 feed: filtered, ordered, and cut into pages that lead from one to the next.

use std::cmp::Ordering;

use crate::feed::Dialect;
use crate::feed_document::{Offered, feed_document};
use crate::http_site::Request;
use crate::odata_filter;

/// How a feed cuts its lists.
pub(crate) struct Paging<'a> {
    /// The feed's address.
    pub(crate) base: &'a str,
    /// How many entries a page has.
    pub(crate) page_size: usize,
    /// How many entries a request may skip.
    pub(crate) most_skipped: usize,
    /// What it understands of the question.
    pub(crate) dialect: Dialect,
}

impl Paging<'_> {
    /// A page of the packages that `wanted` and the request's `$filter` let pass.
    pub(crate) fn page(
        &self,
        packages: &[Offered],
        request: &Request,
        collection: &str,
        wanted: impl Fn(&Offered) -> bool,
    ) -> Result<String, String> {
        if self.dialect == Dialect::RefusesOrder && request.parameter("$orderby").is_some() {
            return Err("$orderby is not supported".to_owned());
        }
        let mut chosen = Vec::new();
        for offered in packages.iter().filter(|offered| wanted(offered)) {
            let passes = match request.parameter("$filter") {
                Some(filter)
                    if self.dialect == Dialect::NothingBehindFirstCondition
                        && filter.contains(" and ") =>
                {
                    false
                }
                Some(filter) => {
                    let first = filter.split(" and ").next().unwrap_or(filter);
                    let filter = match self.dialect {
                        Dialect::FirstConditionOnly => first,
                        Dialect::Full
                        | Dialect::RefusesOrder
                        | Dialect::NothingBehindFirstCondition => filter,
                    };
                    odata_filter::matches(filter, &|name| offered.property(name))?
                }
                None => true,
            };
            if passes {
                chosen.push(offered);
            }
        }
        let order_by = request.parameter("$orderby").unwrap_or("Id");
        for key in order_by.split(',').rev() {
            let (name, descending) = match key.trim().split_once(' ') {
                Some((name, direction)) => (name, direction.trim() == "desc"),
                None => (key.trim(), false),
            };
            if packages
                .first()
                .is_some_and(|offered| offered.property(name).is_none())
            {
                return Err(format!("no property {name} to order by"));
            }
            chosen.sort_by(|left, right| {
                let order = left.property(name).partial_cmp(&right.property(name));
                let order = order.unwrap_or(Ordering::Equal);
                if descending { order.reverse() } else { order }
            });
        }
        let number = |name: &str| -> Result<Option<usize>, String> {
            let text = request.parameter(name);
            text.map(|text| text.parse().map_err(|_| format!("{name}={text}")))
                .transpose()
        };
        let (skip, top) = (number("$skip")?.unwrap_or(0), number("$top")?);
        if skip > self.most_skipped {
            return Err(format!("$skip is limited to {}", self.most_skipped));
        }
        let size = top.map_or(self.page_size, |top| top.min(self.page_size));
        let page: Vec<&Offered> = chosen.iter().copied().skip(skip).take(size).collect();
        let wanted_in_all = top.map_or(chosen.len(), |top| chosen.len().min(skip + top));
        let next = (skip + page.len() < wanted_in_all && !page.is_empty())
            .then(|| self.next_page(request, collection, skip + page.len(), top, page.len()));
        Ok(feed_document(self.base, collection, &page, next.as_deref()))
    }

    fn next_page(
        &self,
        request: &Request,
        collection: &str,
        skip: usize,
        top: Option<usize>,
        given: usize,
    ) -> String {
        // The other parameters go back as they came; only the position in the list changes.
        let query = request
            .target
            .split_once('?')
            .map_or("", |(_, query)| query);
        let mut pairs: Vec<String> = query
            .split('&')
            .filter(|pair| {
                let name = pair
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .replace("%24", "$");
                !pair.is_empty() && name != "$skip" && name != "$top"
            })
            .map(str::to_owned)
            .collect();
        pairs.push(format!("$skip={skip}"));
        if let Some(top) = top {
            pairs.push(format!("$top={}", top - given));
        }
        format!("{}{collection}()?{}", self.base, pairs.join("&"))
    }
}
