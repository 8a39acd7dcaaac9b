import type { SourceTarget } from "../source-host.ts";

/** Where git gets its certificates and its way out. */
export interface WayOut {
  readonly proxyUrl: string;
  /** A file of all certificates that are trusted. */
  readonly trustFile: string;
}

type Settings = Readonly<Record<string, string>>;

/** Nothing of the machine's or a user's settings counts, nobody is asked, and messages are in the form that we read. */
const BASE: Settings = {
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  // What a mirror lacks is asked for by us alone, and history is as the host tells it.
  GIT_NO_LAZY_FETCH: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_OPTIONAL_LOCKS: "0",
};

/** git-config(1). They outrank what a repository's own settings say. */
const NO_PROGRAMS: Settings = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.askPass": "",
  "credential.helper": "",
  "protocol.allow": "never",
  "submodule.recurse": "false",
  "fetch.recurseSubmodules": "false",
  "gc.autoDetach": "false",
  "maintenance.auto": "false",
  "init.defaultBranch": "main",
};

/** Objects come from the host itself, in packs that it sends, and over one form of HTTP. */
const ONE_SOURCE: Settings = {
  "http.followRedirects": "false",
  "http.sslVerify": "true",
  "http.version": "HTTP/1.1",
  "http.proxyAuthMethod": "basic",
  "http.emptyAuth": "false",
  "http.delegation": "none",
  "transfer.bundleURI": "false",
  "fetch.uriProtocols": "",
  // A look asks which commits lead to which: with this file that is quick in the longest history.
  "fetch.writeCommitGraph": "true",
  "fetch.showForcedUpdates": "false",
};

/** Settings by environment: what stands in an argument can be seen in every list of processes. */
function settingsByEnvironment(settings: Settings): Settings {
  const entries = Object.entries(settings);
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(entries.length) };
  for (const [at, [name, value]] of entries.entries()) {
    variables[`GIT_CONFIG_KEY_${at}`] = name;
    variables[`GIT_CONFIG_VALUE_${at}`] = value;
  }
  return variables;
}

/** The environment of a git that reads and tidies what is here: it can reach nobody. */
export const LOCAL_ENVIRONMENT: Settings = {
  ...BASE,
  GIT_ALLOW_PROTOCOL: "none",
  ...settingsByEnvironment(NO_PROGRAMS),
};

function authorization({ url, credentials }: SourceTarget): Settings {
  if (!credentials) return {};
  const basic = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
  return { [`http.${url.origin}/.extraHeader`]: `Authorization: Basic ${basic}` };
}

/** The environment of a git that fetches: it reaches this one host, through the guarded proxy. */
export function fetchEnvironment(target: SourceTarget, { proxyUrl, trustFile }: WayOut): Settings {
  const scheme = target.url.protocol.slice(0, -1);
  return {
    ...BASE,
    GIT_ALLOW_PROTOCOL: scheme,
    ...settingsByEnvironment({
      ...NO_PROGRAMS,
      ...ONE_SOURCE,
      ...authorization(target),
      [`protocol.${scheme}.allow`]: "always",
      "http.proxy": proxyUrl,
      "http.sslCAInfo": trustFile,
    }),
  };
}
