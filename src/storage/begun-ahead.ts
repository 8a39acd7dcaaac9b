/** Sends a statement and gives its answer. */
export type Send<Answer> = (sql: string, parameters: readonly unknown[]) => Promise<Answer>;

const BEGIN = "begin";
const READ = "select ";

/**
 * Lets what begins a transaction travel with its first reads instead of before them; its answer is theirs to wait for, and so
 * is its failure. Writes wait until it has begun: should it not, they would happen outside of a transaction.
 */
export function begunAhead<Answer>(send: Send<Answer>, nothing: Answer): Send<Answer> {
  let begun: Promise<Answer> | null = null;
  let onlyReads = true;
  return async (sql, parameters) => {
    if (sql.startsWith(BEGIN)) {
      begun = send(sql, parameters);
      onlyReads = true;
      begun.catch(() => undefined);
      return nothing;
    }
    if (!begun) return await send(sql, parameters);
    // A read that comes behind a write waits with it.
    onlyReads &&= sql.startsWith(READ);
    if (!onlyReads) await begun;
    const [answer] = await Promise.all([send(sql, parameters), begun]);
    begun = null;
    return answer;
  };
}
