/** How long a transaction may live; on the embedded database it keeps all other writers waiting. */
export const LIMIT_MILLIS = 5_000;
