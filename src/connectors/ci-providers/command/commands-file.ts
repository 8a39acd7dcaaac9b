import { open } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { parseDocument } from "yaml";
import * as z from "zod";
import { messageOf, StartError } from "../../../kernel/errors.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;
const OTHERS_WRITE = 0o022;
const MAX_ACCOUNT = 4_294_967_294;

/** Names under which a program gets what a workflow is told; nothing else may have them. */
export const INPUT_NAME = /^(?:HEADGATE|AVIATOR)_[A-Z0-9_]+$/;

const text = z
  .string()
  .min(1)
  .refine((value) => !value.includes("\0"), "must have no NUL in it");
const absolute = text.refine(isAbsolute, "must be an absolute path");
const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be a variable's name")
  .refine(
    (name) => !/^(?:HEADGATE|AVIATOR)_/.test(name),
    "must not begin with HEADGATE_ or AVIATOR_, which are Headgate's own",
  );

/** One program that the operator allows. */
export const Program = z
  .strictObject({
    /** Given to the system as it is: no shell, no search path. */
    argv: z.tuple(
      [absolute],
      z.string().refine((value) => !value.includes("\0"), "must have no NUL in it"),
    ),
    workingDirectory: absolute.default("/"),
    uid: z.int().min(1, "must not be root's").max(MAX_ACCOUNT).optional(),
    gid: z.int().min(1, "must not be root's").max(MAX_ACCOUNT).optional(),
    environment: z
      .record(
        variable,
        z.string().refine((value) => !value.includes("\0"), "must have no NUL in it"),
      )
      .default({}),
    timeoutMinutes: z.int().min(1).max(10_080).default(60),
    logLimitBytes: z
      .int()
      .min(4096)
      .max(64 * 1024 * 1024)
      .default(1024 * 1024),
  })
  .refine(
    ({ uid, gid }) => (uid === undefined) === (gid === undefined),
    "needs both of uid and gid, or none",
  );
export type Program = z.output<typeof Program>;

const ProgramName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "must be letters, digits, dots, dashes and underscores");

const CommandsFile = z.strictObject({
  /** Where runs are kept, instead of below the data directory. */
  runsDirectory: absolute.optional(),
  programs: z.record(ProgramName, Program),
});

/** What the operator allows to be run. */
export interface Commands {
  readonly runsDirectory: string | null;
  readonly programs: ReadonlyMap<string, Program>;
}

/** Reads the operator's file of programs (JSON or YAML). Throws StartError with one line that says what is wrong. */
export async function loadCommands(path: string): Promise<Commands> {
  const unusable = (what: string): StartError => new StartError(`The commands file ${path} ${what}`);
  if (process.platform === "win32") throw unusable("cannot be used: programs are not run on Windows");
  const result = CommandsFile.safeParse(parse(await readTrusted(path, unusable), unusable));
  if (!result.success) throw unusable(`is not usable: ${wordsFor(result.error.issues[0])}`);
  const programs = new Map(Object.entries(result.data.programs));
  for (const [name, { uid }] of programs) {
    if (uid !== undefined && process.getuid?.() !== 0)
      throw unusable(`is not usable: programs.${name}.uid: only root can run programs as another user`);
  }
  return { runsDirectory: result.data.runsDirectory ?? null, programs };
}

/** Where it is wrong, and why; of a wrong name, why that is. */
function wordsFor(issue: z.core.$ZodIssue | undefined): string {
  const message = issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message;
  return [issue?.path.join("."), message].filter(Boolean).join(": ");
}

/** The text of a file that nobody but root and the server's own user can have written. */
async function readTrusted(path: string, unusable: (what: string) => StartError): Promise<string> {
  const handle = await open(path, "r").catch((error: unknown) => {
    throw unusable(`cannot be read: ${messageOf(error)}`);
  });
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw unusable("is not a file");
    if (facts.uid !== 0 && facts.uid !== process.getuid?.())
      throw unusable("belongs to another user: it must belong to root or to the server's user");
    if ((facts.mode & OTHERS_WRITE) !== 0) throw unusable("can be written by other users: chmod go-w it");
    if (facts.size > MAX_FILE_BYTES) throw unusable("is larger than 1 MiB");
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function parse(content: string, unusable: (what: string) => StartError): unknown {
  const document = parseDocument(content, { prettyErrors: true, logLevel: "error" });
  const [broken] = document.errors;
  if (broken) throw unusable(`is neither JSON nor YAML: ${broken.message.split("\n")[0]?.replace(/:$/, "")}`);
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw unusable(`is neither JSON nor YAML: ${messageOf(error)}`);
  }
}
