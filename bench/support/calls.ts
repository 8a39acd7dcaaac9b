import type { Figure } from "./report.ts";
import { ratiosOf } from "./statistics.ts";

/** One GET, and what it must answer. */
export interface Call {
  readonly name: string;
  readonly path: string;
  /** The call that it is compared with; null: it is only a peer. */
  readonly peer: string | null;
  /** Promised at most, as a multiple of the peer. */
  readonly atMost: number | null;
  /** How many rows or cells it answers, where calls are compared by what one costs. */
  readonly parts?: number;
  /** The whole answer must agree with this. */
  readonly check: (answer: unknown, headers: Headers) => void;
}

/** Where a server listens, and who asks. */
export interface Door {
  readonly url: string;
  readonly token: string;
}

/** Milliseconds (of one part, where calls have parts) by the name of the call, and the ratios. */
export interface CallTimes {
  readonly samples: Readonly<Record<string, { readonly milliseconds: readonly number[] }>>;
  readonly figures: readonly Figure[];
}

/** Makes every call once a round, each round in another order. */
export async function measureCalls(server: Door, calls: readonly Call[], rounds: number): Promise<CallTimes> {
  const times = new Map<string, number[]>(calls.map(({ name }) => [name, []]));
  const warmUps = Math.ceil(rounds / 10);
  for (let round = -warmUps; round < rounds; round += 1) {
    const first = (round + warmUps) % calls.length;
    for (const call of [...calls.slice(first), ...calls.slice(0, first)]) {
      const milliseconds = await timeOf(server, call);
      if (round >= 0) times.get(call.name)?.push(milliseconds / (call.parts ?? 1));
    }
  }
  const figures = calls.flatMap(({ name, peer, atMost }): Figure[] =>
    peer === null
      ? []
      : [
          {
            name: `${name} / ${peer}`,
            value: ratiosOf(times.get(name) ?? [], times.get(peer) ?? []),
            unit: "x",
            target: atMost === null ? null : { atMost },
          },
        ],
  );
  const samples = [...times].map(([name, milliseconds]) => [name, { milliseconds }] as const);
  return { samples: Object.fromEntries(samples), figures };
}

async function timeOf(server: Door, call: Call): Promise<number> {
  const headers = { authorization: `Bearer ${server.token}` };
  const startedAt = performance.now();
  const answer = await fetch(`${server.url}${call.path}`, { headers });
  const body = await answer.text();
  const milliseconds = performance.now() - startedAt;
  if (answer.status !== 200) throw new Error(`${call.name}: ${answer.status} ${body}`);
  call.check(JSON.parse(body), answer.headers);
  return milliseconds;
}

/** Throws when the server's word is not the database's. */
export function mustBe(name: string, told: string | number, expected: string | number): void {
  if (told !== expected) throw new Error(`${name}: the server says ${told}, the database ${expected}`);
}
