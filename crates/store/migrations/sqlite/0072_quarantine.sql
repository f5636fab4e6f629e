-- What was wrong with the file that put a package version into quarantine. What was wanted is what a
-- person accepted before, where somebody did; `named` is what the package itself names.
CREATE TABLE quarantined_files (
    package INTEGER NOT NULL PRIMARY KEY REFERENCES packages (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    named TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    wanted TEXT NOT NULL,
    found TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    length INTEGER NOT NULL
) STRICT;

-- Files that a person accepted although the package names another digest: this one, and no other.
CREATE TABLE accepted_files (
    package INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    named TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    accepted_by TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (package, file)
) STRICT;

CREATE INDEX packages_quarantined ON packages (quarantined_at, id) WHERE quarantined_at IS NOT NULL;
