import type { Context } from "../context.ts";
import { changeProject } from "./change-project.ts";
import type { ConfiguredProject } from "./configuration.ts";
import { createProject } from "./create-project.ts";
import { ensureServices } from "./ensure-services.ts";
import { type ConfigurationStep, creation, fieldChanges } from "./plan-step.ts";
import { findProject } from "./project-store.ts";
import { knownServiceNames } from "./service-store.ts";

/** What is different in a project, and how it comes to be. */
export async function planProject(tx: Context, entry: ConfiguredProject): Promise<ConfigurationStep> {
  const { key, name, withReferrers } = entry;
  const services = [...new Set(entry.services)];
  const found = await findProject(tx.db, key);
  const known = found ? await knownServiceNames(tx.db, found.id, services) : new Set<string>();
  const thing = { action: found ? "change" : "create", kind: "project", name: key } as const;
  const changed = fieldChanges(thing, {
    name: [found?.name, name],
    withReferrers: [found?.withReferrers, withReferrers],
  });
  return {
    changes: [
      ...(found ? [] : [creation("project", key)]),
      ...changed,
      ...services
        .filter((service) => !known.has(service))
        .map((service) => creation("service", `${key}/${service}`)),
    ],
    replacedSecret: null,
    carryOut: async (own) => {
      const project = found
        ? await changeProject(own, { key, name, withReferrers })
        : await createProject(own, { key, name: name ?? key, withReferrers });
      await ensureServices(own, project.id, services);
    },
  };
}
