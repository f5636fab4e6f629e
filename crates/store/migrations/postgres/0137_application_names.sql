-- Everything that the applications which one row stands for are found by. The rows are written anew when a
-- server starts.
ALTER TABLE applications ADD COLUMN group_text TEXT COLLATE "C" NOT NULL DEFAULT '';
