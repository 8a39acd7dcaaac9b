import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The name under which the server's operator allows the program. */
export const PROGRAM = "deploy";

/** In this demonstration an environment is a file: what the program was last told to run there. */
export interface LiveFolder {
  readonly path: string;
  /** What an environment runs: the JSON of a release, with its images by digest. */
  readonly read: (environment: string) => Promise<string>;
  /** From now on deployments to this environment fail, or succeed again. */
  readonly setBroken: (environment: string, broken: boolean) => Promise<void>;
}

const SCRIPT = `#!/bin/sh
set -eu
echo "bringing $HEADGATE_VERSION to $HEADGATE_ENVIRONMENT"
if [ -s "$LIVE/$HEADGATE_ENVIRONMENT.broken" ] && [ "$HEADGATE_IS_ROLLBACK" = false ]; then
  echo "2 of 3 replicas did not become ready"
  exit 1
fi
cp "$HEADGATE_RELEASE_FILE" "$LIVE/$HEADGATE_ENVIRONMENT.new"
mv "$LIVE/$HEADGATE_ENVIRONMENT.new" "$LIVE/$HEADGATE_ENVIRONMENT.json"
`;

/** Writes the program and the operator's file that allows it; the file's path is a setting of the server. */
export async function writeProgram(
  directory: string,
): Promise<{ readonly live: LiveFolder; readonly commandsFile: string }> {
  const path = join(directory, "live");
  await mkdir(path);
  const program = join(directory, "deploy.sh");
  await writeFile(program, SCRIPT);
  await chmod(program, 0o700);
  const programs = { [PROGRAM]: { argv: [program], environment: { PATH: "/usr/bin:/bin", LIVE: path } } };
  const commandsFile = join(directory, "commands.json");
  await writeFile(commandsFile, JSON.stringify({ programs }), { mode: 0o600 });
  const live: LiveFolder = {
    path,
    read: (environment) => readFile(join(path, `${environment}.json`), "utf8"),
    setBroken: (environment, broken) => writeFile(join(path, `${environment}.broken`), broken ? "yes\n" : ""),
  };
  return { live, commandsFile };
}
