const BETWEEN_MILLIS = 1_000;

/** Writes the latest of many values now and then. */
export interface ProgressWriter {
  put(value: unknown): void;
  /** Writes what is left; later values are dropped. */
  close(): Promise<void>;
}

/** Hands JSON to `write` at most once a second; the last value wins. `onError` hears of a write that failed. */
export function progressWriter(
  write: (json: string) => Promise<void>,
  onError: (error: unknown) => void,
): ProgressWriter {
  let closed = false;
  let latest: string | null = null;
  let writtenAt = -Infinity;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    timer = null;
    await writing;
    const json = latest;
    if (json === null) return;
    latest = null;
    writtenAt = performance.now();
    writing = write(json).catch(onError);
    await writing;
  }

  return {
    put: (value) => {
      if (closed) return;
      latest = JSON.stringify(value ?? null);
      timer ??= setTimeout(() => void flush(), Math.max(0, writtenAt + BETWEEN_MILLIS - performance.now()));
    },
    close: async () => {
      closed = true;
      if (timer) clearTimeout(timer);
      await flush();
    },
  };
}
