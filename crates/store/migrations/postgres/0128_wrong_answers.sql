-- Answers that brought another file than the one that a package names: one alone is no sign that the
-- version is bad. `wanted` is what it was compared with (`sha256:…`).
CREATE TABLE wrong_answers (
    package BIGINT NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    wanted TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (package, file)
);
