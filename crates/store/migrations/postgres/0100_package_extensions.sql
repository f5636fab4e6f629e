-- Which extension packages the analysis of a package was made with. `wanted` is what the package, or
-- another extension, wants of it; no `version`: no source had one that it takes; no `sha256`: it could
-- not be had.
CREATE TABLE package_extensions (
    package BIGINT NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    extension TEXT COLLATE "C" NOT NULL,
    wanted TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C",
    sha256 TEXT COLLATE "C",
    PRIMARY KEY (package, extension)
);
-- What was analysed without them and not understood is analysed anew.
UPDATE packages SET verdict = NULL, analysis = NULL, analysed_at = NULL
WHERE problem IS NULL AND verdict IN ('needs_review', 'needs_chocolatey');
