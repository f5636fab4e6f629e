-- Numbers, ids, times (Unix milliseconds) and flags (0, 1) are 64-bit integers; digests and secrets
-- are lower-case hexadecimal texts. Columns that end in _key hold lower-case texts for search and order.

CREATE TABLE settings (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hostname TEXT NOT NULL,
    hostname_key TEXT NOT NULL,
    os_family TEXT NOT NULL,
    os_name TEXT NOT NULL,
    os_version TEXT NOT NULL,
    architecture TEXT NOT NULL,
    system_type TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    protocol INTEGER NOT NULL,
    certificate_sha256 TEXT NOT NULL UNIQUE,
    enrolled_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    boot_id TEXT,
    boot_at INTEGER,
    inventory_digest TEXT,
    inventory_at INTEGER,
    inventory_complete INTEGER NOT NULL DEFAULT 0,
    inventory_note TEXT NOT NULL DEFAULT '',
    restart_pending TEXT,
    cannot_deploy TEXT,
    missing_third_party INTEGER NOT NULL DEFAULT 0,
    missing_os INTEGER NOT NULL DEFAULT 0,
    missing_total INTEGER NOT NULL DEFAULT 0,
    scan_status INTEGER,
    scan_cause TEXT NOT NULL DEFAULT '',
    scan_at INTEGER,
    order_counter INTEGER NOT NULL DEFAULT 0,
    removed_at INTEGER
) STRICT;
CREATE INDEX devices_by_hostname ON devices (hostname_key, id) WHERE removed_at IS NULL;
CREATE INDEX devices_by_last_seen ON devices (last_seen, id) WHERE removed_at IS NULL;
CREATE INDEX devices_by_missing ON devices (missing_total DESC, id) WHERE removed_at IS NULL;

CREATE TABLE enrol_tokens (
    secret_sha256 TEXT NOT NULL PRIMARY KEY,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    device INTEGER REFERENCES devices (id)
) STRICT;
CREATE INDEX enrol_tokens_by_time ON enrol_tokens (created_at DESC, secret_sha256);

CREATE TABLE software (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    place TEXT NOT NULL,
    software_key TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    publisher TEXT NOT NULL,
    product_code TEXT,
    upgrade_code TEXT
) STRICT;

CREATE TABLE inventories (
    device INTEGER PRIMARY KEY REFERENCES devices (id),
    digest TEXT NOT NULL,
    at INTEGER NOT NULL,
    software BLOB NOT NULL,
    chocolatey TEXT NOT NULL,
    updates TEXT,
    withheld TEXT NOT NULL
) STRICT;

CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    location TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    priority INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    last_sync_at INTEGER,
    last_error TEXT,
    sync_state TEXT
) STRICT;

CREATE TABLE packages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    package TEXT NOT NULL,
    shown_id TEXT NOT NULL,
    version TEXT NOT NULL,
    normalized TEXT NOT NULL,
    order_key TEXT NOT NULL,
    prerelease INTEGER NOT NULL,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    authors TEXT NOT NULL,
    project_url TEXT NOT NULL,
    metadata TEXT NOT NULL,
    content_location TEXT NOT NULL,
    content_hash TEXT,
    content_sha256 TEXT,
    verdict TEXT,
    analysis TEXT,
    analysed_at INTEGER,
    listed INTEGER NOT NULL,
    quarantined_at INTEGER,
    quarantine_cause TEXT,
    first_seen INTEGER NOT NULL,
    UNIQUE (source, package, normalized)
) STRICT;
CREATE INDEX packages_by_version ON packages (package, order_key DESC, id);

CREATE TABLE package_products (
    package TEXT NOT NULL,
    product_code TEXT NOT NULL,
    upgrade_code TEXT,
    product_name TEXT NOT NULL,
    product_version TEXT NOT NULL,
    publisher TEXT NOT NULL,
    PRIMARY KEY (package, product_code)
) STRICT;
CREATE INDEX package_products_by_product_code ON package_products (product_code);
CREATE INDEX package_products_by_upgrade_code ON package_products (upgrade_code);

CREATE TABLE files (
    sha256 TEXT NOT NULL PRIMARY KEY,
    length INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    patch_type TEXT NOT NULL,
    package TEXT NOT NULL,
    version TEXT NOT NULL,
    payload_digest TEXT NOT NULL UNIQUE,
    envelope TEXT NOT NULL,
    release_json TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX releases_by_package ON releases (patch_type, package, version, id);

CREATE TABLE release_files (
    release INTEGER NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL REFERENCES files (sha256),
    name TEXT NOT NULL,
    length INTEGER NOT NULL,
    bitness TEXT NOT NULL,
    PRIMARY KEY (release, sha256, name)
) STRICT;
CREATE INDEX release_files_by_file ON release_files (sha256);

CREATE TABLE patches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    patch_type TEXT NOT NULL,
    name TEXT NOT NULL,
    architecture TEXT NOT NULL,
    version TEXT NOT NULL,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    security INTEGER NOT NULL,
    origin TEXT NOT NULL,
    package INTEGER REFERENCES packages (id) ON DELETE SET NULL,
    first_seen INTEGER NOT NULL,
    UNIQUE (patch_type, name, architecture, version)
) STRICT;
CREATE INDEX patches_by_title ON patches (title_key, id);
CREATE INDEX patches_by_package ON patches (package);

CREATE TABLE missing (
    device INTEGER NOT NULL REFERENCES devices (id),
    patch INTEGER NOT NULL REFERENCES patches (id),
    installed_version TEXT NOT NULL,
    evidence TEXT NOT NULL,
    confidence TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    software INTEGER REFERENCES software (id),
    PRIMARY KEY (device, patch)
) STRICT, WITHOUT ROWID;
CREATE INDEX missing_by_patch ON missing (patch, device);

CREATE TABLE approvals (
    patch INTEGER NOT NULL REFERENCES patches (id),
    system_type TEXT NOT NULL,
    decision TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (patch, system_type)
) STRICT;

CREATE TABLE deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    patch INTEGER NOT NULL REFERENCES patches (id),
    note TEXT NOT NULL
) STRICT;

CREATE TABLE deploy_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment INTEGER NOT NULL REFERENCES deployments (id),
    device INTEGER NOT NULL REFERENCES devices (id),
    patch INTEGER NOT NULL REFERENCES patches (id),
    release INTEGER REFERENCES releases (id),
    status INTEGER NOT NULL,
    ending TEXT,
    cause TEXT NOT NULL,
    next_step TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    order_counter INTEGER,
    order_envelope TEXT,
    order_sent_at INTEGER,
    cancel_asked_by TEXT,
    cancel_asked_at INTEGER,
    posted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    finished_at INTEGER,
    restart_boot TEXT,
    reboot_note TEXT NOT NULL DEFAULT '',
    output TEXT NOT NULL DEFAULT '',
    redeploy_of INTEGER REFERENCES deploy_jobs (id),
    archived_at INTEGER
) STRICT;
CREATE UNIQUE INDEX deploy_jobs_open ON deploy_jobs (device, patch) WHERE finished_at IS NULL;
CREATE INDEX deploy_jobs_by_device ON deploy_jobs (device, patch, id);
CREATE INDEX deploy_jobs_by_deployment ON deploy_jobs (deployment, id);
CREATE INDEX deploy_jobs_open_by_status ON deploy_jobs (status, id) WHERE finished_at IS NULL;
CREATE INDEX deploy_jobs_open_by_deadline ON deploy_jobs (deadline_at) WHERE finished_at IS NULL;
CREATE INDEX deploy_jobs_to_archive ON deploy_jobs (finished_at)
    WHERE finished_at IS NOT NULL AND archived_at IS NULL;
CREATE INDEX deploy_jobs_by_release ON deploy_jobs (release);
CREATE INDEX deploy_jobs_by_redeploy ON deploy_jobs (redeploy_of);

CREATE TABLE deploy_transitions (
    job INTEGER NOT NULL REFERENCES deploy_jobs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    status INTEGER NOT NULL,
    ending TEXT,
    cause TEXT NOT NULL,
    at INTEGER NOT NULL,
    taken_by TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT;

CREATE TABLE scan_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device INTEGER NOT NULL REFERENCES devices (id),
    status INTEGER NOT NULL,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    retries INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX scan_jobs_open ON scan_jobs (device) WHERE finished_at IS NULL;
CREATE INDEX scan_jobs_open_by_status ON scan_jobs (status, run_at, id) WHERE finished_at IS NULL;
CREATE INDEX scan_jobs_by_device ON scan_jobs (device, id DESC);

CREATE TABLE scan_transitions (
    job INTEGER NOT NULL REFERENCES scan_jobs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    status INTEGER NOT NULL,
    cause TEXT NOT NULL,
    at INTEGER NOT NULL,
    taken_by TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT;

CREATE TABLE agent_reports (
    device INTEGER PRIMARY KEY REFERENCES devices (id),
    acknowledged INTEGER NOT NULL
) STRICT;

CREATE TABLE anomalies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device INTEGER NOT NULL REFERENCES devices (id),
    at INTEGER NOT NULL,
    what TEXT NOT NULL
) STRICT;
CREATE INDEX anomalies_by_device ON anomalies (device, id DESC);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sessions (
    token_sha256 TEXT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE setup_links (
    secret_sha256 TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE TABLE login_failures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name_key TEXT NOT NULL,
    from_address TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failures_by_name ON login_failures (name_key, at);
CREATE INDEX login_failures_by_address ON login_failures (from_address, at);
CREATE INDEX login_failures_by_time ON login_failures (at);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    from_address TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before_json TEXT,
    after_json TEXT
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject, id DESC);
CREATE INDEX audit_by_action ON audit (action, id DESC);

CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    next_run_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    claims INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER,
    last_error TEXT,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX queue_by_time ON queue (run_at, id);
