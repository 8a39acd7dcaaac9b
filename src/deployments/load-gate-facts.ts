import type { Context } from "../context.ts";
import type { Role } from "../access/role.ts";
import { findEnvironmentById } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import type { Freeze } from "../environments/freeze.ts";
import { listFreezesAbout } from "../environments/freeze-store.ts";
import { findMark } from "../releases/bad-mark-store.ts";
import type { Deployable } from "./deployable.ts";
import type { Deployment, DeploymentKind } from "./deployment.ts";
import { listActive } from "./deployment-store.ts";
import type { GateFacts } from "./evaluate-gates.ts";
import { findHold } from "./hold-store.ts";
import { succeededAndStayed } from "./promotion-store.ts";

/** Whose way into which environment is looked at. */
export interface GateQuestion {
  readonly environment: Environment;
  readonly target: Deployable;
  readonly kind: DeploymentKind;
  readonly byPerson: boolean;
  /** What the asker may do in the project. */
  readonly role: Role | null;
  /** What it finds in front of it; null: whose turn it is does not count. */
  readonly position: GateFacts["concurrency"] | null;
}

const FIRST: GateFacts["concurrency"] = { policy: "queue", busyWith: null, behind: 0 };

/** What all that go into an environment have in common. */
export interface PlaceFacts {
  readonly freezes: readonly Freeze[];
  /** The environment that comes first; null: no rule. */
  readonly first: Environment | null;
  readonly active: readonly Deployment[];
}

/** Reads it, in the caller's transaction. */
export async function loadPlaceFacts(tx: Context, environment: Environment): Promise<PlaceFacts> {
  const { id: environmentId, projectId, tier, promotionFromId } = environment;
  return {
    freezes: await listFreezesAbout(tx.db, { projectId, tier, environmentId }, tx.now()),
    first: promotionFromId === null ? null : await findEnvironmentById(tx.db, promotionFromId),
    active: await listActive(tx.db, environmentId),
  };
}

/** Reads all that the gates look at besides the place, once, in the caller's transaction. */
export async function loadGateFacts(
  tx: Context,
  question: GateQuestion,
  place: PlaceFacts,
): Promise<GateFacts> {
  const { environment, target, kind, byPerson, role, position } = question;
  const { id: environmentId, projectId, tier } = environment;
  const isRollback = kind === "rollback";
  return {
    target,
    mark: await findMark(tx.db, projectId, target.version),
    hold: isRollback ? null : await findHold(tx.db, environmentId, target.version),
    byPerson,
    promotion: isRollback ? null : await loadPromotion(tx, place, target),
    freezes: place.freezes,
    place: { projectId, tier, environmentId },
    concurrency: position ?? FIRST,
    role,
  };
}

async function loadPromotion(
  tx: Context,
  { first }: PlaceFacts,
  target: Deployable,
): Promise<GateFacts["promotion"]> {
  if (!first) return null;
  return { from: first.name, isDone: await succeededAndStayed(tx.db, first.id, target) };
}
