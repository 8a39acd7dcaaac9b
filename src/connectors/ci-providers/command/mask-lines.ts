import { MASK, redactText } from "../../../kernel/redaction.ts";

const LINE_LIMIT = 64 * 1024;
/** More than the longest thing that `redactText` looks for: what is cut off with a line may hold the rest of a secret. */
const CUT_OFF = 4096;
/** A shorter one would mask half the log, and is no secret. */
const MIN_SECRET = 4;

/** Takes text in pieces of any size, and hands it on in whole lines without secrets. */
export interface LineMask {
  push(text: string): void;
  /** Hands on the last line, when it has no end. */
  end(): void;
}

/**
 * Masks these secrets, and what `redactText` finds. A line longer than 64 Ki characters loses its end, for a secret could
 * hide in the cut.
 */
export function maskLines(secrets: readonly string[], write: (line: string) => void): LineMask {
  const hidden = piecesOf(secrets);
  const mask = (line: string): string =>
    redactText(hidden.reduce((text, secret) => text.replaceAll(secret, MASK), line));
  const cutOff = Math.max(CUT_OFF, ...hidden.map(({ length }) => length));
  let line = "";
  let left = 0;

  const take = (part: string): void => {
    if (left > 0) {
      left += part.length;
      return;
    }
    line += part;
    if (line.length <= LINE_LIMIT + cutOff) return;
    left = line.length - LINE_LIMIT;
    line = mask(line).slice(0, -left);
  };
  const flush = (): void => {
    write(left > 0 ? `${line} [${left} characters of this line were left out]\n` : `${mask(line)}\n`);
    line = "";
    left = 0;
  };

  return {
    push(text) {
      const parts = text.split("\n");
      const last = parts.pop() ?? "";
      for (const part of parts) {
        take(part);
        flush();
      }
      take(last);
    },
    end() {
      if (line !== "") flush();
    },
  };
}

/** The log is read line by line, so the lines of a secret are looked for one by one; longer ones first. */
const piecesOf = (secrets: readonly string[]): readonly string[] =>
  [...new Set(secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]))]
    .filter((piece) => piece.length >= MIN_SECRET)
    .toSorted((a, b) => b.length - a.length);
