-- What became of a lesson in a task for which it was recalled. `verdict`: `helped` (the task took its words from it and was
-- accepted), `misled` (it took them and was not), `undone` (helped, until the user put the task's changes back), `unused`.
-- `counted`: the verdict that the lesson's own numbers hold already; NULL where they hold none.
CREATE TABLE learning_uses (
  task_id TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
  learning_id TEXT NOT NULL,
  verdict TEXT NOT NULL,
  counted TEXT,
  used_at TEXT NOT NULL,
  PRIMARY KEY (task_id, learning_id)
);
CREATE INDEX idx_uses_learning ON learning_uses(learning_id);
CREATE INDEX idx_uses_uncounted ON learning_uses(used_at) WHERE counted IS NOT verdict;
CREATE TRIGGER learning_unused AFTER DELETE ON learnings BEGIN
  DELETE FROM learning_uses WHERE learning_id = old.id;
END;

-- When the user put back what the task changed; NULL where it stands.
ALTER TABLE tasks ADD COLUMN undone_at TEXT;

-- A call may belong to no task: what `learn` asks of a model.
CREATE TABLE calls_5 (
  id INTEGER PRIMARY KEY,
  task_id TEXT REFERENCES tasks(id) ON DELETE CASCADE,
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
INSERT INTO calls_5 (id, task_id, at, role, model, input, output, cache_read, cache_write, reasoning, cost_usd, ms)
SELECT id, task_id, at, role, model, input, output, cache_read, cache_write, reasoning, cost_usd, ms FROM model_calls;
DROP TABLE model_calls;
ALTER TABLE calls_5 RENAME TO model_calls;
CREATE INDEX idx_calls_model ON model_calls(model, at, cost_usd, input, cache_write, output);
CREATE INDEX idx_calls_task ON model_calls(task_id, at);
