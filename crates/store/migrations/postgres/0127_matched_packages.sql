-- Packages that installed software is matched to, with the version on offer and the number of devices that
-- have one of a package's versions.
CREATE TABLE matched_packages (
    package TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    title TEXT COLLATE "C" NOT NULL,
    title_key TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    offered BIGINT,
    devices BIGINT NOT NULL
);
CREATE INDEX matched_packages_by_title ON matched_packages (title_key, package);
CREATE INDEX matched_packages_by_devices ON matched_packages (devices DESC, package);
