/** The beginning of an HTTP/1.1 answer. Names of headers are in lower case. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** How many bytes the body has; null when the answer does not say it plainly. */
  readonly length: number | null;
  /** Whether the connection may serve another request when the body has passed. */
  readonly keepAlive: boolean;
}

/** What stands before the body, and where the body begins. */
export interface ParsedHead {
  readonly head: ResponseHead;
  readonly bodyAt: number;
}

/** In the form in which the HTTP library says it, so that both are put in the same words. */
const malformed = (code: string): Error =>
  Object.assign(new Error("the answer cannot be read"), { name: "HTTPParserError", code });

/** No registry needs more. */
const MAX_HEAD_BYTES = 32 * 1024;
const END = Buffer.from("\r\n\r\n");
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: |$)/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/** Statuses whose answers never have a body (RFC 9112, section 6.3). */
const isBodiless = (status: number): boolean => status === 204 || status === 304;

/**
 * Reads the head of an answer, past any 1xx. Null when more bytes are needed. Throws what is not HTTP/1.1, folded
 * headers, and lengths that contradict one another: a reader that guesses would take one answer for another.
 */
export function parseHead(bytes: Buffer): ParsedHead | null {
  let from = 0;
  for (;;) {
    const end = bytes.indexOf(END, from);
    // The limit is one for all of them: a peer could send 1xx without end.
    if ((end === -1 ? bytes.length : end) > MAX_HEAD_BYTES) throw malformed("UND_ERR_HEADERS_OVERFLOW");
    if (end === -1) return null;
    const head = readHead(bytes.toString("latin1", from, end));
    from = end + END.length;
    if (head.status >= 200) return { head, bodyAt: from };
  }
}

function readHead(text: string): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, digits] = STATUS_LINE.exec(first) ?? [];
  if (digits === undefined) throw malformed("HPE_INVALID");
  const status = Number(digits);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed("HPE_INVALID");
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  const connection = (headers.get("connection") ?? "").toLowerCase();
  const keepAlive = minor === "1" && !connection.split(/\s*,\s*/).includes("close");
  return { status, headers, length: isBodiless(status) ? 0 : lengthOf(headers), keepAlive };
}

/** A coded body has no length that we know; a length said twice must be the same. */
function lengthOf(headers: ReadonlyMap<string, string>): number | null {
  const said = headers.get("content-length");
  if (headers.has("transfer-encoding") || said === undefined) return null;
  const [first = "", ...others] = said.split(/\s*,\s*/);
  if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first)) throw malformed("HPE_INVALID");
  return Number(first);
}
