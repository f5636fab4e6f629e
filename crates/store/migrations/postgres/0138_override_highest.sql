-- The highest version that is still wanted of what is pinned; empty: whatever is installed stays.
ALTER TABLE overrides ADD COLUMN highest TEXT COLLATE "C" NOT NULL DEFAULT '';
