/**
 * The one door to the network. Time limits, one error for every kind of bad luck, and nothing secret in its words.
 *
 * What Bun's fetch does (measured with 1.4.5 against raw sockets): a body with `content-length` or `chunked` that is
 * cut rejects with ECONNRESET; a body that ends with the connection cannot be told from a cut one, so wires whose
 * stream has an end mark must insist on it. Nothing is sent twice by itself.
 */

export interface HttpRequest {
  /** Default: `POST` with a body, else `GET`. */
  method?: string;
  url: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** An address of the host, to which the connection goes without asking for the name again. */
  address?: string;
  /** Milliseconds until the response headers are here. Default 60,000. */
  connectTimeoutMs?: number;
  /** Milliseconds without a byte of body while somebody waits for one. Default 120,000. */
  idleTimeoutMs?: number;
}

export interface HttpResponse {
  status: number;
  headers: Headers;
  /** The body, once. Ending the loop early closes the connection; so does `body.return()` without a loop. */
  body: AsyncGenerator<Uint8Array>;
  /**
   * The whole body as UTF-8 (invalid bytes become U+FFFD). Beyond `limitBytes` (default 16 MiB) the rest is dropped and
   * the connection closed.
   */
  text(limitBytes?: number): Promise<string>;
}

/** The network failed, before or within a response. `timeout`: a time limit passed. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly kind: "network" | "timeout";

  constructor(kind: "network" | "timeout", message: string) {
    super(message);
    this.kind = kind;
  }
}

const CONNECT_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 120_000;
const TEXT_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Sends a request and returns when the headers are here. Redirects are not followed (3xx is returned): a header with a
 * credential must not travel to a host nobody named.
 *
 * @throws HttpError, here and while the body is read; the signal's reason when `signal` aborts.
 */
export async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  signal.throwIfAborted();
  const host = hostOf(request.url);
  const connection = new AbortController();
  const onAbort = () => connection.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const limitMs = request.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const timer = setTimeout(
    () => connection.abort(new HttpError("timeout", `${host} did not answer within ${limitMs / 1000} s`)),
    limitMs,
  );
  try {
    const response = await fetch(request.address ? withHost(request.url, request.address) : request.url, {
      ...(request.address ? pinned(request.url) : {}),
      method: request.method ?? (request.body === undefined ? "GET" : "POST"),
      // A compressed event stream arrives late, and a cut one makes the runtime write to stderr.
      headers: {
        "accept-encoding": "identity",
        ...(request.address ? { host } : {}),
        ...lowerCased(request.headers),
      },
      body: request.body ?? null,
      redirect: "manual",
      signal: connection.signal,
      // Bun's own limit of five minutes would cut a slow model; ours are above and below.
      timeout: false,
    });
    const release = () => signal.removeEventListener("abort", onAbort);
    const body = new Body(response, connection, host, request.idleTimeoutMs ?? IDLE_TIMEOUT_MS, release);
    return {
      status: response.status,
      headers: response.headers,
      body,
      text: (limitBytes = TEXT_LIMIT_BYTES) => readText(body, limitBytes),
    };
  } catch (error) {
    signal.removeEventListener("abort", onAbort);
    throw connection.signal.aborted ? connection.signal.reason : explained(error, host);
  } finally {
    clearTimeout(timer);
  }
}

/** Written out instead of `async function*`, because a generator that never started would not clean up. */
class Body implements AsyncGenerator<Uint8Array> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #connection: AbortController;
  readonly #host: string;
  readonly #idleMs: number;
  readonly #release: () => void;
  #closed = false;

  constructor(response: Response, connection: AbortController, host: string, idleMs: number, release: () => void) {
    this.#reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
    this.#connection = connection;
    this.#host = host;
    this.#idleMs = idleMs;
    this.#release = release;
    if (!this.#reader) this.#close();
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#connection.signal.aborted && !this.#closed) {
      this.#close();
      throw this.#connection.signal.reason;
    }
    if (this.#closed || !this.#reader) return { done: true, value: undefined };
    const timer = setTimeout(() => {
      const message = `${this.#host} sent nothing for ${this.#idleMs / 1000} s`;
      this.#connection.abort(new HttpError("timeout", message));
    }, this.#idleMs);
    try {
      const { done, value } = await this.#reader.read();
      if (!done) return { done: false, value };
      this.#close();
      return { done: true, value: undefined };
    } catch (error) {
      this.#close();
      throw this.#connection.signal.aborted ? this.#connection.signal.reason : explained(error, this.#host);
    } finally {
      clearTimeout(timer);
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#closed) {
      this.#close();
      // Cancelling the reader first keeps the abort from surfacing as a rejection that nobody awaits.
      this.#reader?.cancel().catch(() => {});
      this.#connection.abort(new DOMException("The response was abandoned", "AbortError"));
    }
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<Uint8Array>> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(): void {
    this.#closed = true;
    this.#release();
  }
}

async function readText(body: AsyncGenerator<Uint8Array>, limitBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let left = limitBytes;
  for await (const chunk of body) {
    parts.push(decoder.decode(chunk.subarray(0, left), { stream: true }));
    left -= chunk.length;
    if (left <= 0) break;
  }
  parts.push(decoder.decode());
  return parts.join("");
}

/** The addresses of a host's name, the system's favourite first. @throws HttpError; the signal's reason. */
export async function resolveHost(name: string, signal: AbortSignal): Promise<string[]> {
  const { lookup } = await import("node:dns/promises");
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  signal.throwIfAborted();
  try {
    return (await Promise.race([lookup(name, { all: true }), aborted])).map(({ address }) => address);
  } catch (error) {
    throw signal.aborted ? signal.reason : explained(error, name);
  }
}

function withHost(url: string, address: string): string {
  const result = new URL(url);
  result.hostname = address.includes(":") ? `[${address}]` : address;
  return result.href;
}

/** The certificate must still be the name's. A connection is not shared: another name may lie at the same address. */
function pinned(url: string): { keepalive: false; tls: { serverName: string } } {
  return { keepalive: false, tls: { serverName: new URL(url).hostname } };
}

function hostOf(url: string): string {
  if (!URL.canParse(url)) throw new HttpError("network", "the address is not a valid URL");
  const { protocol, host } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") {
    throw new HttpError("network", `the address is not http or https but ${protocol.slice(0, -1)}`);
  }
  return host;
}

function lowerCased(headers: Record<string, string> = {}): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    // A key that was saved with its line end; the runtime's own message would print it.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new HttpError("network", `the header ${name} holds a character that HTTP does not allow`);
    }
    result[name.toLowerCase()] = value;
  }
  return result;
}

/** The runtime's own messages hold the whole address; ours are built from the host and the code. */
function explained(error: unknown, host: string): unknown {
  if (error instanceof HttpError || !(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return new HttpError(code.includes("TIMEDOUT") ? "timeout" : "network", `${happened(code, host)} (${code})`);
}

function happened(code: string, host: string): string {
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") return `${host} refused the connection`;
  if (/ENOTFOUND|EAI_|DNS/.test(code)) return `the name of ${host} could not be resolved`;
  if (/EPROTO|CERT|SELF_SIGNED|TLS|SSL|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_BORINGSSL/i.test(code)) {
    return `no trusted connection to ${host}: its certificate or TLS was not accepted`;
  }
  if (/ECONNRESET|EPIPE|ConnectionClosed/.test(code)) return `${host} closed the connection before the answer ended`;
  if (/ENETUNREACH|EHOSTUNREACH|ENETDOWN/.test(code)) return `${host} cannot be reached from this network`;
  if (code.includes("TIMEDOUT")) return `the connection to ${host} timed out`;
  if (code.includes("Zlib")) return `${host} sent a body that cannot be decompressed`;
  if (/Proxy/i.test(code)) return `the proxy did not let us through to ${host}`;
  return `the connection to ${host} failed`;
}
