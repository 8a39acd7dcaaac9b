/** A bearer token and how long it is good. */
export interface Token {
  readonly value: string;
  readonly lifetimeSeconds: number;
}

/** Keeps tokens by what they allow until shortly before they end; one request per key at a time. */
export interface TokenCache {
  get(key: string, fetch: () => Promise<Token>): Promise<string>;
  /** Drops this token wherever it is kept: somebody refused it. */
  forget(value: string): void;
  values(): readonly string[];
}

interface Entry {
  readonly token: Promise<Token>;
  value: string | null;
  /** Epoch milliseconds; until the token is there, for ever. */
  freshUntil: number;
}

/** How much of its life a token may be used: the rest is for clocks that differ and requests under way. */
const USABLE_PART = 0.8;
const MAX_ENTRIES = 1000;

export function createTokenCache(now: () => number = Date.now): TokenCache {
  const entries = new Map<string, Entry>();

  function begin(key: string, fetch: () => Promise<Token>): Entry {
    const entry: Entry = { token: fetch(), value: null, freshUntil: Number.POSITIVE_INFINITY };
    entries.delete(key);
    entries.set(key, entry);
    const [oldest] = entries.keys();
    if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  return {
    get: async (key, fetch) => {
      const known = entries.get(key);
      const entry = known && known.freshUntil > now() ? known : begin(key, fetch);
      try {
        const token = await entry.token;
        if (entry.value === null) {
          entry.value = token.value;
          entry.freshUntil = now() + token.lifetimeSeconds * 1000 * USABLE_PART;
        }
        return token.value;
      } catch (error) {
        if (entries.get(key) === entry) entries.delete(key);
        throw error;
      }
    },
    forget: (value) => {
      for (const [key, entry] of entries) if (entry.value === value) entries.delete(key);
    },
    values: () => [...entries.values()].flatMap(({ value }) => value ?? []),
  };
}
