//! When a package version was published, as the catalog keeps it (`YYYY-MM-DDThh:mm:ss`, UTC) and as
//! people give it.

use fleetmend_model::Millis;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::error::ApiError;

/// The time; nothing where the text is none.
pub fn at(text: &str) -> Option<Millis> {
    let time: DateTime = text.parse().ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?;
    Some(Millis(time.timestamp().as_millisecond()))
}

/// A day (`2026-11-26`, from its beginning in UTC) or a time (RFC 3339) as it is kept.
pub fn of(field: &str, given: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(given) = given.map(str::trim).filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    let kept = match (given.parse::<Timestamp>(), given.parse::<Date>()) {
        (Ok(time), _) => time.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        (_, Ok(day)) if given.len() == 10 => format!("{day}T00:00:00"),
        _ => {
            let given: String = given.chars().take(60).collect();
            return Err(ApiError::Bad(format!(
                "field '{field}': '{given}' is neither a day (2026-11-26) nor a time \
                 (2026-11-26T08:00:00Z)"
            )));
        }
    };
    Ok(Some(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read_and_anything_else_is_named() {
        for (given, kept) in [
            ("2026-11-26", Some("2026-11-26T00:00:00")),
            ("2026-11-26T08:30:00+02:00", Some("2026-11-26T06:30:00")),
            ("2026-11-26T08:30:00.5Z", Some("2026-11-26T08:30:00")),
            (" ", None),
        ] {
            assert_eq!(of("x", Some(given)).unwrap().as_deref(), kept, "{given}");
        }
        for given in [
            "yesterday",
            "2026-13-01",
            "26.11.2026",
            "2026-11-26T08:30:00",
        ] {
            let error = of("x", Some(given)).unwrap_err().message();
            assert!(error.contains(given), "{error}");
        }
        assert_eq!(at("1970-01-01T00:00:01"), Some(Millis(1000)));
        assert_eq!(at("soon"), None);
    }
}
