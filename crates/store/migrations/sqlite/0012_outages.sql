-- Stretches in which no server was up. The last sign of life is a setting.
CREATE TABLE outages (
    began_at INTEGER NOT NULL PRIMARY KEY,
    ended_at INTEGER NOT NULL
) STRICT;
