import { DomainError } from "./errors.ts";

/** Far deeper than anything a client has to say; keeps hostile nesting from exhausting the stack. */
const DEPTH_LIMIT = 64;
/** More than the largest release has; each costs time in which nobody else is served. */
const MEMBER_LIMIT = 500_000;

/** What is wrong with a value from outside, and where: `services.0.name`; empty: all of it. */
export interface StorageProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * What keeps a JSON value from being stored as it is. PostgreSQL has no U+0000 in its texts, and half a surrogate
 * pair has no form in UTF-8: one engine would refuse it, the other change it. Null: nothing.
 */
export const storageProblem = (value: unknown): StorageProblem | null =>
  problemAt(value, { path: [], seen: 0 });

/** Throws INPUT_INVALID for what `storageProblem` finds. */
export function requireStorable(value: unknown): void {
  const problem = storageProblem(value);
  if (problem === null) return;
  const text = problem.path === "" ? problem.message : `${problem.path}: ${problem.message}`;
  throw new DomainError("INPUT_INVALID", text, { problems: [text] });
}

interface Walk {
  readonly path: (string | number)[];
  seen: number;
}

function problemAt(value: unknown, walk: Walk): StorageProblem | null {
  if (typeof value === "string") return textProblem(value, walk);
  if (typeof value !== "object" || value === null) return null;
  if (walk.path.length >= DEPTH_LIMIT) return { path: placeOf(walk, 3), message: "is nested too deeply" };
  return Array.isArray(value) ? problemInList(value, walk) : problemInMembers(value, walk);
}

function problemInList(list: readonly unknown[], walk: Walk): StorageProblem | null {
  for (let index = 0; index < list.length; index += 1) {
    const problem = inside(walk, index, list[index]);
    if (problem) return problem;
  }
  return null;
}

function problemInMembers(value: object, walk: Walk): StorageProblem | null {
  const members = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(members)) {
    const problem = textProblem(key, walk) ?? inside(walk, key, members[key]);
    if (problem) return problem;
  }
  return null;
}

function inside(walk: Walk, key: string | number, member: unknown): StorageProblem | null {
  walk.seen += 1;
  if (walk.seen > MEMBER_LIMIT) return { path: "", message: `has more than ${MEMBER_LIMIT} values` };
  if (typeof member !== "string" && typeof member !== "object") return null;
  walk.path.push(key);
  const problem = problemAt(member, walk);
  walk.path.pop();
  return problem;
}

const placeOf = ({ path }: Walk, steps?: number): string => path.slice(0, steps).join(".");

function textProblem(text: string, walk: Walk): StorageProblem | null {
  if (text.includes("\0")) return { path: placeOf(walk), message: "must not hold the character U+0000" };
  if (text.isWellFormed()) return null;
  return { path: placeOf(walk), message: "must be well-formed: half a surrogate pair stands in it" };
}
