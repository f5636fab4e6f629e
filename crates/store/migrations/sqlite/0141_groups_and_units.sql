-- Organizational units: trees of them, and where devices are, in each tree once.
CREATE TABLE unit_trees (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE units (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tree INTEGER NOT NULL REFERENCES unit_trees (id) ON DELETE CASCADE,
    parent INTEGER REFERENCES units (id),
    path TEXT NOT NULL,
    path_key TEXT NOT NULL,
    UNIQUE (tree, path_key)
) STRICT;
CREATE INDEX units_by_parent ON units (parent);

CREATE TABLE device_units (
    device INTEGER NOT NULL REFERENCES devices (id),
    tree INTEGER NOT NULL REFERENCES unit_trees (id) ON DELETE CASCADE,
    unit INTEGER NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    placed_by TEXT NOT NULL,
    placed_at INTEGER NOT NULL,
    PRIMARY KEY (device, tree)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_units_by_unit ON device_units (unit);

-- Devices that meet conditions, under a name. The scope is JSON: what is included and what not.
CREATE TABLE groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
