const ATTEMPTS = 3;
/** Serialization failure and deadlock: PostgreSQL has undone everything, and asks to try again. */
const RETRYABLE = new Set(["40001", "40P01"]);

/** Runs a whole transaction again when PostgreSQL ended it for a deadlock; three times at most. */
export async function retryAfterDeadlock<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

const isRetryable = (error: unknown): boolean =>
  error instanceof Error && "code" in error && typeof error.code === "string" && RETRYABLE.has(error.code);
