-- Policies: settings for devices. Scope and settings are JSON. The last one takes what no other does.
CREATE TABLE policies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    rank INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    is_rest INTEGER NOT NULL DEFAULT 0,
    scope TEXT NOT NULL,
    settings TEXT NOT NULL,
    generation INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX policies_rest ON policies (is_rest) WHERE is_rest = 1;

INSERT INTO policies (name, name_key, rank, enabled, is_rest, scope, settings, generation,
    updated_by, updated_at)
VALUES ('Default', 'default', 0, 1, 1, '{"include":[{"kind":"all"}],"exclude":[]}', '{}', 1, 'the server', 0);

-- What each policy was, with each change; also of those that are gone.
CREATE TABLE policy_versions (
    policy INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    settings TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (policy, generation)
) STRICT, WITHOUT ROWID;

-- The policy that a device has, and why. NULL: not looked at yet.
ALTER TABLE devices ADD COLUMN policy INTEGER REFERENCES policies (id);
ALTER TABLE devices ADD COLUMN policy_why TEXT NOT NULL DEFAULT '';
CREATE INDEX devices_by_policy ON devices (policy) WHERE removed_at IS NULL;

-- Whether a person said which system type a device has: policies leave it alone then.
ALTER TABLE devices ADD COLUMN system_type_set INTEGER NOT NULL DEFAULT 0;
UPDATE devices SET system_type_set = 1 WHERE system_type = 'critical';
