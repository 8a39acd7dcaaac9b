/** One way to authenticate that a WWW-Authenticate header offers (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly params: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const SEPARATORS = /[\s,]*/y;
const PARAM = new RegExp(`(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))(?=[\\s,]|$)`, "y");
const SCHEME = new RegExp(`(${TOKEN})(?:\\s+|,|$)`, "y");
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[\s,]|$)/y;

/** Reads every challenge of the header, quoted strings and several challenges included; stops at what it cannot read. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; params: Record<string, string> }[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found) at = pattern.lastIndex;
    return found;
  };
  while (at < header.length) {
    match(SEPARATORS);
    const current = challenges.at(-1);
    const param = current ? match(PARAM) : null;
    if (current && param?.[1]) {
      current.params[param[1].toLowerCase()] = param[3] ?? (param[2] ?? "").replaceAll(/\\(.)/g, "$1");
      continue;
    }
    const scheme = match(SCHEME)?.[1];
    if (scheme) challenges.push({ scheme: scheme.toLowerCase(), params: {} });
    else if (!current || !match(TOKEN68)) break;
  }
  return challenges;
}
