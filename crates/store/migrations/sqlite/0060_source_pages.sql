-- The pages of a feed, or the files of a folder, as they were read last: what tells whether one has
-- changed, what follows it, and which versions it offers (eight bytes each). 'reader' is the number
-- of the program's way to read them.
CREATE TABLE source_pages (
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    reader INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    etag TEXT,
    last_modified TEXT,
    next TEXT,
    entries INTEGER NOT NULL,
    first_id TEXT NOT NULL,
    last_id TEXT NOT NULL,
    is_in_order INTEGER NOT NULL,
    versions BLOB NOT NULL,
    left_out TEXT NOT NULL,
    left_out_count INTEGER NOT NULL,
    PRIMARY KEY (source, url)
) STRICT;

-- Entries of the last read that came to its end; what such a read no longer had, where that was so
-- much that a person must say whether it is right (JSON).
ALTER TABLE sources ADD COLUMN last_entries INTEGER;
ALTER TABLE sources ADD COLUMN withheld TEXT;
