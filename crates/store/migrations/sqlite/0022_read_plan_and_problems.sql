-- When a source is read next and why then; what its last read left out (JSON, capped), and how many.
ALTER TABLE sources ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN next_read_at INTEGER;
ALTER TABLE sources ADD COLUMN next_read_why TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN skipped TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sources ADD COLUMN skipped_count INTEGER NOT NULL DEFAULT 0;

-- What a source is read with. The password is sealed with a key outside of the database.
ALTER TABLE sources ADD COLUMN user_name TEXT;
ALTER TABLE sources ADD COLUMN sealed_password TEXT;

-- Why a nupkg cannot be had or read, after how many tries, and when it is tried again (never by
-- itself where that is NULL).
ALTER TABLE packages ADD COLUMN problem TEXT;
ALTER TABLE packages ADD COLUMN problem_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE packages ADD COLUMN problem_retry_at INTEGER;

-- Which version of the package brings the product: an MSI's own version may be another.
ALTER TABLE package_products ADD COLUMN package_version TEXT;

-- Hosts that asked to be left alone.
CREATE TABLE host_pauses (
    host TEXT NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL,
    cause TEXT NOT NULL,
    is_ban INTEGER NOT NULL
) STRICT;

-- Scripts that were not explained are looked at once more: the analysis may know more by now.
UPDATE packages SET verdict = NULL, analysis = NULL, analysed_at = NULL
WHERE verdict = 'needs_review';
