const MAX_WORDS = 300;

/** One line without secrets, at most 300 characters. Secrets go before the cut, or half of one might stay. */
export function printable(text: string, secrets: readonly string[]): string {
  const clean = secrets
    .filter(Boolean)
    .reduce((rest, secret) => rest.replaceAll(secret, "***"), text)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
  return clean.length > MAX_WORDS ? `${clean.slice(0, MAX_WORDS - 1)}…` : clean;
}
