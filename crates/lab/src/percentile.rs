//! Percentiles of measured durations.

use std::time::Duration;

/// The value below which `share` (0 to 1) of the samples lie, in milliseconds.
pub fn percentile_ms(samples: &mut [Duration], share: f64) -> f64 {
    if samples.is_empty() {
        return f64::NAN;
    }
    samples.sort_unstable();
    let at = ((samples.len() as f64 * share).ceil() as usize).clamp(1, samples.len()) - 1;
    samples[at].as_secs_f64() * 1000.0
}
