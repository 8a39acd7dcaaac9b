import pg from "pg";
import { paced } from "../kernel/paced.ts";
import { localWakeUps } from "./local-wake-ups.ts";
import type { WakeUps } from "./engine-services.ts";

const POSTGRES_CHANNEL = "headgate_wake_up";
/** Many calls share one NOTIFY, which takes a lock across the whole server. */
const PACE = { waitMillis: 5, gapMillis: 25 };
const RECONNECT_MILLIS = 1_000;

/**
 * Wake-ups through LISTEN and NOTIFY. They may be lost (a broken connection): whoever listens also polls.
 * The listening connection is made with the first listener; while it is broken it is retried every second.
 */
export function postgresWakeUps(
  pool: pg.Pool,
  options: pg.ClientConfig,
): { readonly wakeUps: WakeUps; readonly close: () => Promise<void> } {
  const local = localWakeUps();
  const channels = new Set<string>();
  const due = new Set<string>();
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  async function notify(): Promise<void> {
    const payloads = [...due];
    due.clear();
    // A lost wake-up is only late: the poll finds the work.
    await pool
      .query("select pg_notify($1, payload) from unnest($2::text[]) as payload", [POSTGRES_CHANNEL, payloads])
      .catch(() => undefined);
  }

  const notifySoon = paced(() => void notify(), PACE);

  async function connect(): Promise<void> {
    if (closed) return;
    const mine = new pg.Client(options);
    client = mine;
    const lost = (): void => {
      if (client !== mine || closed) return;
      client = null;
      timer = setTimeout(() => void connect(), RECONNECT_MILLIS);
      void mine.end().catch(() => undefined);
    };
    mine.on("error", lost).on("end", lost);
    mine.on("notification", ({ payload }) => local.send(payload ?? ""));
    try {
      await mine.connect();
      await mine.query(`listen ${POSTGRES_CHANNEL}`);
      // Whatever was sent while nobody listened.
      for (const channel of channels) local.send(channel);
    } catch {
      lost();
    }
  }

  const wakeUps: WakeUps = {
    send: (channel) => {
      if (closed) return;
      due.add(channel);
      notifySoon();
    },
    listen: (channel, wake) => {
      const first = channels.size === 0;
      channels.add(channel);
      if (first) void connect();
      return local.listen(channel, wake);
    },
  };
  const close = async (): Promise<void> => {
    closed = true;
    if (timer) clearTimeout(timer);
    if (due.size > 0) await notify();
    await client?.end().catch(() => undefined);
  };
  return { wakeUps, close };
}
