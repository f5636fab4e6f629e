-- Why a device lacks a patch is the same on many devices: each distinct text is kept once, and a
-- row of `missing` is four numbers.
CREATE TABLE missing_grounds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    installed_version TEXT NOT NULL,
    evidence TEXT NOT NULL,
    confidence TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TABLE missing_rows (
    device INTEGER NOT NULL REFERENCES devices (id),
    patch INTEGER NOT NULL REFERENCES patches (id),
    grounds INTEGER NOT NULL REFERENCES missing_grounds (id),
    since INTEGER NOT NULL,
    PRIMARY KEY (device, patch)
) STRICT, WITHOUT ROWID;

-- The digest cannot be computed here. Any other one serves until the next inventory of the device
-- brings the right one.
INSERT INTO missing_grounds (digest, installed_version, evidence, confidence, reason)
SELECT randomblob(16), installed_version, evidence, confidence, reason
FROM (SELECT DISTINCT installed_version, evidence, confidence, reason FROM missing) AS m;
INSERT INTO missing_rows (device, patch, grounds, since)
SELECT m.device, m.patch, g.id, m.since
FROM missing AS m
JOIN missing_grounds AS g ON g.reason = m.reason AND g.installed_version = m.installed_version
    AND g.evidence = m.evidence AND g.confidence = m.confidence;
DROP TABLE missing;
ALTER TABLE missing_rows RENAME TO missing;
CREATE INDEX missing_by_patch ON missing (patch, device);
