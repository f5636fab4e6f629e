-- Updates that were installed and whose version did not change: not offered again, on one device or
-- (no device) everywhere. Until 'confirmed_at' an inventory is awaited; 'looked_at' is the inventory in
-- which the version was looked for in vain. One that ended stays as history.
CREATE TABLE holds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device INTEGER REFERENCES devices (id),
    patch INTEGER NOT NULL REFERENCES patches (id),
    job INTEGER REFERENCES deploy_jobs (id),
    cause TEXT NOT NULL,
    since INTEGER NOT NULL,
    confirmed_at INTEGER,
    looked_at INTEGER,
    ended_at INTEGER,
    ended_by TEXT,
    end_reason TEXT
) STRICT;
CREATE UNIQUE INDEX holds_of_device ON holds (device, patch)
    WHERE ended_at IS NULL AND device IS NOT NULL;
CREATE UNIQUE INDEX holds_everywhere ON holds (patch) WHERE ended_at IS NULL AND device IS NULL;
CREATE INDEX holds_of_patch ON holds (patch, id) WHERE ended_at IS NULL;
CREATE INDEX holds_released ON holds (patch, ended_at) WHERE ended_at IS NOT NULL AND device IS NULL;
CREATE INDEX holds_open ON holds (id) WHERE ended_at IS NULL;
CREATE INDEX deploy_jobs_by_patch ON deploy_jobs (patch, status, device);
-- What ended as 'Unknown error' last, and is missing still.
INSERT INTO holds (device, patch, job, cause, since, confirmed_at)
SELECT j.device, j.patch, j.id,
       'it was installed without a failure, and the version did not change: ' || j.cause,
       j.finished_at, j.finished_at
FROM deploy_jobs AS j
JOIN missing AS m ON m.device = j.device AND m.patch = j.patch
WHERE j.status = 12 AND j.ending IS NULL AND j.finished_at IS NOT NULL
  AND j.id = (SELECT MAX(l.id) FROM deploy_jobs AS l
              WHERE l.device = j.device AND l.patch = j.patch);
