import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate, type TestCertificate } from "../test/support/certificates.ts";
import { type BuiltServer, startBuiltServer } from "./support/built-server.ts";
import type { Usage } from "./support/commands.ts";
import { type BenchRegistry, startRegistry } from "./support/registries.ts";

export interface CopyOptions {
  readonly runs: number;
  /** Rounds before those that count. */
  readonly warmUps: number;
  /** 1: layers as large as in the published figures. */
  readonly scale: number;
  /** Leave the folder there at the end. */
  readonly keep: boolean;
  readonly nodeFlags: readonly string[];
}

/** Where the scenarios play: one server for all of them, and a folder on one disk for everything. */
export interface CopyStage {
  readonly options: CopyOptions;
  readonly server: BuiltServer;
  readonly folder: string;
  /** Of every registry that speaks https. */
  readonly certificate: TestCertificate;
  /** A folder of this name that was not there before. */
  freshFolder(name: string): Promise<string>;
  close(): Promise<void>;
}

export async function openStage(options: CopyOptions): Promise<CopyStage> {
  const folder = await mkdtemp(join(tmpdir(), "headgate-bench-"));
  const { nodeFlags } = options;
  const server = await startBuiltServer({ folder: join(folder, "headgate"), nodeFlags });
  return {
    options,
    server,
    folder,
    certificate: makeCertificate("localhost"),
    freshFolder: (name) => mkdtemp(join(folder, `${name}-`)),
    close: async () => {
      await server.stop();
      if (options.keep) console.log(`\nEverything is kept in ${folder}`);
      else await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Gives the work an empty registry, and removes registry and files after it. */
export async function withEmptyRegistry<Result>(
  stage: CopyStage,
  certificate: TestCertificate | undefined,
  work: (registry: BenchRegistry) => Promise<Result>,
): Promise<Result> {
  const folder = await stage.freshFolder("registry");
  const registry = await startRegistry(join(folder, "files"), certificate);
  try {
    return await work(registry);
  } finally {
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Who takes part in a scenario, and what it does in a round. */
export interface Contender {
  readonly name: string;
  readonly run: () => Promise<Usage>;
}

/** What each contender used in each round that counts. */
export type Usages = ReadonlyMap<string, readonly Usage[]>;

/** Lets the contenders take turns, A B C A B C, after rounds that do not count. What is written lies on the disk first. */
export async function takeTurns(stage: CopyStage, contenders: readonly Contender[]): Promise<Usages> {
  const { runs, warmUps } = stage.options;
  const usages = new Map<string, Usage[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < runs; round += 1) {
    for (const { name, run } of contenders) {
      execFileSync("sync");
      const usage = await run();
      if (round >= 0) usages.get(name)?.push(usage);
      process.stderr.write(`  ${round < 0 ? "warm-up" : `round ${round + 1}`}: ${name}: ${inWords(usage)}\n`);
    }
  }
  return usages;
}

const inWords = (usage: object): string =>
  Object.entries(usage)
    .map(([name, value]) => `${name} ${Number(value).toFixed(3)}`)
    .join(", ");
