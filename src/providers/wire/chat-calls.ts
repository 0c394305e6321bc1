import type { ToolCallBlock } from "../../contracts/message.ts";
import { madeId } from "./call-ids.ts";
import { count, object, text } from "./values.ts";

/** Shorter ids (`0`, seen behind gateways) only count within one answer; a conversation needs unique ones. */
const MIN_ID = 4;

interface Draft {
  index: number;
  /** As the server gave it; servers that know no ids give none. */
  stated: string;
  id: string;
  name: string;
  arguments: string;
  extra: unknown;
}

/**
 * Puts tool calls together from their pieces. Vendors differ: the id stands in the first piece only, or is empty in
 * the later ones, or is never there; parallel calls have an index each, or all the index 0 and an id each, or no index.
 */
export class ToolCalls {
  readonly #drafts: Draft[] = [];

  /** Gives the call's id and name when it begins. */
  take(piece: Record<string, unknown>, response: string): { id: string; name: string } | undefined {
    const stated = text(piece["id"]);
    const wanted = object(piece["function"]);
    const name = text(wanted["name"]);
    let draft = this.#find(count(piece["index"]), stated, name);
    const begins = !draft;
    if (!draft) {
      const position = this.#drafts.length;
      draft = {
        index: count(piece["index"]) ?? position,
        stated,
        id: stated.length < MIN_ID ? madeId(response, position) : stated,
        name,
        arguments: "",
        extra: undefined,
      };
      this.#drafts.push(draft);
    }
    // A few servers give arguments as an object, whole.
    const given = wanted["arguments"];
    draft.arguments += typeof given === "object" && given !== null ? JSON.stringify(given) : text(given);
    // Google's thought signatures travel here, also through gateways.
    draft.extra = piece["extra_content"] ?? draft.extra;
    return begins ? { id: draft.id, name: draft.name } : undefined;
  }

  finished(): ToolCallBlock[] {
    return this.#drafts.map((draft) => ({
      type: "tool_call",
      id: draft.id,
      name: draft.name,
      arguments: draft.arguments.trim() ? draft.arguments : "{}",
      ...(draft.extra === undefined ? {} : { native: { extra_content: draft.extra } }),
    }));
  }

  #find(index: number | undefined, stated: string, name: string): Draft | undefined {
    const last = this.#drafts.at(-1);
    const draft = index === undefined ? last : this.#drafts.findLast((each) => each.index === index);
    if (!draft) return undefined;
    // Another id, or a second name where ids are unknown, begins another call.
    if (stated && draft.stated && stated !== draft.stated) return undefined;
    if (!stated && name && index === undefined && draft.arguments) return undefined;
    return draft;
  }
}
