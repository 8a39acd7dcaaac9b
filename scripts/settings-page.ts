import { writeFile } from "node:fs/promises";
import { SETTINGS } from "../src/config.ts";

/** Writes docs/operate/settings.md from the settings that the program really reads. `npm run settings-page` */
const PAGE = new URL("../docs/operate/settings.md", import.meta.url);

const BEFORE = `# Settings

<!-- Made from src/config.ts by \`npm run settings-page\`; a test fails when the two differ. -->

\`serve\`, \`worker\` and \`migrate\` read their settings from the environment, and from nowhere else.
A variable that is empty counts as not set. A value that cannot be used stops the start with one line that names the
variable, and the program ends with status 1:

\`\`\`
headgate: HEADGATE_PORT must be a whole number from 0 to 65535
\`\`\`
`;

const AFTER = `
## What the command line reads

The client commands speak to a running server and read these instead:

| variable | default | meaning |
|---|---|---|
| \`HEADGATE_URL\` | the server of the last \`headgate login\`, else \`http://127.0.0.1:7420\` | where the server is |
| \`HEADGATE_TOKEN\` | the token that \`headgate login\` keeps | who you are; a kept token goes to no other server than its own |
| \`HEADGATE_PASSWORD\` | asked for on the terminal | the password of \`headgate login\` |
| \`HEADGATE_REGISTRY_PASSWORD\` | asked for on the terminal | the password of \`headgate registry add\` and \`change\` |
| \`HEADGATE_NEW_PASSWORD\` | none | the password of \`headgate user create\` and \`change\` |
| \`XDG_CONFIG_HOME\` | \`~/.config\` | \`headgate/profile.json\` below it keeps what \`login\` got, for its owner only |
| \`NO_COLOR\` | none | any value turns colours off |
`;

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);
const code = (text: string): string => (text === "" ? "none" : `\`${cell(text)}\``);

/** The page as it should be. */
export function settingsPage(): string {
  const rows = Object.values(SETTINGS).map(
    ({ variable, standard, meaning }) => `| ${code(variable)} | ${code(standard)} | ${cell(meaning)} |`,
  );
  return `${BEFORE}\n${["| variable | default | meaning |", "|---|---|---|", ...rows].join("\n")}\n${AFTER}`;
}

if (import.meta.main) await writeFile(PAGE, settingsPage());
