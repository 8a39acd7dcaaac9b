import type { Tables } from "./tables.ts";

const SQLITE_CODES = new Set(["SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"]);
const POSTGRES_CODE = "23505";

/**
 * Whether a statement failed because a row with these values is there already.
 * With a table, and with the columns of one of its unique constraints, only then.
 */
export function isUniqueViolation(
  error: unknown,
  table?: keyof Tables,
  columns?: readonly string[],
): boolean {
  const violated = violatedColumns(error);
  if (!violated) return false;
  if (table === undefined) return true;
  if (violated.table !== table) return false;
  return columns === undefined || sameNames(violated.columns, columns);
}

interface Violated {
  readonly table: string;
  readonly columns: readonly string[];
}

function violatedColumns(error: unknown): Violated | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  if (SQLITE_CODES.has(error.code)) return fromSqlite(error.message);
  return error.code === POSTGRES_CODE ? fromPostgres(error) : null;
}

/** SQLite names them in its message: `UNIQUE constraint failed: services.project_id, services.name`. */
function fromSqlite(message: string): Violated {
  const names = message.slice(message.indexOf(": ") + 2).split(", ");
  return { table: names[0]?.split(".")[0] ?? "", columns: names.map((name) => name.split(".")[1] ?? "") };
}

/** PostgreSQL names the columns in the detail: `Key (project_id, name)=(1, api) already exists.` */
function fromPostgres(error: Error & { readonly table?: unknown; readonly detail?: unknown }): Violated {
  const columns = /\(([^)]*)\)=\(/.exec(String(error.detail))?.[1] ?? "";
  return { table: String(error.table), columns: columns.split(", ").map((name) => name.replaceAll('"', "")) };
}

const sameNames = (left: readonly string[], right: readonly string[]): boolean =>
  left.toSorted().join() === right.toSorted().join();
