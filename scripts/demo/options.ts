import { parseArgs } from "node:util";
import { RegistryHost, RegistryNamespace } from "../../src/connections/connection.ts";
import type { RegistryAddress } from "./registry-client.ts";

/** What the command line asks for. */
export interface DemoOptions {
  readonly help: boolean;
  /** End after the last step instead of staying up. */
  readonly exit: boolean;
  /** Null: the registry inside the build server. */
  readonly source: RegistryAddress | null;
  /** Null: the registry inside the production server. */
  readonly target: RegistryAddress | null;
}

/** What --help prints. */
export const HELP = `npm run demo [-- options]

Starts two Headgate servers in a temporary directory and moves a release from the one to the other:
images are packed, pushed, pinned by digest, copied over HTTP, promoted, and checked; then both versions
are deployed, one fails and is rolled back, and a freeze says why nothing goes out. Takes seconds.
Afterwards both servers stay up, to be tried out, until Ctrl-C. Nothing is left behind.

  --exit                              stop when done; the status is 0 only when every check held
  --source-registry host[/namespace]  push the images to this registry, and copy from there
  --target-registry host[/namespace]  copy to this registry instead of production's own
                                      (without a namespace: headgate-demo)
  --source-user name                  sign in there; the password is in DEMO_SOURCE_PASSWORD
  --target-user name                  sign in there; the password is in DEMO_TARGET_PASSWORD
  --plain-http                        these registries speak http, not https
  --help                              show this`;

/** A mistake on the command line, in words for the person who made it. */
export class Misuse extends Error {
  override readonly name = "Misuse";
}

const FLAG = { type: "boolean", default: false } as const;
const TEXT = { type: "string" } as const;
/** Used where none is given: the root of somebody's registry stays as it is. */
const NAMESPACE = "headgate-demo";

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the command line. Throws Misuse. */
export function readOptions(args: readonly string[], environment: Environment): DemoOptions {
  const values = parse(args);
  const plainHttp = values["plain-http"];
  const source = values["source-registry"];
  const target = values["target-registry"];
  if (plainHttp && source === undefined && target === undefined)
    throw new Misuse("--plain-http is about --source-registry and --target-registry; neither is given");
  const read = (end: "source" | "target", text: string | undefined): RegistryAddress | null => {
    const user = values[`${end}-user`];
    const password = environment[`DEMO_${end.toUpperCase()}_PASSWORD`];
    if (text !== undefined)
      return { ...readAddress(end, text), plainHttp, credentials: readCredentials(end, user, password) };
    if (user !== undefined) throw new Misuse(`--${end}-user is about --${end}-registry, which is not given`);
    return null;
  };
  return {
    help: values.help,
    exit: values.exit,
    source: read("source", source),
    target: read("target", target),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: FLAG,
        exit: FLAG,
        "source-registry": TEXT,
        "target-registry": TEXT,
        "source-user": TEXT,
        "target-user": TEXT,
        "plain-http": FLAG,
      },
    }).values;
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}

function readAddress(end: string, text: string): Pick<RegistryAddress, "host" | "namespace"> {
  const [host = "", ...rest] = text.split("/");
  const namespace = rest.length === 0 ? NAMESPACE : rest.join("/");
  if (!RegistryHost.safeParse(host).success || !RegistryNamespace.safeParse(namespace).success)
    throw new Misuse(
      `--${end}-registry is "${text}"; it has the form host[:port][/namespace], in lower case, without http://`,
    );
  return { host, namespace: namespace === "" ? NAMESPACE : namespace };
}

function readCredentials(
  end: "source" | "target",
  username: string | undefined,
  password: string | undefined,
): RegistryAddress["credentials"] {
  if (username === undefined) return null;
  if (password === undefined || password === "")
    throw new Misuse(`--${end}-user needs its password in DEMO_${end.toUpperCase()}_PASSWORD`);
  return { username, password };
}
