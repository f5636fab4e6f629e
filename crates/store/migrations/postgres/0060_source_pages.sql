-- The pages of a feed, or the files of a folder, as they were read last: what tells whether one has
-- changed, what follows it, and which versions it offers (eight bytes each). 'reader' is the number
-- of the program's way to read them.
CREATE TABLE source_pages (
    source BIGINT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    url TEXT COLLATE "C" NOT NULL,
    reader BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    etag TEXT COLLATE "C",
    last_modified TEXT COLLATE "C",
    next TEXT COLLATE "C",
    entries BIGINT NOT NULL,
    first_id TEXT COLLATE "C" NOT NULL,
    last_id TEXT COLLATE "C" NOT NULL,
    is_in_order BIGINT NOT NULL,
    versions BYTEA NOT NULL,
    left_out TEXT COLLATE "C" NOT NULL,
    left_out_count BIGINT NOT NULL,
    PRIMARY KEY (source, url)
);

-- Entries of the last read that came to its end; what such a read no longer had, where that was so
-- much that a person must say whether it is right (JSON).
ALTER TABLE sources ADD COLUMN last_entries BIGINT;
ALTER TABLE sources ADD COLUMN withheld TEXT COLLATE "C";

-- What SQLite has built in: an array's items, without making texts of them.
CREATE FUNCTION jsonb_each(items TEXT) RETURNS TABLE (value JSON)
    LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 100
    AS 'SELECT e.value FROM json_array_elements(items::json) AS e (value)';
