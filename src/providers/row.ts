import type { CredentialRow, Login } from "../contracts/credential.ts";

/** The wire protocols that are written; each is one file in `wire/`. */
export type WireId = "anthropic" | "bedrock" | "chat" | "gemini" | "ollama" | "responses";

/**
 * How a model's thinking is asked for. `adaptive`: Claude thinks where it is asked to, as long as it finds right
 * (platform.claude.com/docs, "adaptive thinking"). `unsteered`: nothing may be said about it.
 */
export type Thinking = "adaptive" | "unsteered";

/** The protocols of embeddings; each is one file in `wire/`. */
export type EmbeddingWireId = "cohere" | "gemini" | "ollama" | "openai" | "titan";

/** How a provider turns texts into vectors. */
export interface Embeddings {
  wire: EmbeddingWireId;
  /** The model that is used where the provider alone is named. */
  model?: string;
  /** Texts of one request, at most. */
  batch: number;
  /** Tokens of one request, all its texts together, at most. */
  batchTokens?: number;
}

/** How a credential travels: as a header of its own, or (`sigv4`) as a signature over the request. */
export type Auth = "bearer" | "sigv4" | "x-api-key" | "x-goog-api-key";

/** Where a vendor differs from its wire's common form. In the data each carries the reason (`why`) beside its value. */
export interface Quirks {
  /** Name of the output limit. Default `max_tokens`. */
  maxTokensField?: "max_tokens" | "max_completion_tokens";
  /** What says that an answer is whole. Default `finish_reason`: `[DONE]` may be missing. */
  endMark?: "done" | "finish_reason";
  /** `schema` of a request is sent as `response_format: json_schema`. Default false. */
  jsonSchema?: boolean;
  /** The field in which the model's own reasoning goes back. Default: it does not go back. */
  returnReasoning?: "reasoning_content" | "reasoning_details";
  /** Cache breakpoints are put into the messages. Default false: the vendor caches prefixes by itself. */
  cacheControl?: boolean;
  /** `reasoning.effort` of a request says how much to think. Default false: the model thinks as it is used to. */
  effort?: boolean;
  /** Longest tool call id that is accepted, characters. */
  toolCallIdMax?: number;
  /** A limit of the output is refused. Default false. */
  noOutputLimit?: boolean;
}

/** One provider, as data. */
export interface Row extends CredentialRow {
  wire: WireId;
  /** Without a slash at its end. */
  baseUrl: string;
  /** Environment variable that replaces `baseUrl`. */
  baseUrlEnv: string;
  /** True where the user named `baseUrl`: a login's own address does not replace it. */
  baseUrlNamed?: boolean;
  auth: Auth;
  headers: Readonly<Record<string, string>>;
  quirks: Quirks;
  /** AWS region; part of the address and of the signature. */
  region?: string;
  /** A server on this machine, which is asked whether it is there and which models it has. */
  local: boolean;
  /** The provider whose models these are: the catalogue's facts of them hold here too, without the price. */
  factsOf?: string;
  defaultModel: string | undefined;
  smallModel: string | undefined;
  /** Absent where the provider has none, or nobody knows how. */
  embeddings?: Embeddings;
  /** Models the user named for it (`[providers.x] models`). */
  models: readonly string[];
  /** What the user says of all its models (`[providers.x] context` and `max_output`), tokens. */
  limits: { readonly context?: number; readonly maxOutput?: number };
  /** From the config, not from the program's own list. */
  custom: boolean;
}

/** A provider as it stands in `embed/providers.json`. */
export interface RowData {
  id: string;
  displayName: string;
  wire: WireId;
  /** `{region}` stands for the AWS region. */
  baseUrl: string;
  keyEnv: string[];
  keyUrl?: string;
  /** Without a registration: OpenKoi's own goes here once the issuer has given it one. */
  login?: { kind: Login["kind"]; url: string; apiUrl?: string; clientId?: string };
  auth?: Auth;
  headers?: Record<string, string>;
  local?: true;
  /** Variable that names the server as the vendor's own programs read it: `host`, `host:port` or a URL. */
  hostEnv?: string;
  factsOf?: string;
  defaultModel?: string;
  smallModel?: string;
  embeddings?: Embeddings;
  quirks?: { [K in keyof Quirks]: { value: NonNullable<Quirks[K]>; why: string } };
}

/** Milliseconds that a provider may take. */
export interface Timeouts {
  /** Until the response begins; a local server reads the whole prompt first. */
  firstByteMs: number;
  /** Between two pieces of a response. */
  idleMs: number;
}
