//! How slowly an answer may come. A site that lets a byte through now and then is never silent, and
//! would hold its place among the downloads for hours.

use std::time::Duration;

/// What must come within a span of time.
#[derive(Debug, Clone, Copy)]
pub struct Least {
    /// Bytes.
    pub bytes: u64,
    /// The span.
    pub within: Duration,
}

/// A kilobyte a second, over a minute: a modem brings more.
pub const LEAST: Least = Least {
    bytes: 60 * 1024,
    within: Duration::from_secs(60),
};

/// Watches one answer.
#[derive(Debug)]
pub struct Throughput {
    least: Least,
    /// When the span began, from the answer's beginning.
    since: Duration,
    /// Bytes in the span.
    bytes: u64,
}

impl Throughput {
    /// For an answer that begins now.
    pub fn new(least: Least) -> Self {
        Self {
            least,
            since: Duration::ZERO,
            bytes: 0,
        }
    }

    /// Takes note of bytes that came at a time, from the answer's beginning; says whether they come
    /// fast enough.
    pub fn takes(&mut self, at: Duration, bytes: u64) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if at.saturating_sub(self.since) < self.least.within {
            return true;
        }
        let is_enough = self.bytes >= self.least.bytes;
        (self.since, self.bytes) = (at, 0);
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name, the parts, and the part that is one too many.
    type Case<'a> = (&'a str, &'a [(u64, u64)], Option<usize>);

    #[test]
    fn an_answer_that_brings_less_than_the_least_in_a_span_is_too_slow() {
        let least = Least {
            bytes: 100,
            within: Duration::from_secs(10),
        };
        // Seconds and bytes of each part.
        let cases: [Case<'_>; 6] = [
            ("at once", &[(0, 1_000_000)], None),
            ("a few bytes, soon over", &[(1, 1), (9, 1)], None),
            ("drip by drip", &[(3, 1), (6, 1), (9, 1), (12, 1)], Some(3)),
            ("just enough", &[(5, 50), (10, 50), (15, 99), (20, 1)], None),
            (
                "fast at first, then drip by drip",
                &[(1, 5000), (10, 1), (14, 1), (20, 1)],
                Some(3),
            ),
            ("one late part that is large", &[(50, 100)], None),
        ];
        for (name, parts, too_slow) in cases {
            let mut watched = Throughput::new(least);
            let found = parts
                .iter()
                .position(|(at, bytes)| !watched.takes(Duration::from_secs(*at), *bytes));
            assert_eq!(found, too_slow, "{name}");
        }
    }
}
