-- What a refusal was decided on (a digest): where that is another, it is decided anew. None: it is not
-- known.
ALTER TABLE feed_refusals ADD COLUMN basis TEXT;
-- Whether a person asked for the package.
ALTER TABLE feed_refusals ADD COLUMN is_asked_for BIGINT NOT NULL DEFAULT 0;
