import type { Migration } from "./migration.ts";
import { foundation } from "./migrations/0001-foundation.ts";
import { releases } from "./migrations/0002-releases.ts";
import { repositories } from "./migrations/0003-repositories.ts";
import { tasks } from "./migrations/0004-tasks.ts";
import { audit } from "./migrations/0005-audit.ts";
import { releaseLists } from "./migrations/0006-release-lists.ts";
import { referrers } from "./migrations/0007-referrers.ts";
import { progress } from "./migrations/0008-progress.ts";
import { atSize } from "./migrations/0009-at-size.ts";
import { environments } from "./migrations/0010-environments.ts";
import { deployments } from "./migrations/0011-deployments.ts";

/** Every migration, in the order in which they run. A landed one never changes. */
export const migrations: readonly Migration[] = [
  foundation,
  releases,
  repositories,
  tasks,
  audit,
  releaseLists,
  referrers,
  progress,
  atSize,
  environments,
  deployments,
];
