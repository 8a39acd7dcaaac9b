import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { type Configuration, ConfigurationFile, type FromEnvironment } from "../projects/configuration.ts";
import { CommandFailure, EXIT } from "./failure.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;

const unusable = (file: string, problems: readonly string[]): CommandFailure =>
  new CommandFailure(
    EXIT.failed,
    `${file} cannot be applied:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
  );

/**
 * The text of a headgate.yaml as the server takes it, with the secrets that it names from the environment.
 * Throws CommandFailure with line, column and path of what is wrong; never with a secret.
 */
export function readConfiguration(
  file: string,
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw unusable(file, ["It is larger than 1 MiB"]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  if (document.errors.length > 0)
    throw unusable(
      file,
      document.errors.map(({ pos, message }) => `${at(pos[0])}: ${message}`),
    );
  const result = ConfigurationFile.safeParse(contentOf(file, document));
  if (!result.success)
    throw unusable(
      file,
      result.error.issues.flatMap(wrongFields).map((field) => {
        const offset = offsetOf(document, field);
        const place = offset === null ? "" : `${at(offset)}: `;
        return place + [...(field.path.length > 0 ? [field.path.join(".")] : []), field.message].join(": ");
      }),
    );
  return withSecrets(file, result.data, environment);
}

function contentOf(file: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw unusable(file, [error instanceof Error ? error.message : String(error)]);
  }
}

interface WrongField {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly isUnknown: boolean;
}

const wrongFields = (issue: z.core.$ZodIssue): WrongField[] =>
  issue.code === "unrecognized_keys"
    ? issue.keys.map((key) => ({
        path: [...issue.path, key],
        message: "there is no such field",
        isUnknown: true,
      }))
    : [{ path: issue.path, message: issue.message, isUnknown: false }];

/** Where the field stands; where nobody expects it, its name; where it is missing, its nearest surroundings. */
function offsetOf(document: Document, { path, isUnknown }: WrongField): number | null {
  const [name] = path.slice(-1);
  const around = document.getIn(path.slice(0, -1), true);
  if (isUnknown && isMap(around)) {
    const key = around.items.map((pair) => pair.key).find((one) => isScalar(one) && one.value === name);
    if (isNode(key) && key.range) return key.range[0];
  }
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return null;
}

function withSecrets(
  file: string,
  content: ConfigurationFile,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  const problems: string[] = [];
  const secretOf = (place: string, source: FromEnvironment): string => {
    const secret = environment[source.fromEnv] ?? "";
    if (secret === "") problems.push(`${place}: the environment variable ${source.fromEnv} is not set`);
    return secret;
  };
  const filled = (place: string, source: FromEnvironment | null | undefined) =>
    source === undefined ? undefined : source && secretOf(place, source);
  const { projects, connections, users, freezes } = content;
  const configuration = {
    ...(projects && { projects }),
    ...(connections && {
      connections: connections.map(({ password, webhookSecret, ...entry }, index) => ({
        ...entry,
        password: filled(`connections.${index}.password`, password),
        webhookSecret: filled(`connections.${index}.webhookSecret`, webhookSecret),
      })),
    }),
    ...(users && {
      users: users.map(({ password, ...entry }, index) => ({
        ...entry,
        password: filled(`users.${index}.password`, password),
      })),
    }),
    ...(freezes && { freezes }),
  };
  if (problems.length > 0) throw unusable(file, problems);
  return configuration;
}
