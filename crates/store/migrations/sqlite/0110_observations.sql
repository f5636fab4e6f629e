-- Which application of a device stands beside a known version of its package: the one that Chocolatey
-- recorded, or that a deployment installed last. What it registers tells how the package's versions
-- are registered.
CREATE TABLE observations (
    device INTEGER NOT NULL REFERENCES devices (id),
    package TEXT NOT NULL,
    version TEXT NOT NULL,
    software INTEGER NOT NULL REFERENCES software (id),
    PRIMARY KEY (device, package)
) STRICT, WITHOUT ROWID;
CREATE INDEX observations_by_package ON observations (package, version, software);
