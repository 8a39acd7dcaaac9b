import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { markedAmong } from "../releases/bad-mark-store.ts";
import { chooseRollbackTarget } from "./choose-rollback-target.ts";
import type { Deployable } from "./deployable.ts";
import { contentsThatAreThere, deployableOf } from "./deployable-store.ts";
import type { Deployment } from "./deployment.ts";
import { listBefore } from "./deployment-store.ts";
import { versionsHeld } from "./hold-store.ts";

/** How much of the past is looked at, at a time and in all. */
const BLOCK = 200;
const MOST_BLOCKS = 50;

/** Where an environment can go back to, and what it leaves then. */
export interface RollbackTarget {
  readonly deployable: Deployable;
  readonly leaves: Deployment;
}

/** Which past a rollback is asked for. */
export interface RollbackWish {
  /** Null: what the history says. */
  readonly version: string | null;
  /** Versions that were left by a rollback here are passed over. */
  readonly skipRolledBack: boolean;
}

/** Reads the history from its end, block by block, until there is something to go back to. */
export async function findRollbackTarget(
  tx: Context,
  environment: Environment,
  wish: RollbackWish,
): Promise<RollbackTarget | null> {
  const history: Deployment[] = [];
  const usable = new Set<Deployment>();
  for (let blocks = 0, before = environment.lastDeployment + 1; blocks < MOST_BLOCKS; blocks += 1) {
    const block = await listBefore(tx.db, environment.id, before, BLOCK);
    before = block.at(-1)?.environmentNumber ?? 0;
    history.push(...block);
    for (const one of await usableAmong(tx, block, wish)) usable.add(one);
    const choice = chooseRollbackTarget(history, {
      version: wish.version,
      isUsable: (one) => usable.has(one),
    });
    if (choice) return { deployable: await deployableOf(tx.db, choice.target), leaves: choice.leaves };
    if (before <= 1) break;
  }
  return null;
}

/**
 * What is not there any more is no target. Nor is what is marked bad, or was rolled back where that is to be passed over, unless
 * it is asked for by name: then the gate has its say.
 */
async function usableAmong(
  tx: Context,
  block: readonly Deployment[],
  { version, skipRolledBack }: RollbackWish,
): Promise<readonly Deployment[]> {
  const [first] = block;
  if (!first) return [];
  const contents = await contentsThatAreThere(tx.db, block);
  const there = block.filter((one) => one.candidateId !== null || contents.has(one.contentId ?? ""));
  if (version !== null) return there;
  const versions = [...new Set(there.map((one) => one.version))];
  const bad = await markedAmong(tx.db, first.projectId, versions);
  const held = skipRolledBack ? await versionsHeld(tx.db, first.environmentId) : new Set<string>();
  return there.filter((one) => !bad.has(one.version) && !held.has(one.version));
}
