CREATE TABLE chunks_2 (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (datetime('now'))
);
INSERT INTO chunks_2 (id, source, text, created_at) SELECT id, source, text, created_at FROM memory_chunks ORDER BY n;
DROP TABLE memory_chunks;
ALTER TABLE chunks_2 RENAME TO memory_chunks;
CREATE TABLE memory_embeddings (
  chunk_id TEXT PRIMARY KEY REFERENCES memory_chunks(id) ON DELETE CASCADE,
  embedding BLOB NOT NULL,
  dimensions INTEGER NOT NULL DEFAULT 1536,
  model TEXT NOT NULL DEFAULT 'text-embedding-3-small',
  created_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE INDEX idx_embeddings_model ON memory_embeddings(model);

DROP INDEX idx_patterns_key;
ALTER TABLE usage_patterns DROP COLUMN dismissed_at;
ALTER TABLE usage_patterns DROP COLUMN members;
ALTER TABLE usage_patterns DROP COLUMN key;

DROP INDEX idx_events_time;
ALTER TABLE usage_events DROP COLUMN outcome;
ALTER TABLE usage_events DROP COLUMN task_id;

DROP INDEX idx_learnings_workspace;
ALTER TABLE learnings DROP COLUMN helped;
ALTER TABLE learnings DROP COLUMN recalled;
ALTER TABLE learnings DROP COLUMN workspace;

DROP TABLE model_calls;

DROP INDEX idx_tasks_workspace;
DROP INDEX idx_tasks_created;
ALTER TABLE tasks DROP COLUMN saved_caching;
ALTER TABLE tasks DROP COLUMN saved_evaluation;
ALTER TABLE tasks DROP COLUMN saved_delta;
ALTER TABLE tasks DROP COLUMN wall_ms;
ALTER TABLE tasks DROP COLUMN cost_known;
ALTER TABLE tasks DROP COLUMN summary;
ALTER TABLE tasks DROP COLUMN reason;
ALTER TABLE tasks DROP COLUMN status;
ALTER TABLE tasks DROP COLUMN model;
ALTER TABLE tasks DROP COLUMN workspace;

ALTER TABLE sessions DROP COLUMN transcript_bytes;
ALTER TABLE sessions DROP COLUMN seq;
