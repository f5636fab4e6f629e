//! Schedules over the clocks of the world, and their texts.

use std::fmt::Write as _;

use fleetmend_model::Millis;
use fleetmend_plan::schedule::{Schedule, Zone};
use insta::assert_snapshot;

use crate::zoned::{first, instant, schedule, shown, zone};

#[test]
fn a_time_that_clocks_skip_is_due_when_they_skip_it_and_on_no_other_day() {
    assert_snapshot!(first("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00+01:00", 3), @"
    Sat 2026-03-28 02:30 +01:00
    Sun 2026-03-29 03:00 +02:00
    Mon 2026-03-30 02:30 +02:00
    ");
    assert_snapshot!(first("30 2 * * *", "America/New_York", "2026-03-07T00:00-05:00", 3), @"
    Sat 2026-03-07 02:30 -05:00
    Sun 2026-03-08 03:00 -04:00
    Mon 2026-03-09 02:30 -04:00
    ");
    // Half an hour only.
    assert_snapshot!(first("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00+10:30", 3), @"
    Sat 2026-10-03 02:15 +10:30
    Sun 2026-10-04 02:30 +11:00
    Mon 2026-10-05 02:15 +11:00
    ");
    // Midnight itself is skipped.
    assert_snapshot!(first("@daily", "Africa/Cairo", "2026-04-23T12:00+02:00", 2), @"
    Fri 2026-04-24 01:00 +03:00
    Sat 2026-04-25 00:00 +03:00
    ");
}

#[test]
fn several_skipped_times_are_due_once_together() {
    assert_snapshot!(first("*/20 1-3 * * *", "Europe/Berlin", "2026-03-29T01:10+01:00", 5), @"
    Sun 2026-03-29 01:20 +01:00
    Sun 2026-03-29 01:40 +01:00
    Sun 2026-03-29 03:00 +02:00
    Sun 2026-03-29 03:20 +02:00
    Sun 2026-03-29 03:40 +02:00
    ");
}

#[test]
fn a_time_that_clocks_show_twice_is_due_once_at_the_first() {
    assert_snapshot!(first("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00+02:00", 2), @"
    Sun 2026-10-25 02:30 +02:00
    Mon 2026-10-26 02:30 +01:00
    ");
    assert_snapshot!(first("0 * * * *", "America/New_York", "2026-11-01T00:00-04:00", 3), @"
    Sun 2026-11-01 01:00 -04:00
    Sun 2026-11-01 02:00 -05:00
    Sun 2026-11-01 03:00 -05:00
    ");
    assert_snapshot!(first("*/15 1 * * *", "Australia/Lord_Howe", "2026-04-05T01:20+11:00", 4), @"
    Sun 2026-04-05 01:30 +11:00
    Sun 2026-04-05 01:45 +11:00
    Mon 2026-04-06 01:00 +10:30
    Mon 2026-04-06 01:15 +10:30
    ");
}

#[test]
fn asked_while_clocks_show_times_again_what_was_due_is_not_due_again() {
    // 02:10 for the second time.
    assert_snapshot!(first("*/30 * * * *", "Europe/Berlin", "2026-10-25T02:10+01:00", 2), @"
    Sun 2026-10-25 03:00 +01:00
    Sun 2026-10-25 03:30 +01:00
    ");
    let zone = zone("Europe/Berlin");
    let latest = schedule("*/30 * * * *").latest(&zone, instant("2026-10-25T02:10+01:00"));
    assert_eq!(shown(&zone, latest.unwrap()), "Sun 2026-10-25 02:30 +02:00");
}

#[test]
fn a_day_that_a_country_left_out_is_due_with_the_next() {
    assert_snapshot!(first("0 2 * * *", "Pacific/Apia", "2011-12-28T12:00-10:00", 4), @"
    Thu 2011-12-29 02:00 -10:00
    Sat 2011-12-31 00:00 +14:00
    Sat 2011-12-31 02:00 +14:00
    Sun 2012-01-01 02:00 +14:00
    ");
}

#[test]
fn offsets_of_quarter_hours_and_zones_without_summer_time_are_kept() {
    assert_snapshot!(first("0 2 * * SAT", "Asia/Kathmandu", "2026-11-26T00:00Z", 2), @"
    Sat 2026-11-28 02:00 +05:45
    Sat 2026-12-05 02:00 +05:45
    ");
}

#[test]
fn days_that_only_some_months_or_years_have_are_waited_for() {
    assert_snapshot!(first("0 2 29 2 *", "Europe/Berlin", "2026-01-01T00:00Z", 2), @"
    Tue 2028-02-29 02:00 +01:00
    Sun 2032-02-29 02:00 +01:00
    ");
    assert_snapshot!(first("0 2 29 2 +TUE", "UTC", "2072-03-01T00:00Z", 2), @"
    Tue 2084-02-29 02:00 +00:00
    Tue 2124-02-29 02:00 +00:00
    ");
    assert_snapshot!(first("0 22 L * *", "UTC", "2028-02-01T00:00Z", 2), @"
    Tue 2028-02-29 22:00 +00:00
    Fri 2028-03-31 22:00 +00:00
    ");
    assert_snapshot!(first("0 22 LW * *", "UTC", "2026-01-01T00:00Z", 2), @"
    Fri 2026-01-30 22:00 +00:00
    Fri 2026-02-27 22:00 +00:00
    ");
    assert_snapshot!(first("fifth Friday at 22:00", "UTC", "2026-01-31T00:00Z", 3), @"
    Fri 2026-05-29 22:00 +00:00
    Fri 2026-07-31 22:00 +00:00
    Fri 2026-10-30 22:00 +00:00
    ");
}

#[test]
fn days_are_added_to_a_weekday_over_the_end_of_a_month_and_a_year() {
    // The second Tuesdays are 13 October, 10 November and 8 December.
    assert_snapshot!(first("second Tuesday + 3 days at 02:00", "Europe/Berlin", "2026-10-01T00:00Z", 3), @"
    Fri 2026-10-16 02:00 +02:00
    Fri 2026-11-13 02:00 +01:00
    Fri 2026-12-11 02:00 +01:00
    ");
    assert_snapshot!(first("last Thursday + 9 days at 23:30", "Europe/Berlin", "2026-12-05T00:00Z", 3), @"
    Sat 2026-12-05 23:30 +01:00
    Sat 2027-01-09 23:30 +01:00
    Sat 2027-02-06 23:30 +01:00
    ");
}

#[test]
fn off_is_never_due() {
    let utc = Zone::utc();
    let long_after = Millis(4_000_000_000_000);
    assert_eq!(Schedule::Off.next(&utc, Millis(0)), None);
    assert_eq!(Schedule::Off.latest(&utc, long_after), None);
    assert_eq!(
        Schedule::Off.between(&utc, Millis(0), long_after).count(),
        0
    );
    assert_eq!(Schedule::default(), Schedule::Off);
}

#[test]
fn times_that_no_calendar_has_are_answered_with_nothing() {
    let daily = schedule("@daily");
    for zone in [Zone::utc(), zone("Pacific/Apia")] {
        for at in [i64::MIN, i64::MAX] {
            assert_eq!(daily.next(&zone, Millis(at)), None);
            assert_eq!(daily.latest(&zone, Millis(at)), None);
        }
        // The last year that there is: the search ends.
        assert_eq!(daily.next(&zone, Millis(253_402_207_200_000)), None);
    }
}

#[test]
fn the_servers_zone_counts_where_a_machine_tells_none_that_is_known_and_it_is_said() {
    let servers = zone("Europe/Berlin");
    let told = Zone::of_device("america/new_york", &servers);
    assert_eq!((told.name(), told.note()), ("America/New_York", None));

    let notes: Vec<String> = [
        "",
        "W. Europe Standard Time",
        "../../etc/passwd\u{1b}",
        &"x".repeat(99),
    ]
    .into_iter()
    .map(|told| {
        let zone = Zone::of_device(told, &servers);
        assert_eq!(zone.name(), "Europe/Berlin");
        zone.note().unwrap().to_owned()
    })
    .collect();
    assert_snapshot!(notes.join("\n"), @r#"
    the machine's time zone is not known: the server's, Europe/Berlin, counts
    the machine's time zone 'W. Europe Standard Time' is not a known one: the server's, Europe/Berlin, counts
    the machine's time zone '../../etc/passwd\u{1b}' is not a known one: the server's, Europe/Berlin, counts
    the machine's time zone 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is not a known one: the server's, Europe/Berlin, counts
    "#);
}

#[test]
fn a_schedule_is_written_as_it_was_meant_and_read_as_it_is_written() {
    let rows = [
        "off",
        " OFF ",
        "0 2 * * SAT",
        "  0   2 * * sat ",
        "@daily",
        "0 2 * * TUE#2",
        "second Tuesday + 3 days at 02:00",
        "2nd tue+3 days AT 02:00",
        "last friday at 22:30",
        "1st Mon + 1 day at 00:00",
        "Third Sunday + 0 days at 23:59",
    ];
    let mut text = String::new();
    for row in rows {
        let read = schedule(row);
        assert_eq!(schedule(&read.to_string()), read, "{row}");
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), read);
        let _ = writeln!(text, "{row:36} {json}");
    }
    assert_snapshot!(text, @r#"
    off                                  "off"
     OFF                                 "off"
    0 2 * * SAT                          "0 2 * * SAT"
      0   2 * * sat                      "0 2 * * sat"
    @daily                               "@daily"
    0 2 * * TUE#2                        "0 2 * * TUE#2"
    second Tuesday + 3 days at 02:00     "second Tuesday + 3 days at 02:00"
    2nd tue+3 days AT 02:00              "second Tuesday + 3 days at 02:00"
    last friday at 22:30                 "last Friday at 22:30"
    1st Mon + 1 day at 00:00             "first Monday + 1 day at 00:00"
    Third Sunday + 0 days at 23:59       "third Sunday at 23:59"
    "#);
}

#[test]
fn a_schedule_says_in_words_what_it_does() {
    let rows = [
        "off",
        "0 2 * * SAT",
        "0 2 * * MON-FRI",
        "30 1 * * *",
        "0 2,14 * * SUN",
        "0 */6 * * *",
        "*/15 * * * *",
        "*/45 * * * *",
        "*/70 * * * *",
        "* * * * *",
        "0 * * * *",
        "*/20 22-23,0-4 * * *",
        "5 */2 * * *",
        "10,40 8-17 * * *",
        "0 2 * * TUE#2",
        "0 2 * * FRIL",
        "0 2 8-14 * +TUE",
        "0 2 1 * MON",
        "0 22 L * *",
        "0 22 LW * *",
        "0 22 15W * *",
        "0 2 29 2 *",
        "0 2 * */3 SUN",
        "0 2 * */5 SUN",
        "second Tuesday + 3 days at 02:00",
        "last Friday at 22:30",
        "first Monday + 1 day at 00:05",
    ];
    let text: String = rows
        .iter()
        .map(|row| format!("{row:34} {}\n", schedule(row).in_words()))
        .collect();
    assert_snapshot!(text, @"
    off                                off
    0 2 * * SAT                        Saturday, 02:00 device time
    0 2 * * MON-FRI                    Monday to Friday, 02:00 device time
    30 1 * * *                         every day, 01:30 device time
    0 2,14 * * SUN                     Sunday, 02:00 and 14:00 device time
    0 */6 * * *                        every day, 00:00, 06:00, 12:00 and 18:00 device time
    */15 * * * *                       every day, every 15 minutes device time
    */45 * * * *                       every day, at minutes 0 and 45 of every hour device time
    */70 * * * *                       every day, every hour device time
    * * * * *                          every day, every minute device time
    0 * * * *                          every day, every hour device time
    */20 22-23,0-4 * * *               every day, every 20 minutes of hours 0–4, 22 and 23 device time
    5 */2 * * *                        every day, at minute 5 of every 2nd hour device time
    10,40 8-17 * * *                   every day, at minutes 10 and 40 of hours 8–17 device time
    0 2 * * TUE#2                      the 2nd Tuesday of the month, 02:00 device time
    0 2 * * FRIL                       the last Friday of the month, 02:00 device time
    0 2 8-14 * +TUE                    day 8-14 (if it is also Tuesday), 02:00 device time
    0 2 1 * MON                        day 1 or Monday, 02:00 device time
    0 22 L * *                         the last day of the month, 22:00 device time
    0 22 LW * *                        the last weekday of the month, 22:00 device time
    0 22 15W * *                       the weekday nearest day 15, 22:00 device time
    0 2 29 2 *                         day 29 in February, 02:00 device time
    0 2 * */3 SUN                      Sunday in January, April, July and October, 02:00 device time
    0 2 * */5 SUN                      Sunday in January, June and November, 02:00 device time
    second Tuesday + 3 days at 02:00   second Tuesday + 3 days, 02:00 device time
    last Friday at 22:30               last Friday, 22:30 device time
    first Monday + 1 day at 00:05      first Monday + 1 day, 00:05 device time
    ");
}

#[test]
fn what_is_no_schedule_is_refused_with_what_is_wrong_and_how_it_is_right() {
    let rows = [
        "",
        "  ",
        "0 2 * *",
        "0 0 2 * * SAT",
        "@reboot",
        "0 25 * * *",
        "60 2 * * *",
        "0 2 * * TUE#6",
        "0 2 * * SAT-MON",
        "0 2 * * Caturday",
        "0 2 1,,3 * *",
        ", 2 * * *",
        "0 2 31 2 *",
        "0 2 30 2 +MON",
        "0 2 * * L",
        "0 2 * * +",
        "0 2 W * *",
        "0/10 2 * * *",
        "0 2 * * SAT\u{1b}[31m",
        "0 2 * * \u{ff33}AT",
        "second Tuesday",
        "second Tuesday + 3 at 02:00",
        "second Tuesday + 32 days at 02:00",
        "second Tuesday + -1 days at 02:00",
        "second Tues at 02:00",
        "second Tuesday at 2:00",
        "second Tuesday at 24:00",
        "second Tuesday at 02:00:00",
        "sixth Tuesday at 02:00",
    ];
    let text: String = rows
        .iter()
        .map(|row| {
            let error = row.parse::<Schedule>().unwrap_err().to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
            error + "\n"
        })
        .collect();
    assert_snapshot!(text, @r#"
    the schedule is empty: write 'off', a cron pattern such as '0 2 * * SAT', or 'second Tuesday + 3 days at 02:00'
    the schedule is empty: write 'off', a cron pattern such as '0 2 * * SAT', or 'second Tuesday + 3 days at 02:00'
    a cron pattern has five fields, minute, hour, day of month, month and day of week, such as '0 2 * * SAT'; '0 2 * *' has 4
    a cron pattern has five fields, minute, hour, day of month, month and day of week, such as '0 2 * * SAT'; '0 0 2 * * SAT' has 6
    a cron pattern has five fields, minute, hour, day of month, month and day of week, such as '0 2 * * SAT'; '@reboot' has 1
    '25' as the hour of the cron pattern '0 25 * * *' cannot be read: Number out of bounds
    '60' as the minute of the cron pattern '60 2 * * *' cannot be read: Number out of bounds
    'TUE#6' as the day of week of the cron pattern '0 2 * * TUE#6' cannot be read: Nth specifier out of bounds
    'SAT-MON' as the day of week of the cron pattern '0 2 * * SAT-MON' cannot be read: Range out of bounds
    'Caturday' as the day of week of the cron pattern '0 2 * * Caturday' cannot be read: CronPattern contains illegal character 'C' in part 'CATURDAY'
    '1,,3' as the day of month of the cron pattern '0 2 1,,3 * *' cannot be read: it has a comma with nothing beside it
    ',' as the minute of the cron pattern ', 2 * * *' cannot be read: it has a comma with nothing beside it
    the cron pattern '0 2 31 2 *' fits no day at all, so it would never run
    the cron pattern '0 2 30 2 +MON' fits no day at all, so it would never run
    the cron pattern '0 2 * * L' fits no day at all, so it would never run
    the cron pattern '0 2 * * +' fits no day at all, so it would never run
    'W' as the day of month of the cron pattern '0 2 W * *' cannot be read: Invalid day for closest weekday
    '0/10' as the minute of the cron pattern '0/10 2 * * *' cannot be read: Invalid step syntax: single number steps like "0/10" are not allowed. Use "*/10" for wildcard steps or "X-Y/10" for range steps
    no schedule has the character '\u{1b}' in it
    no schedule has the character 'Ｓ' in it
    'second Tuesday' cannot be read: it has not that form. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    'second Tuesday + 3 at 02:00' cannot be read: it has not that form. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    'second Tuesday + 32 days at 02:00' cannot be read: '32' is no number of days from 0 to 31. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    'second Tuesday + -1 days at 02:00' cannot be read: '-1' is no number of days from 0 to 31. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    'second Tues at 02:00' cannot be read: 'Tues' is no day of the week. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    'second Tuesday at 2:00' cannot be read: '2:00' is no time from 00:00 to 23:59. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    'second Tuesday at 24:00' cannot be read: '24:00' is no time from 00:00 to 23:59. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    'second Tuesday at 02:00:00' cannot be read: '02:00:00' is no time from 00:00 to 23:59. Write it as 'second Tuesday at 02:00' or 'last Friday + 2 days at 22:30'
    a cron pattern has five fields, minute, hour, day of month, month and day of week, such as '0 2 * * SAT'; 'sixth Tuesday at 02:00' has 4
    "#);
    let long = "0 2 * * SAT,".repeat(1000);
    let error = long.parse::<Schedule>().unwrap_err().to_string();
    assert_eq!(error, "the schedule is longer than 200 characters");
    let error = serde_json::from_str::<Schedule>("\"0 25 * * *\"").unwrap_err();
    assert!(error.to_string().contains("hour"), "{error}");
}
