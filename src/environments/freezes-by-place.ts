import type { Freeze, FreezeScope, FrozenPlace } from "./freeze.ts";

/** Finds the freezes about a place among many, without looking at each; for readers of many places. */
export function freezesByPlace(freezes: readonly Freeze[]): (place: FrozenPlace) => readonly Freeze[] {
  const byScope = Map.groupBy(freezes, ({ scope }) => keyOf(scope));
  return (place) => scopesOf(place).flatMap((scope) => byScope.get(keyOf(scope)) ?? []);
}

const scopesOf = ({ projectId, tier, environmentId }: FrozenPlace): readonly FreezeScope[] => [
  { level: "everything" },
  { level: "project", projectId },
  { level: "tier", tier, projectId: null },
  { level: "tier", tier, projectId },
  { level: "environment", projectId, environmentId },
];

function keyOf(scope: FreezeScope): string {
  switch (scope.level) {
    case "everything":
      return scope.level;
    case "project":
      return `project ${scope.projectId}`;
    case "tier":
      return `tier ${scope.tier} ${scope.projectId ?? ""}`;
    case "environment":
      return `environment ${scope.environmentId}`;
  }
}
