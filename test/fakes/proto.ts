/** Just enough of protocol buffers (proto3 and its JSON form) to hold requests against Google's own description. */

interface Field {
  type: string;
  repeated: boolean;
  required: boolean;
  /** Fields of one group exclude one another. */
  group?: string;
}
interface Message {
  /** By their names in JSON. */
  fields: Map<string, Field>;
  parent: string;
}
export interface Proto {
  /** By full name within the package: `Part`, `GenerationConfig.ResponseFormat`. */
  messages: Map<string, Message>;
  enums: Map<string, Set<string>>;
}

/** Reads `.proto` files of one package. */
export function parseProto(sources: readonly string[]): Proto {
  const proto: Proto = { messages: new Map(), enums: new Map() };
  for (const source of sources) readBlock(proto, source.replace(/\/\/.*$/gm, ""), "");
  return proto;
}

/** Declarations of a file or of a message's body. */
function readBlock(proto: Proto, text: string, parent: string, group?: string): void {
  const declaration =
    /\b(message|enum|oneof|service|extend)\s+(\w+)\s*\{|^\s*(?:(repeated|optional)\s+)?(map\s*<[^>]*>|[\w.]+)\s+(\w+)\s*=\s*\d+\s*(\[[^\]]*\])?\s*;/gm;
  for (let match = declaration.exec(text); match; match = declaration.exec(text)) {
    const [whole, kind, name, label, type, field, options] = match;
    if (kind) {
      const end = endOfBlock(text, match.index + whole.length);
      const body = text.slice(match.index + whole.length, end - 1);
      const full = parent ? `${parent}.${name}` : name!;
      if (kind === "enum")
        proto.enums.set(full, new Set([...body.matchAll(/^\s*(\w+)\s*=/gm)].map(([, each]) => each!)));
      else if (kind === "oneof") readBlock(proto, body, parent, name);
      else if (kind === "message") {
        proto.messages.set(full, { fields: new Map(), parent });
        readBlock(proto, body, full);
      }
      declaration.lastIndex = end;
    } else if (parent && type !== "option" && type !== "reserved") {
      proto.messages.get(parent)!.fields.set(camelCase(field!), {
        type: type!,
        repeated: label === "repeated",
        required: /field_behavior\)\s*=\s*REQUIRED/.test(options ?? ""),
        ...(group ? { group } : {}),
      });
    }
  }
}

/** Behind the brace that closes the block whose inside begins at `at`. */
function endOfBlock(text: string, at: number): number {
  for (let depth = 1; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at + 1;
  }
  throw new Error("a block is not closed");
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The first place where JSON does not fit a message, or undefined. `without`: required fields that stand in the path. */
export function protoFault(
  value: unknown,
  name: string,
  proto: Proto,
  without: readonly string[] = [],
  at = "$",
): string | undefined {
  const message = proto.messages.get(name);
  if (!message) throw new Error(`there is no message ${name}`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return `${at}: not an object`;
  const groups = new Set<string>();
  for (const [key, each] of Object.entries(value)) {
    const field = message.fields.get(key);
    if (!field) return `${at}.${key}: unknown`;
    if (field.group && groups.has(field.group)) return `${at}.${key}: more than one of ${field.group}`;
    if (field.group) groups.add(field.group);
    if (field.repeated && !Array.isArray(each)) return `${at}.${key}: not a list`;
    for (const [index, one] of (field.repeated ? (each as unknown[]) : [each]).entries()) {
      const fault = fieldFault(one, field.type, name, proto, `${at}.${key}${field.repeated ? `.${index}` : ""}`);
      if (fault) return fault;
    }
  }
  const given = new Set([...Object.keys(value), ...without]);
  for (const [key, { required }] of message.fields) if (required && !given.has(key)) return `${at}: ${key} is missing`;
  return undefined;
}

function fieldFault(value: unknown, type: string, scope: string, proto: Proto, at: string): string | undefined {
  const isNumber = typeof value === "number" && Number.isFinite(value);
  switch (type) {
    case "string":
      return typeof value === "string" ? undefined : `${at}: not a string`;
    case "bytes":
      return typeof value === "string" && /^[\w+/-]*={0,2}$/.test(value) ? undefined : `${at}: not base64`;
    case "bool":
      return typeof value === "boolean" ? undefined : `${at}: not a boolean`;
    case "float":
    case "double":
      return isNumber ? undefined : `${at}: not a number`;
    case "int32":
    case "int64":
      return Number.isInteger(value) ? undefined : `${at}: not an integer`;
    case "google.protobuf.Value":
      return undefined;
    case "google.protobuf.Struct":
      return typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : `${at}: not an object`;
  }
  const full = lookUp(type, scope, proto);
  const values = proto.enums.get(full);
  if (!values) return protoFault(value, full, proto, [], at);
  return values.has(String(value)) ? undefined : `${at}: ${value} is not one of ${[...values].join(", ")}`;
}

/** A name as it is meant within a message: its own, its parents', the package's. */
function lookUp(type: string, scope: string, proto: Proto): string {
  for (let at = scope; ; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const full = at ? `${at}.${type}` : type;
    if (proto.messages.has(full) || proto.enums.has(full)) return full;
    if (!at) throw new Error(`${type} is not known`);
  }
}
