import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { programScene } from "../../../../test/support/programs.ts";
import { temporaryDirectory } from "../../../../test/support/temporary-directory.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot && process.env["CI"]) throw new Error("Programs with a user of their own are tested as root");
const NOBODY = { uid: 65_534, gid: 65_533 };

describe.skipIf(!isRoot)("a program with a user of its own (needs root)", () => {
  it("runs as that user and group, reads its release file and no other run", async () => {
    const shared = await temporaryDirectory();
    const runsDirectory = join(shared.path, "runs");
    await chmod(shared.path, 0o711);
    const scene = await programScene(
      {
        who: { argv: ["/usr/bin/id"], ...NOBODY },
        reads: { argv: ["/bin/sh", "-c", 'cat "$HEADGATE_RELEASE_FILE"'], ...NOBODY },
        pries: {
          argv: [
            "/bin/sh",
            "-c",
            'cd "$HEADGATE_OTHER"; cat "$HEADGATE_OTHER"/*.json; cat "$HEADGATE_OTHER/log-0"; ls "$HEADGATE_OTHER/.."; exit 9',
          ],
          ...NOBODY,
        },
        kills: { argv: ["/bin/sh", "-c", "kill -9 $PPID; echo $?"], ...NOBODY },
        own: { script: "echo secret" },
      },
      { runsDirectory },
    );
    try {
      const [who, reads, own, kills] = ["who", "reads", "own", "kills"].map((name) => scene.request(name));
      if (!who || !reads || !own || !kills) throw new Error("no requests");
      for (const request of [who, reads, own, kills])
        expect(await scene.runToEnd(request)).toMatchObject({ state: "success" });
      expect(await scene.provider.readLog(who.id, 1000)).toMatch(
        /^uid=65534\S* gid=65533\S* groups=65533\S*\n$/,
      );
      expect(await scene.provider.readLog(reads.id, 1000)).toBe('{"version":"1.0.0"}\n');
      expect(await scene.provider.readLog(kills.id, 1000)).toMatch(/^1$/m);
      const pries = scene.request("pries", { HEADGATE_OTHER: join(runsDirectory, own.id) });
      expect(await scene.runToEnd(pries)).toMatchObject({
        state: "failure",
        text: expect.stringMatching(/^exit code 9/),
      });
      expect(await scene.provider.readLog(pries.id, 5000)).not.toMatch(/secret|"version"|"wrapper"|json$/m);
    } finally {
      await scene.remove();
      await shared.remove();
    }
  });

  it("is refused at the start when it could not get to its release file", async () => {
    await expect(programScene({ who: { argv: ["/usr/bin/id"], ...NOBODY } })).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringMatching(/^Program who runs as user 65534, who cannot get .* set runsDirectory/),
    });
  });

  it("passes through directories that are its own or its group's", async () => {
    const shared = await temporaryDirectory();
    try {
      for (const [folder, mode, uid, gid] of [
        ["own", 0o700, NOBODY.uid, 0],
        ["group", 0o710, 0, NOBODY.gid],
      ] as const) {
        const path = join(shared.path, folder);
        await mkdir(path);
        await chmod(path, mode);
        await chown(path, uid, gid);
        await chmod(shared.path, 0o711);
        const scene = await programScene(
          { reads: { argv: ["/bin/sh", "-c", 'cat "$HEADGATE_RELEASE_FILE"'], ...NOBODY } },
          { runsDirectory: join(path, "runs") },
        );
        expect(await scene.runToEnd(scene.request("reads"))).toMatchObject({ state: "success" });
        await scene.remove();
      }
    } finally {
      await shared.remove();
    }
  });
});
