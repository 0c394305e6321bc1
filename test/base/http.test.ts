import { afterEach, describe, expect, test } from "bun:test";
import type { Socket, TCPSocketListener } from "bun";
import { HttpError, type HttpRequest, type HttpResponse, send } from "../../src/base/http.ts";

const open: TCPSocketListener[] = [];
afterEach(() => {
  for (const listener of open.splice(0)) listener.stop(true);
});

interface Raw {
  url: string;
  /** Resolves when the first connection is closed. */
  closed: Promise<void>;
  requests: string[];
  connections: number;
}

/** A server that answers each piece of a request with exactly these bytes. */
function raw(answer: (socket: Socket) => void): Raw {
  const closed = Promise.withResolvers<void>();
  const seen = { requests: [] as string[], connections: 0 };
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open() {
        seen.connections++;
      },
      data(socket, data) {
        seen.requests.push(data.toString());
        answer(socket);
      },
      close() {
        closed.resolve();
      },
      error() {},
    },
  });
  open.push(listener);
  return Object.assign(seen, {
    url: `http://127.0.0.1:${listener.port}/path?key=secret-in-query`,
    closed: closed.promise,
  });
}

const ok = "HTTP/1.1 200 OK\r\n";
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`;
const never = new AbortController().signal;

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable("it should have failed"),
    (error: unknown) => error,
  );
}

async function textOf(request: HttpRequest): Promise<string> {
  return (await send(request, never)).text();
}

async function readAll(response: HttpResponse): Promise<void> {
  for await (const _ of response.body);
}

describe("a request", () => {
  test("reaches the server with method, headers and body, and its answer comes back", async () => {
    const server = raw((socket) => socket.write(`HTTP/1.1 201 Created\r\nx-a: b\r\ncontent-length: 2\r\n\r\nhi`));
    const response = await send({ url: server.url, headers: { "X-Api-Key": "k" }, body: "{}" }, never);
    expect(response.status).toBe(201);
    expect(response.headers.get("x-a")).toBe("b");
    expect(await response.text()).toBe("hi");
    expect(server.requests[0]).toStartWith("POST /path?key=secret-in-query HTTP/1.1\r\n");
    expect(server.requests[0]).toContain("x-api-key: k\r\n");
    expect(server.requests[0]?.toLowerCase()).toContain("accept-encoding: identity\r\n");
    expect(server.requests[0]).toEndWith("\r\n\r\n{}");
  });

  test("without a body is a GET", async () => {
    const server = raw((socket) => socket.write(`${ok}content-length: 0\r\n\r\n`));
    expect(await textOf({ url: server.url })).toBe("");
    expect(server.requests[0]).toStartWith("GET ");
  });

  test("does not follow a redirect", async () => {
    const server = raw((socket) => socket.write("HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n"));
    const response = await send({ url: server.url }, never);
    await response.text();
    expect(response.status).toBe(302);
    expect(server.requests).toHaveLength(1);
  });

  test("uses one connection for fifty calls in a row", async () => {
    const server = raw((socket) => socket.write(`${ok}content-length: 2\r\n\r\nok`));
    for (let i = 0; i < 50; i++) expect(await textOf({ url: server.url, body: "x" })).toBe("ok");
    expect(server.connections).toBe(1);
  });

  test("is not sent twice when the server hangs up", async () => {
    const server = raw((socket) => socket.end());
    await failure(textOf({ url: server.url, body: "x" }));
    expect(server.connections).toBe(1);
  });
});

describe("a body that is cut", () => {
  const cuts: Record<string, (socket: Socket) => void> = {
    "with a content length": (socket) => {
      socket.write(`${ok}content-length: 100\r\n\r\nhello`);
      socket.end();
    },
    "between two chunks": (socket) => {
      socket.write(chunked);
      socket.end();
    },
    "inside a chunk": (socket) => {
      socket.write(`${chunked}50\r\nhal`);
      socket.end();
    },
    "by a reset": (socket) => {
      socket.write(chunked);
      socket.flush();
      socket.terminate();
    },
  };
  for (const [how, answer] of Object.entries(cuts)) {
    test(`${how} is an error, never a short answer`, async () => {
      const server = raw(answer);
      const error = await failure(send({ url: server.url, body: "x" }, never).then(readAll));
      expect(error).toBeInstanceOf(HttpError);
      expect((error as HttpError).kind).toBe("network");
    });
  }
});

describe("what goes wrong before the answer", () => {
  test("a refused connection is named, without the query", async () => {
    const error = (await failure(textOf({ url: "http://127.0.0.1:1/p?key=secret-in-query" }))) as HttpError;
    expect(error.message).toBe("127.0.0.1:1 refused the connection (ECONNREFUSED)");
    expect(error.kind).toBe("network");
  });

  test("a server that hangs up before the headers is named", async () => {
    const error = (await failure(textOf({ url: raw((socket) => socket.end()).url }))) as HttpError;
    expect(error.message).toContain("closed the connection");
    expect(error.message).not.toContain("secret");
  });

  test("plain text where TLS was expected is named", async () => {
    const url = raw((socket) => socket.end("nonsense")).url.replace("http:", "https:");
    const error = (await failure(textOf({ url }))) as HttpError;
    expect(error.kind).toBe("network");
    expect(error.message).not.toContain("secret");
  });

  test("addresses that are none are refused", async () => {
    expect(await failure(textOf({ url: "not a url?key=1" }))).toEqual(
      new HttpError("network", "the address is not a valid URL"),
    );
    expect(((await failure(textOf({ url: "file:///etc/passwd" }))) as Error).message).toContain("not http or https");
  });

  test("a header with a line end is refused by name, without its value", async () => {
    const error = (await failure(
      textOf({ url: raw(() => {}).url, headers: { "x-api-key": "s3cret\n" } }),
    )) as HttpError;
    expect(error.message).toBe("the header x-api-key holds a character that HTTP does not allow");
  });

  test("no headers within the time limit is a timeout", async () => {
    const server = raw(() => {});
    const error = (await failure(textOf({ url: server.url, connectTimeoutMs: 20 }))) as HttpError;
    expect(error.kind).toBe("timeout");
    expect(error.message).toContain("did not answer within 0.02 s");
    await server.closed;
  });
});

test("a body that falls silent is a timeout", async () => {
  const server = raw((socket) => socket.write(chunked));
  const response = await send({ url: server.url, idleTimeoutMs: 20 }, never);
  const error = (await failure(readAll(response))) as HttpError;
  expect(error.kind).toBe("timeout");
  expect(error.message).toContain("sent nothing for 0.02 s");
  await server.closed;
});

describe("an abort", () => {
  test("before the call rejects with the reason and sends nothing", async () => {
    const server = raw(() => {});
    const reason = new Error("not now");
    expect(await failure(send({ url: server.url }, AbortSignal.abort(reason)))).toBe(reason);
    expect(server.requests).toEqual([]);
  });

  test("before the headers rejects with the reason and closes the connection", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const server = raw(() => controller.abort(reason));
    expect(await failure(send({ url: server.url }, controller.signal))).toBe(reason);
    await server.closed;
  });

  test("within the body rejects with the reason and closes the connection", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const server = raw((socket) => socket.write(chunked));
    const response = await send({ url: server.url }, controller.signal);
    await response.body.next();
    const waiting = failure(readAll(response));
    controller.abort(reason);
    expect(await waiting).toBe(reason);
    await server.closed;
  });

  test("between two reads is told to the next one", async () => {
    const controller = new AbortController();
    const server = raw((socket) => socket.write(chunked));
    const response = await send({ url: server.url }, controller.signal);
    controller.abort("enough");
    expect(await failure(readAll(response))).toBe("enough");
    await server.closed;
  });
});

describe("an abandoned body", () => {
  test("closes the connection when the loop is left", async () => {
    const server = raw((socket) => socket.write(chunked));
    const response = await send({ url: server.url }, never);
    for await (const chunk of response.body) {
      expect(Buffer.from(chunk).toString()).toBe("hello");
      break;
    }
    await server.closed;
    expect(await response.body.next()).toEqual({ done: true, value: undefined });
  });

  test("closes the connection when it was never read", async () => {
    const server = raw((socket) => socket.write(chunked));
    const response = await send({ url: server.url }, never);
    await response.body.return(undefined);
    await server.closed;
  });

  test("closes the connection when its text is longer than the limit", async () => {
    const server = raw((socket) => socket.write(chunked));
    const response = await send({ url: server.url }, never);
    expect(await response.text(3)).toBe("hel");
    await server.closed;
  });
});
