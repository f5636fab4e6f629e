//! Installed applications with the answer for each and how many devices have them.

use std::collections::{BTreeMap, HashMap};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::page::{Kind, Page, Paged, contains};
use crate::rows::Rows;
use crate::sql::statements;
use crate::value::{Row, args, row};

statements! {
    UPSERT = "INSERT INTO applications (software, state, package, why, name_key, devices,
                  group_devices, group_text)
              SELECT CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4,
                     CAST(value->>5 AS BIGINT), CAST(value->>6 AS BIGINT),
                     value->>7
              FROM jsonb_each($1)
              WHERE EXISTS (SELECT 1 FROM software AS s
                            WHERE s.id = CAST(value->>0 AS BIGINT))
              ON CONFLICT (software) DO UPDATE SET
                  state = excluded.state, package = excluded.package, why = excluded.why,
                  name_key = excluded.name_key, devices = excluded.devices,
                  group_devices = excluded.group_devices, group_text = excluded.group_text";
    DELETE = "DELETE FROM applications
              WHERE software IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))";
    ALL = "SELECT * FROM applications";
    LIST = "SELECT a.*, s.name, s.version, s.publisher
            FROM applications AS a JOIN software AS s ON s.id = a.software
            WHERE a.group_devices > 0
              AND (CAST($1 AS TEXT) IS NULL OR a.state = CAST($1 AS TEXT))
              AND (CAST($2 AS TEXT) IS NULL
                   OR a.group_text LIKE CAST($2 AS TEXT) ESCAPE '\\')
              AND (CAST($3 AS BIGINT) IS NULL OR a.group_devices < CAST($3 AS BIGINT)
                   OR (a.group_devices = CAST($3 AS BIGINT)
                       AND a.software > CAST($4 AS BIGINT)))
            ORDER BY a.group_devices DESC, a.software LIMIT $5";
    COUNTS = "SELECT state, COUNT(*) AS id FROM applications WHERE group_devices > 0
              GROUP BY state ORDER BY state";
    /// The name's key is there as soon as the application is counted.
    OF_DEVICE = "SELECT s.id AS software, s.name, s.version, s.publisher, s.place,
                     COALESCE(a.name_key, LOWER(s.name)) AS name_key,
                     COALESCE(h.value->>1, a.state, '') AS state,
                     COALESCE(a.package, '') AS package,
                     COALESCE(h.value->>2, a.why, '') AS why, COALESCE(a.devices, 0) AS devices,
                     0 AS group_devices, '' AS group_text
                 FROM software AS s LEFT JOIN applications AS a ON a.software = s.id
                     LEFT JOIN jsonb_each($7) AS h ON CAST(h.value->>0 AS BIGINT) = s.id
                 WHERE s.id IN (SELECT CAST(value->>0 AS BIGINT) FROM jsonb_each($1))
                   AND s.place <> 'dpkg'
                   AND (CAST($2 AS TEXT) IS NULL
                        OR COALESCE(h.value->>1, a.state) = CAST($2 AS TEXT))
                   AND (CAST($3 AS TEXT) IS NULL
                        OR COALESCE(a.name_key, LOWER(s.name)) LIKE CAST($3 AS TEXT) ESCAPE '\\')
                   AND (CAST($4 AS TEXT) IS NULL
                        OR (COALESCE(a.name_key, LOWER(s.name)), s.id)
                           > (CAST($4 AS TEXT), CAST($5 AS BIGINT)))
                 ORDER BY COALESCE(a.name_key, LOWER(s.name)), s.id LIMIT $6";
}

/// The answer for an application, to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The application: an id of [`crate::software`].
    pub software: u32,
    /// The answer's state.
    pub state: String,
    /// The package that it is; empty where that is not clear.
    pub package: String,
    /// Why, in words.
    pub why: String,
    /// Its name in lower case.
    pub name_key: String,
    /// How many devices have it.
    pub devices: u64,
    /// On the row that stands for all versions of its application with this state and package: how many
    /// devices have one of them. 0 on the others.
    pub group_devices: u64,
    /// On the same row: the names of all of them and the packages that they are or may be, in lower case,
    /// a line each. Empty on the others.
    pub group_text: String,
}

/// An application in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedApplication {
    /// `DisplayName`.
    pub name: String,
    /// `DisplayVersion`.
    pub version: String,
    /// `Publisher`.
    pub publisher: String,
    /// The answer.
    pub answer: Application,
}

fn read(row: &Row) -> Result<Application> {
    Ok(Application {
        software: row.u32("software")?,
        state: row.text("state")?,
        package: row.text("package")?,
        why: row.text("why")?,
        name_key: row.text("name_key")?,
        devices: row.u64("devices")?,
        group_devices: row.u64("group_devices")?,
        group_text: row.text("group_text")?,
    })
}

fn read_listed(row: &Row) -> Result<ListedApplication> {
    Ok(ListedApplication {
        name: row.text("name")?,
        version: row.text("version")?,
        publisher: row.text("publisher")?,
        answer: read(row)?,
    })
}

/// What putting answers in place of others came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replaced {
    /// How many rows it wrote or took away.
    pub rows: u64,
    /// Those that had another answer before.
    pub turned: Vec<Turned>,
}

/// An application that has another answer than before. That of one application depends on what is known of
/// packages alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// The application.
    pub software: u32,
    /// The state and the package that it had.
    pub before: (String, String),
    /// Those that it has.
    pub after: (String, String),
    /// How many devices have it.
    pub devices: u64,
}

/// Puts these in place of all that is stored. Rows that are as they were are not written, nor are those of
/// software that another server took away.
pub async fn replace_all(tx: &mut Tx, applications: &[Application]) -> Result<Replaced> {
    const BATCH: usize = 5_000;
    let rows = tx.rows(&ALL, args![]).await?;
    let old: Vec<Application> = rows.iter().map(read).collect::<Result<_>>()?;
    let mut old: HashMap<u32, Application> = old.into_iter().map(|it| (it.software, it)).collect();
    let new: BTreeMap<u32, &Application> =
        applications.iter().map(|it| (it.software, it)).collect();
    let mut changed: Vec<&Application> = Vec::new();
    let mut turned = Vec::new();
    for it in new.into_values() {
        let before = old.remove(&it.software);
        if before.as_ref() == Some(it) {
            continue;
        }
        changed.push(it);
        let after = (it.state.clone(), it.package.clone());
        let before = before.map(|it| (it.state, it.package));
        turned.extend(before.filter(|it| *it != after).map(|before| Turned {
            software: it.software,
            before,
            after,
            devices: it.devices,
        }));
    }
    for some in changed.chunks(BATCH) {
        let mut rows = Rows::new();
        for it in some {
            rows.push(&row![
                i64::from(it.software),
                &it.state,
                &it.package,
                &it.why,
                &it.name_key,
                it.devices as i64,
                it.group_devices as i64,
                &it.group_text,
            ]);
        }
        tx.run(&UPSERT, args![rows]).await?;
    }
    let gone: Vec<i64> = old.into_keys().map(i64::from).collect();
    if !gone.is_empty() {
        tx.run(&DELETE, args![Rows::of(gone.iter().copied())])
            .await?;
    }
    Ok(Replaced {
        rows: (changed.len() + gone.len()) as u64,
        turned,
    })
}

/// A page of applications with a state, or all, each once whatever its version: those that most
/// devices have first. The text is looked for in the names and packages of all versions.
pub async fn list(
    mut from: impl Read,
    state: Option<&str>,
    text: Option<&str>,
    page: &Page,
) -> Result<Paged<ListedApplication>> {
    let mut values = args![state, contains(text)];
    values.extend(page.cursor(&[Kind::Int, Kind::Int])?);
    values.extend(args![page.fetch()]);
    let rows = from.rows(&LIST, values).await?;
    let all = rows.iter().map(read_listed).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(all, |it| {
        serde_json::json!([it.answer.group_devices, it.answer.software])
    }))
}

/// How many applications have each state that there is.
pub async fn counts(mut from: impl Read) -> Result<Vec<(String, u64)>> {
    let rows = from.rows(&COUNTS, args![]).await?;
    rows.iter()
        .map(|row| Ok((row.text("state")?, row.u64("id")?)))
        .collect()
}

/// What an application comes to on one device, where that is something else than what is stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDevice {
    /// The application.
    pub software: u32,
    /// The state there.
    pub state: String,
    /// Why, in words.
    pub why: String,
}

/// A page of a device's applications, by name, with what they come to there. The state is empty where
/// there is no answer yet.
pub async fn of_device(
    mut from: impl Read,
    software: &[u32],
    there: &[OnDevice],
    state: Option<&str>,
    text: Option<&str>,
    page: &Page,
) -> Result<Paged<ListedApplication>> {
    let ids = Rows::of(software.iter().map(|it| i64::from(*it)));
    let mut others = Rows::new();
    for it in there {
        others.push(&row![i64::from(it.software), &it.state, &it.why]);
    }
    let mut values = args![ids, state, contains(text)];
    values.extend(page.cursor(&[Kind::Text, Kind::Int])?);
    values.extend(args![page.fetch(), others]);
    let rows = from.rows(&OF_DEVICE, values).await?;
    let all = rows.iter().map(read_listed).collect::<Result<Vec<_>>>()?;
    Ok(page.cut(all, |it| {
        serde_json::json!([it.answer.name_key, it.answer.software])
    }))
}
