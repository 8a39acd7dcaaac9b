import * as z from "zod";
import { createSourceHosts } from "../../src/connectors/source-hosts/git/git-source-hosts.ts";

/** Resolves one commit in a process of its own, and prints what came of it as a line of JSON. */
const Work = z.object({ directory: z.string(), url: z.string(), text: z.string() });

const { directory, url, text } = Work.parse(JSON.parse(process.argv[2] ?? ""));
const hosts = createSourceHosts({ directory });
const target = {
  name: "code",
  url: new URL(url),
  plainHttp: true,
  allowPrivate: true,
  caPem: null,
  credentials: null,
};
const found = await hosts.resolveCommit(target, text).catch((error: unknown) => ({ failed: String(error) }));
process.stdout.write(`${JSON.stringify(found)}\n`);
await hosts.close();
