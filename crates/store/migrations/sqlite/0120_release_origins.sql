-- What a release was made from: the package's bytes and what its scripts were explained to be. The
-- same release may come of several. Releases from before are made anew when they are wanted.
CREATE TABLE release_origins (
    release INTEGER NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    made_from TEXT NOT NULL,
    PRIMARY KEY (release, made_from)
) STRICT;
