import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod";
import { clientOf, type RegistryClient, RegistryTokens } from "./registry-inside.ts";

/** How the process is started: its first argument, as JSON. */
export const RegistryProcessOptions = z.object({
  database: z.union([
    z.object({ kind: z.literal("embedded"), directory: z.string() }),
    z.object({ kind: z.literal("postgres"), url: z.string() }),
  ]),
  /** Where its files lie. */
  directory: z.string(),
  /** Those of an earlier start on the same data. */
  tokens: RegistryTokens.optional(),
});
export type RegistryProcessOptions = z.output<typeof RegistryProcessOptions>;

const Ready = z.object({ url: z.string(), tokens: RegistryTokens });

/** The registry inside in a process of its own. */
export interface RegistryProcess extends RegistryClient {
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts test/support/registry-worker.ts and waits until it listens. */
export async function startRegistryProcess(options: RegistryProcessOptions): Promise<RegistryProcess> {
  const script = join(import.meta.dirname, "registry-worker.ts");
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    gone.then(() => Promise.reject(new Error("the registry's process ended before it listened"))),
  ])) as [string];
  const { url, tokens } = Ready.parse(JSON.parse(line));
  const client = clientOf(url, tokens);
  return {
    ...client,
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
      await client.close();
    },
  };
}
