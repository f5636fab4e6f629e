-- Which source's nupkg a version of the feed was made of, where it was not pushed.
ALTER TABLE feed_packages ADD COLUMN original_source TEXT COLLATE "C";
ALTER TABLE feed_packages ADD COLUMN original_location TEXT COLLATE "C";
ALTER TABLE feed_packages ADD COLUMN original_sha256 TEXT COLLATE "C";
