import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate, type TestCertificate } from "../test/support/certificates.ts";
import { type BuiltServer, startBuiltServer } from "./support/built-server.ts";
import type { Usage } from "./support/commands.ts";
import { connectRegistry } from "./support/deliver.ts";
import { type ImageSet, pushTenImages } from "./support/image-set.ts";
import { type BenchRegistry, startRegistry } from "./support/registries.ts";

export interface CopyOptions {
  readonly runs: number;
  /** Rounds before those that count. */
  readonly warmUps: number;
  /** 1: layers as large as in the published figures; 0.1: a tenth of that. */
  readonly scale: number;
  /** Leave the folder there at the end. */
  readonly keep: boolean;
  readonly nodeFlags: readonly string[];
}

/** Images in a registry. */
export interface Cargo {
  readonly set: ImageSet;
  readonly source: BenchRegistry;
}

/** The ten images, and the id of the connection through which the server of the stage reaches their registry. */
export interface ConnectedCargo extends Cargo {
  readonly connection: string;
}

/** Where the scenarios play: one server for all of them, and a folder on one disk for everything. */
export interface CopyStage {
  readonly options: CopyOptions;
  readonly server: BuiltServer;
  /** Of every registry that speaks https. */
  readonly certificate: TestCertificate;
  /** Starts another server, with data of its own. */
  startServer(): Promise<BuiltServer>;
  /** A folder that was not there before. */
  freshFolder(name: string): Promise<string>;
  /** The ten images in a registry that speaks http; pushed once for all scenarios. */
  tenImages(): Promise<ConnectedCargo>;
  close(): Promise<void>;
}

/** Starts the server in a new temporary folder. The folder goes with the process, however that ends. */
export async function openStage(options: CopyOptions): Promise<CopyStage> {
  const folder = await mkdtemp(join(tmpdir(), "headgate-bench-"));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  if (!options.keep) process.once("exit", removeFolder);
  const freshFolder = (name: string): Promise<string> => mkdtemp(join(folder, `${name}-`));
  const startServer = async (): Promise<BuiltServer> =>
    startBuiltServer({ folder: await freshFolder("headgate"), nodeFlags: options.nodeFlags });
  const server = await startServer();
  let cargo: Promise<ConnectedCargo> | null = null;
  return {
    options,
    server,
    certificate: makeCertificate("localhost"),
    startServer,
    freshFolder,
    tenImages: () => (cargo ??= pushCargo(server, freshFolder, options.scale)),
    close: async () => {
      await server.stop();
      await (await cargo)?.source.stop();
      if (options.keep) console.log(`\nEverything is kept in ${folder}`);
    },
  };
}

async function pushCargo(
  server: BuiltServer,
  freshFolder: CopyStage["freshFolder"],
  scale: number,
): Promise<ConnectedCargo> {
  const source = await startRegistry(join(await freshFolder("source"), "files"));
  const set = await pushTenImages(source.host, scale);
  return { set, source, connection: await connectRegistry(server, source) };
}

/** Gives the work an empty registry and an empty folder to live in, and removes both after it. */
export async function withEmptyRegistry<Result>(
  stage: CopyStage,
  certificate: TestCertificate | undefined,
  work: (registry: BenchRegistry, home: string) => Promise<Result>,
): Promise<Result> {
  const folder = await stage.freshFolder("registry");
  const registry = await startRegistry(join(folder, "files"), certificate);
  try {
    const home = join(folder, "home");
    await mkdir(home);
    return await work(registry, home);
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

/** Lets the contenders take turns: A B C, A B C. What was written before lies on the disk when one begins. */
export async function takeTurns(
  { runs, warmUps }: CopyOptions,
  contenders: readonly Contender[],
): Promise<Usages> {
  const usages = new Map<string, Usage[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1 - warmUps; round <= runs; round += 1) {
    for (const { name, run } of contenders) {
      execFileSync("sync");
      const usage = await run();
      if (round >= 1) usages.get(name)?.push(usage);
      const title = round < 1 ? "warm-up" : `round ${round}`;
      process.stderr.write(`  ${title}, ${name}: ${inWords(usage)}\n`);
    }
  }
  return usages;
}

const inWords = ({ wallSeconds, cpuSeconds }: Usage): string =>
  `${wallSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU`;
