import type { Event } from "../contracts/event.ts";
import type { MemoryDatabase } from "./database.ts";
import { textHash } from "./indexing.ts";
import { forgottenIds, noteForgotten } from "./rebuild.ts";

/** Pieces of one transcript that can be found later: facts first, of the rest the newest. */
const MOST_FACTS = 20;
const MOST_PIECES = 40;
/** Characters of a piece; shorter ones say nothing. */
const LONGEST = 1200;
const SHORTEST = 60;
/** Pieces that one event gives. */
const MOST_OF_ONE = 8;

interface Piece {
  seq: number;
  part: number;
  kind: "facts" | "transcript";
  text: string;
  createdAt: string;
}

/**
 * What a task's events say, to be kept so that it can be found: facts of compactions, the agent's own words, what the user
 * said meanwhile. Bounded a task.
 */
export class Words {
  readonly #facts: Piece[] = [];
  readonly #pieces: Piece[] = [];

  /** Takes one more event, in order. */
  add(event: Event): void {
    for (const piece of piecesOf(event)) {
      const list = piece.kind === "facts" ? this.#facts : this.#pieces;
      list.push(piece);
      if (list.length > (piece.kind === "facts" ? MOST_FACTS : MOST_PIECES)) list.shift();
    }
  }

  /**
   * Keeps them; what is known already is left out, and doing it twice adds nothing. Returns how many pieces are new.
   * Nothing is indexed yet.
   */
  keep(database: MemoryDatabase, task: { id: string; workspace: string }): number {
    return insertNew(database, task, [...this.#facts, ...this.#pieces]);
  }
}

/** Those chunks that are no lesson's and no task's, which have rows of their own. */
const PIECES = "kind NOT IN ('learning', 'task')";

export function pieceText(database: MemoryDatabase, id: string): string | undefined {
  const sql = `SELECT text FROM memory_chunks WHERE id = ? AND ${PIECES}`;
  return database.query<{ text: string }, [string]>(sql).get(id)?.text;
}

/** Takes a piece out of the search, also where its transcript is read again. False where there is none of this id. */
export function forgetPiece(database: MemoryDatabase, id: string): boolean {
  return database.transaction(() => {
    const known = pieceText(database, id) !== undefined;
    if (known) noteForgotten(database, id);
    database.query(`DELETE FROM memory_chunks WHERE id = ? AND ${PIECES}`).run(id);
    return known;
  });
}

function insertNew(
  database: MemoryDatabase,
  task: { id: string; workspace: string },
  pieces: readonly Piece[],
): number {
  return database.transaction(() => {
    const known = database.query<{ n: number }, [number, string]>(
      "SELECT n FROM memory_chunks WHERE hash = ? AND text = ?",
    );
    const insert = database.query(
      "INSERT OR IGNORE INTO memory_chunks (id, source, text, created_at, kind, workspace, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    const forgotten = forgottenIds(database);
    let kept = 0;
    for (const { seq, part, kind, text, createdAt } of pieces) {
      const hash = textHash(text);
      const source = `transcript:${task.id}#${seq}`;
      if (forgotten.has(`${source}.${part}`) || known.get(hash, text)) continue;
      kept += insert.run(`${source}.${part}`, source, text, createdAt, kind, task.workspace, hash).changes;
    }
    return kept;
  });
}

function piecesOf(event: Event): Piece[] {
  const said = wordsOf(event);
  if (!said) return [];
  const { kind, text } = said;
  return split(text)
    .slice(0, MOST_OF_ONE)
    .map((each, part) => ({ seq: event.seq, part, kind, text: each, createdAt: event.time }));
}

function wordsOf(event: Event): { kind: Piece["kind"]; text: string } | undefined {
  // What a helper agent said is in the words of the one that asked it.
  if (event.parent !== null) return undefined;
  switch (event.type) {
    case "compacted":
      return event.compaction.facts && { kind: "facts", text: event.compaction.facts.text };
    case "message": {
      if (event.message.role !== "assistant") return undefined;
      const texts = event.message.blocks.flatMap((block) => (block.type === "text" ? [block.text] : []));
      return { kind: "transcript", text: texts.join("\n\n") };
    }
    case "steered":
      return { kind: "transcript", text: `The user said: ${event.text}` };
    default:
      return undefined;
  }
}

/** Paragraphs, joined while they fit in a piece and cut where one does not. */
function split(text: string): string[] {
  const pieces: string[] = [];
  let piece = "";
  const end = () => {
    if (piece.length >= SHORTEST) pieces.push(piece);
    piece = "";
  };
  for (const paragraph of text.split(/\n\s*\n/).map((each) => each.trim())) {
    if (piece.length + paragraph.length > LONGEST) end();
    piece = piece === "" ? paragraph : `${piece}\n\n${paragraph}`;
    while (piece.length > LONGEST) {
      const space = piece.lastIndexOf(" ", LONGEST);
      const at = space > LONGEST / 2 ? space : LONGEST;
      pieces.push(piece.slice(0, at).toWellFormed());
      piece = piece.slice(at).trim();
    }
  }
  end();
  return pieces;
}
