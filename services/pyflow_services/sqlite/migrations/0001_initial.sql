-- Rows are kept in order of creation and reached through narrow indexes by a number of the run: in a burst, the rows of
-- a commit then share a few pages. Keyed by text, each would change a page of its own, at half the throughput.

-- What changes while a run lives. `ready_at` is set while the run waits for an owner; `blocked_hash` is the hash of the
-- code that was refused; `purging_at` is set once the run may never be opened again, because its payloads are deleted.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'waiting', 'blocked', 'completed', 'failed', 'cancelled')),
    generation INTEGER NOT NULL DEFAULT 1,
    seq INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    last_owner TEXT,
    takeovers INTEGER NOT NULL DEFAULT 0,
    ready_at REAL,
    queued_at REAL,
    blocked_hash TEXT,
    purging_at REAL,
    purge_error TEXT,
    output_inline TEXT,
    output_reference TEXT,
    output_meta TEXT,
    output_context TEXT,
    error TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    finished_at REAL,
    CHECK (owner IS NULL OR status = 'running'),
    CHECK (ready_at IS NULL OR owner IS NULL),
    CHECK (output_inline IS NULL OR output_reference IS NULL)
) STRICT;

CREATE INDEX runs_ready ON runs (workflow, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX runs_owned ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_blocked ON runs (workflow) WHERE status = 'blocked';

-- What never changes: apart, so that a large input is not written again with every step.
CREATE TABLE run_inputs (
    run INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    input_inline TEXT,
    input_reference TEXT,
    input_meta TEXT,
    input_context TEXT,
    code_hash TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    actor TEXT,
    tenant TEXT NOT NULL DEFAULT 'default',
    CHECK (input_inline IS NULL OR input_reference IS NULL)
) STRICT;

-- `dropped_at` is how far the execution had been fed when it cancelled the step itself; `pending_at` is since when the
-- step has been waiting for a worker; `inline_bytes` is what the run held inline when the step was asked for.
CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step_name TEXT NOT NULL,
    form TEXT NOT NULL DEFAULT 'inline' CHECK (form = 'inline' OR form = 'rpc'),
    rpc_name TEXT,
    queue TEXT,
    description TEXT,
    options TEXT,
    input_inline TEXT,
    input_reference TEXT,
    input_meta TEXT,
    input_context TEXT,
    input_sha256 TEXT,
    output_inline TEXT,
    output_reference TEXT,
    output_meta TEXT,
    output_context TEXT,
    error TEXT,
    status TEXT NOT NULL DEFAULT 'completed' CHECK (
        status = 'completed' OR status IN ('pending', 'running', 'failed', 'cancelled')
    ),
    asked_at INTEGER NOT NULL,
    inline_bytes INTEGER NOT NULL DEFAULT 0,
    seq INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    dropped_at INTEGER,
    due_at REAL,
    pending_at REAL,
    queued_at REAL,
    scheduled_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    CHECK (input_inline IS NULL OR input_reference IS NULL),
    CHECK (output_inline IS NULL OR output_reference IS NULL)
) STRICT;

CREATE UNIQUE INDEX steps_name ON steps (run, step_name);
CREATE UNIQUE INDEX steps_seq ON steps (run, seq) WHERE seq IS NOT NULL;
CREATE INDEX steps_pending ON steps (queue, coalesce(due_at, pending_at)) WHERE status = 'pending';
CREATE INDEX steps_running ON steps (worker) WHERE status = 'running';

-- What has a number and is no step.
CREATE TABLE entries (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- Steps of past generations, as they were when a re-drive put them aside.
CREATE TABLE steps_archive (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    step_name TEXT NOT NULL,
    form TEXT NOT NULL,
    rpc_name TEXT,
    queue TEXT,
    description TEXT,
    options TEXT,
    input_inline TEXT,
    input_reference TEXT,
    input_meta TEXT,
    input_context TEXT,
    input_sha256 TEXT,
    output_inline TEXT,
    output_reference TEXT,
    output_meta TEXT,
    output_context TEXT,
    error TEXT,
    status TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    seq INTEGER,
    attempts INTEGER NOT NULL,
    deaths INTEGER NOT NULL,
    scheduled_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    PRIMARY KEY (run, generation, step_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    type TEXT NOT NULL,
    seq INTEGER,
    step_name TEXT,
    attempt INTEGER,
    worker TEXT,
    at REAL NOT NULL,
    detail TEXT
) STRICT;

CREATE INDEX events_run ON events (run);

-- The payloads that the rows of a run refer to, archived rows too. A key stands here or among the tombstones, never in
-- both: what is barred may be deleted at any time, and a row that referred to it is refused.
CREATE TABLE payload_references (
    key TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (key, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX payload_references_run ON payload_references (run);

CREATE TABLE payload_tombstones (
    key TEXT PRIMARY KEY,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- `expires_at` is on the monotonic clock of the boot named beside it. Whoever stands here holds a lock on the file of
-- its id in the folder beside the database.
CREATE TABLE workers (
    worker_id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    lease_seconds REAL NOT NULL,
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Processes that want a byte on a port of the loopback interface when there is news.
CREATE TABLE listeners (
    listener_id TEXT PRIMARY KEY,
    boot_id TEXT NOT NULL,
    port INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
