-- What a device got for its token, so that it gets the same when the answer was lost.
ALTER TABLE enrol_tokens ADD COLUMN key_sha256 TEXT;
ALTER TABLE enrol_tokens ADD COLUMN certificate TEXT;
