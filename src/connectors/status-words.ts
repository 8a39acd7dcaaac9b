// An `import` of node:http would load all of Node's own WebSocket and fetch with it: 40 ms and 4 MB at the start.
const { STATUS_CODES } = process.getBuiltinModule("node:http");

/** A status as people know it: `HTTP 502 Bad Gateway`. */
export const statusWords = (status: number): string => `HTTP ${status} ${STATUS_CODES[status] ?? ""}`.trim();
