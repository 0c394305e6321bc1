CREATE TABLE calls_4 (
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
INSERT INTO calls_4 (id, task_id, at, role, model, input, output, cache_read, cache_write, reasoning, cost_usd, ms)
SELECT id, task_id, at, role, model, input, output, cache_read, cache_write, reasoning, cost_usd, ms FROM model_calls
WHERE task_id IS NOT NULL;
DROP TABLE model_calls;
ALTER TABLE calls_4 RENAME TO model_calls;
CREATE INDEX idx_calls_model ON model_calls(model, at, cost_usd, input, cache_write, output);
CREATE INDEX idx_calls_task ON model_calls(task_id, at);

ALTER TABLE tasks DROP COLUMN undone_at;

DROP TRIGGER learning_unused;
DROP TABLE learning_uses;
