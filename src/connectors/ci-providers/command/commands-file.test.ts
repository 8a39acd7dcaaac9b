import { chmod, chown, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { temporaryDirectory } from "../../../../test/support/temporary-directory.ts";
import { createCommandProvider } from "./command-provider.ts";
import { loadCommands } from "./commands-file.ts";

const isRoot = process.getuid?.() === 0;

let place: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  place = await temporaryDirectory();
});
afterAll(() => place.remove());

let count = 0;
async function fileWith(content: unknown, mode = 0o600): Promise<string> {
  count += 1;
  const path = join(place.path, `commands-${count}.yaml`);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  await chmod(path, mode);
  return path;
}

const withProgram = (program: unknown, name = "deploy") => ({ programs: { [name]: program } });

describe("the operator's file of programs", () => {
  it("is JSON or YAML, and what it leaves out has a default", async () => {
    const yaml = "programs:\n  deploy:\n    argv: [/opt/deploy, --fast]\n    environment: { PATH: /bin }\n";
    const { programs, runsDirectory } = await loadCommands(await fileWith(yaml));
    expect(runsDirectory).toBeNull();
    expect(programs.get("deploy")).toEqual({
      argv: ["/opt/deploy", "--fast"],
      workingDirectory: "/",
      environment: { PATH: "/bin" },
      timeoutMinutes: 60,
      logLimitBytes: 1_048_576,
    });
    const json = await loadCommands(await fileWith(withProgram({ argv: ["/opt/deploy"] }), 0o644));
    expect([...json.programs.keys()]).toEqual(["deploy"]);
  });

  it.for([
    ["no JSON or YAML", "programs: [", /is neither JSON nor YAML: .*line 1/],
    ["nothing", "", /is not usable/],
    ["a key twice", "programs: {}\nprograms: {}\n", /is neither JSON nor YAML/],
    ["aliases without end", `a: &a [1]\nb: [${"*a,".repeat(200)}]\n`, /neither JSON nor YAML|not usable/],
    ["an unknown field", { ...withProgram({ argv: ["/x"] }), shell: true }, /"shell"/],
    [
      "an unknown field of a program",
      withProgram({ argv: ["/x"], shell: true }),
      /programs.deploy: .*"shell"/,
    ],
    ["no argv", withProgram({}), /programs.deploy.argv/],
    ["an empty argv", withProgram({ argv: [] }), /programs.deploy.argv/],
    ["a command line", withProgram({ argv: "/bin/sh -c ls" }), /programs.deploy.argv/],
    [
      "a relative program",
      withProgram({ argv: ["deploy.sh"] }),
      /programs.deploy.argv.0: must be an absolute path/,
    ],
    ["a NUL", withProgram({ argv: ["/x", "a\0b"] }), /NUL/],
    ["a relative working directory", withProgram({ argv: ["/x"], workingDirectory: "." }), /absolute path/],
    ["a path as a name", withProgram({ argv: ["/x"] }, "../x"), /letters, digits/],
    ["a uid without a gid", withProgram({ argv: ["/x"], uid: 1000 }), /both of uid and gid/],
    ["root's uid", withProgram({ argv: ["/x"], uid: 0, gid: 0 }), /must not be root's/],
    ["a variable of ours", withProgram({ argv: ["/x"], environment: { HEADGATE_X: "1" } }), /Headgate's own/],
    ["a broken variable", withProgram({ argv: ["/x"], environment: { "A=B": "1" } }), /variable's name/],
    ["a number as a value", withProgram({ argv: ["/x"], environment: { A: 1 } }), /environment.A/],
    ["no time at all", withProgram({ argv: ["/x"], timeoutMinutes: 0 }), /timeoutMinutes/],
    ["a tiny log", withProgram({ argv: ["/x"], logLimitBytes: 10 }), /logLimitBytes/],
    ["more than 1 MiB", `# ${"x".repeat(1024 * 1024)}\nprograms: {}`, /larger than 1 MiB/],
  ] as const)("is refused in one line with %s", async ([, content, words]) => {
    const failure = await loadCommands(await fileWith(content)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "StartError", message: expect.stringMatching(words) });
    expect(String(failure)).not.toContain("\n");
  });

  it.for([0o620, 0o602, 0o666])("is refused when others can write it: mode %o", async (mode) => {
    await expect(loadCommands(await fileWith({ programs: {} }, mode))).rejects.toThrow("chmod go-w it");
  });

  it("is refused when it is not there, or is no file", async () => {
    await expect(loadCommands(join(place.path, "none"))).rejects.toThrow(/cannot be read: ENOENT/);
    await mkdir(join(place.path, "folder"));
    await expect(loadCommands(join(place.path, "folder"))).rejects.toThrow("is not a file");
  });

  it("is judged where a link leads to", async () => {
    const link = join(place.path, "link");
    await symlink(await fileWith({ programs: {} }, 0o666), link);
    await expect(loadCommands(link)).rejects.toThrow("chmod go-w it");
  });

  it("is refused when it belongs to another user", async () => {
    // Who is not root cannot give a file away, but finds one of root's wherever it may look; that one is trusted.
    const path = isRoot ? await fileWith({ programs: {} }) : "/etc/passwd";
    if (isRoot) await chown(path, 65_534, 65_534);
    const words = isRoot ? "belongs to another user" : "is not usable";
    await expect(loadCommands(path)).rejects.toThrow(words);
  });
});

describe("a program with a user of its own", () => {
  it("is refused by a server that is not root's", async () => {
    const path = await fileWith(withProgram({ argv: ["/x"], uid: 1000, gid: 1000 }));
    const uid = vi.spyOn(process, "getuid").mockReturnValue(process.getuid?.() || 1000);
    try {
      await expect(loadCommands(path)).rejects.toThrow(/programs.deploy.uid: only root can run programs/);
    } finally {
      uid.mockRestore();
    }
  });
});

describe("the directory of runs", () => {
  const commands = async (content: unknown) => loadCommands(await fileWith(content));

  it("is for the server's user alone, also when it was open before", async () => {
    const dataDirectory = join(place.path, "data-open");
    await mkdir(join(dataDirectory, "runs"), { recursive: true, mode: 0o777 });
    const provider = await createCommandProvider({
      commands: await commands({ programs: {} }),
      dataDirectory,
    });
    expect((await stat(provider.runsDirectory)).mode & 0o777).toBe(0o700);
    expect(provider.programs).toEqual([]);
  });

  it("is where the operator wants it", async () => {
    const runsDirectory = join(place.path, "elsewhere");
    const provider = await createCommandProvider({
      commands: await commands({ runsDirectory, programs: {} }),
      dataDirectory: join(place.path, "data-unused"),
    });
    expect(provider.runsDirectory).toBe(runsDirectory);
  });

  it("is refused where there cannot be one", async () => {
    const file = await fileWith({});
    await expect(
      createCommandProvider({ commands: await commands({ programs: {} }), dataDirectory: file }),
    ).rejects.toMatchObject({ name: "StartError", message: expect.stringContaining("cannot be used") });
  });
});
