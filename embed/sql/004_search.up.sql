-- Keyword search and vectors over memory_chunks. `terms` is how many terms the text has in the keyword index, NULL while it
-- waits to be put there: whoever writes a chunk need not know of the indexes. `hash` finds a text that is there already.
ALTER TABLE memory_chunks ADD COLUMN terms INTEGER;
ALTER TABLE memory_chunks ADD COLUMN hash INTEGER;
CREATE INDEX idx_chunks_waiting ON memory_chunks(kind, n) WHERE terms IS NULL;
CREATE INDEX idx_chunks_hash ON memory_chunks(hash);
CREATE INDEX idx_learnings_source ON learnings(source_task);

-- Holds the terms of memory/terms.ts with blanks between them, so that the tokenizer has nothing to do but cut there; the
-- text itself is in memory_chunks. A row's number is scope × 2^40 + n; scope: 0 learnings, 1 tasks, 2 the rest.
CREATE VIRTUAL TABLE chunk_words USING fts5(words, content = '', contentless_delete = 1, tokenize = 'ascii');

-- In how many chunks a term occurs or did; '' counts the chunks. Forgotten chunks are not subtracted: what words weigh
-- hardly changes by them.
CREATE TABLE chunk_terms (
  term TEXT PRIMARY KEY,
  chunks INTEGER NOT NULL
) WITHOUT ROWID;

-- Sets of vectors; only those of one set can be compared. `ref` is the embedder's, for the built-in one with the number of
-- its word counts (`rarity`, made over `texts` chunks). Every chunk up to number `upto` has its vector; `complete` once it
-- had caught up.
CREATE TABLE embedders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ref TEXT NOT NULL UNIQUE,
  dimensions INTEGER NOT NULL,
  upto INTEGER NOT NULL DEFAULT 0,
  complete INTEGER NOT NULL DEFAULT 0,
  texts INTEGER NOT NULL DEFAULT 0,
  rarity BLOB,
  created_at TEXT NOT NULL
);

-- The truth: 32-bit floats, little-endian. `id` is embedder × 2^40 + n.
CREATE TABLE chunk_vectors (
  id INTEGER PRIMARY KEY,
  vector BLOB NOT NULL
);

-- Sign bits of 4096 vectors each, to be scanned. `numbers` are their n, 32 bits each. A number may be there twice or be gone
-- from chunk_vectors, which decides.
CREATE TABLE vector_segments (
  id INTEGER PRIMARY KEY,
  embedder INTEGER NOT NULL,
  scope INTEGER NOT NULL,
  count INTEGER NOT NULL,
  numbers BLOB NOT NULL,
  bits BLOB NOT NULL
);
CREATE INDEX idx_segments ON vector_segments(embedder, scope, id, count);

CREATE TRIGGER chunk_gone AFTER DELETE ON memory_chunks BEGIN
  DELETE FROM chunk_words
  WHERE old.terms IS NOT NULL
    AND rowid = (CASE old.kind WHEN 'learning' THEN 0 WHEN 'task' THEN 1 ELSE 2 END << 40) + old.n;
  DELETE FROM chunk_vectors WHERE id IN (SELECT (e.id << 40) + old.n FROM embedders AS e);
  -- The next chunk has this number again.
  UPDATE embedders SET upto = old.n - 1
  WHERE upto >= old.n AND NOT EXISTS (SELECT 1 FROM memory_chunks WHERE n > old.n);
END;

-- What is learned and what was done can be found, whoever writes it: a task, the user, an import.
CREATE TRIGGER learning_new AFTER INSERT ON learnings BEGIN
  DELETE FROM memory_chunks WHERE id = 'learning:' || new.id;
  INSERT INTO memory_chunks (id, source, text, created_at, kind, workspace)
  VALUES ('learning:' || new.id, 'learning:' || new.id, new.content, new.created_at, 'learning', new.workspace);
END;
CREATE TRIGGER learning_changed AFTER UPDATE OF content ON learnings WHEN new.content IS NOT old.content BEGIN
  DELETE FROM memory_chunks WHERE id = 'learning:' || new.id;
  INSERT INTO memory_chunks (id, source, text, created_at, kind, workspace)
  VALUES ('learning:' || new.id, 'learning:' || new.id, new.content, new.created_at, 'learning', new.workspace);
END;
CREATE TRIGGER learning_gone AFTER DELETE ON learnings BEGIN
  DELETE FROM memory_chunks WHERE id = 'learning:' || old.id;
END;

CREATE TRIGGER task_new AFTER INSERT ON tasks WHEN new.status IS NOT NULL OR new.completed_at IS NOT NULL BEGIN
  DELETE FROM memory_chunks WHERE id = 'task:' || new.id;
  INSERT INTO memory_chunks (id, source, text, created_at, kind, workspace)
  VALUES ('task:' || new.id, 'task:' || new.id,
    substr(new.description, 1, 2000) || coalesce(char(10) || substr(nullif(new.summary, ''), 1, 500), ''),
    new.created_at, 'task', new.workspace);
END;
CREATE TRIGGER task_ended AFTER UPDATE OF description, summary, status, completed_at ON tasks
WHEN (new.status IS NOT NULL OR new.completed_at IS NOT NULL)
  AND (new.description IS NOT old.description OR new.summary IS NOT old.summary
    OR NOT EXISTS (SELECT 1 FROM memory_chunks WHERE id = 'task:' || new.id))
BEGIN
  DELETE FROM memory_chunks WHERE id = 'task:' || new.id;
  INSERT INTO memory_chunks (id, source, text, created_at, kind, workspace)
  VALUES ('task:' || new.id, 'task:' || new.id,
    substr(new.description, 1, 2000) || coalesce(char(10) || substr(nullif(new.summary, ''), 1, 500), ''),
    new.created_at, 'task', new.workspace);
END;
CREATE TRIGGER task_gone AFTER DELETE ON tasks BEGIN
  DELETE FROM memory_chunks WHERE id = 'task:' || old.id;
  -- What was said in it: `transcript:ID#…`.
  DELETE FROM memory_chunks WHERE source >= 'transcript:' || old.id || '#' AND source < 'transcript:' || old.id || '$';
END;

INSERT OR IGNORE INTO memory_chunks (id, source, text, created_at, kind, workspace)
SELECT 'learning:' || id, 'learning:' || id, content, created_at, 'learning', workspace FROM learnings;
INSERT OR IGNORE INTO memory_chunks (id, source, text, created_at, kind, workspace)
SELECT 'task:' || id, 'task:' || id,
  substr(description, 1, 2000) || coalesce(char(10) || substr(nullif(summary, ''), 1, 500), ''), created_at, 'task', workspace
FROM tasks WHERE status IS NOT NULL OR completed_at IS NOT NULL;
