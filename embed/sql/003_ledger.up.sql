-- What OpenKoi keeps beyond schema 2: every call with its cost, how tasks ended, how learnings fared.
-- How far a transcript has been recorded: the number of the last event, and the size of the file then, in bytes.
ALTER TABLE sessions ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN transcript_bytes INTEGER NOT NULL DEFAULT 0;

ALTER TABLE tasks ADD COLUMN workspace TEXT;
ALTER TABLE tasks ADD COLUMN model TEXT;
-- How it ended (contracts/task.ts, OutcomeStatus); NULL while it runs.
ALTER TABLE tasks ADD COLUMN status TEXT;
ALTER TABLE tasks ADD COLUMN reason TEXT;
-- The closing words, clipped.
ALTER TABLE tasks ADD COLUMN summary TEXT;
ALTER TABLE tasks ADD COLUMN cost_known INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tasks ADD COLUMN wall_ms INTEGER;
ALTER TABLE tasks ADD COLUMN saved_delta INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN saved_evaluation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN saved_caching INTEGER NOT NULL DEFAULT 0;
CREATE INDEX idx_tasks_created ON tasks(created_at);
CREATE INDEX idx_tasks_workspace ON tasks(workspace, created_at);

-- One row a model call. `at` in ms since 1970; `cost_usd` NULL where the price is unknown.
CREATE TABLE model_calls (
  id INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  role TEXT NOT NULL,
  model TEXT NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  cost_usd REAL,
  ms INTEGER NOT NULL
);
-- What a model cost in a stretch of time is summed from this index alone.
CREATE INDEX idx_calls_model ON model_calls(model, at, cost_usd, input, cache_write, output);
CREATE INDEX idx_calls_task ON model_calls(task_id, at);

ALTER TABLE learnings ADD COLUMN workspace TEXT;
ALTER TABLE learnings ADD COLUMN recalled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE learnings ADD COLUMN helped INTEGER NOT NULL DEFAULT 0;
CREATE INDEX idx_learnings_workspace ON learnings(workspace, created_at);

ALTER TABLE usage_events ADD COLUMN task_id TEXT;
ALTER TABLE usage_events ADD COLUMN outcome TEXT NOT NULL DEFAULT 'none';
CREATE INDEX idx_events_time ON usage_events(timestamp);

-- `key` finds the same pattern again when it is mined anew. `members` are the ids of its events, a JSON list.
ALTER TABLE usage_patterns ADD COLUMN key TEXT;
ALTER TABLE usage_patterns ADD COLUMN members TEXT NOT NULL DEFAULT '[]';
-- How sure the miner was when the user dismissed it: it returns only when much surer.
ALTER TABLE usage_patterns ADD COLUMN dismissed_at REAL;
CREATE UNIQUE INDEX idx_patterns_key ON usage_patterns(key);

-- Everything that can be searched is a chunk; `n` is its number for keyword and vector indexes, which must not hang on
-- an implicit rowid, because VACUUM changes those. `kind`: learning, task, facts, transcript, note. `source` names the
-- row it was made of (`learning:ID`, `task:ID`, `transcript:TASK#SEQ`, …).
CREATE TABLE chunks_3 (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  kind TEXT NOT NULL DEFAULT 'note',
  workspace TEXT
);
INSERT INTO chunks_3 (id, source, text, created_at) SELECT id, source, text, created_at FROM memory_chunks ORDER BY rowid;
-- Vectors of another model's making cannot be compared with ours; the texts are embedded anew.
DROP TABLE memory_embeddings;
DROP TABLE memory_chunks;
ALTER TABLE chunks_3 RENAME TO memory_chunks;
CREATE INDEX idx_chunks_source ON memory_chunks(source);
