import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CiProvider,
  FoundRun,
  RunReading,
  RunRequest,
} from "../../src/connectors/ci-providers/ci-provider.ts";
import { until } from "../support/programs.ts";

/** How a workflow of a fixture behaves: it ends well, it ends badly, or it runs until it is canceled. */
export type Behaviour = "succeeds" | "fails" | "runs";

/** A provider with real workflows behind it. Runs may need time, and go on by themselves. */
export interface CiFixture {
  readonly provider: CiProvider;
  /** A new request, with an id of its own, for a workflow that behaves so. */
  request(behaviour: Behaviour): RunRequest;
  /** A request that the provider refuses for good. */
  refused(): RunRequest;
  /** The name of a run in the provider's form that is not there. */
  readonly unknownRun: string;
  stop(): Promise<void>;
}

const NOBODY: ReadonlySet<string> = new Set();
const isOver = ({ state }: RunReading): boolean => state !== "queued" && state !== "running";

/** What every provider owes to those who start runs through it. */
export function ciProviderConformance(name: string, makeFixture: () => Promise<CiFixture>): void {
  describe(`the CI provider ${name}`, () => {
    let fixture: CiFixture;
    let provider: CiProvider;
    beforeAll(async () => {
      fixture = await makeFixture();
      ({ provider } = fixture);
    });
    afterAll(() => fixture.stop());

    /** Starts a run and finds out its name, as whoever must know it does. */
    async function begin(request: RunRequest): Promise<string> {
      const answer = await provider.start(request);
      if (answer.kind === "refused") throw new Error(`It was refused: ${answer.text}`);
      if (answer.kind === "started") return answer.run;
      return until(async () => {
        const found = await provider.find(request, NOBODY);
        return found.kind === "run" ? found.run : null;
      });
    }

    /** Who cannot find has found nothing. */
    const foundBy = async (request: RunRequest): Promise<FoundRun> =>
      provider.canFind ? provider.find(request, NOBODY) : { kind: "none" };

    const untilOver = (run: string, request: RunRequest): Promise<RunReading> =>
      until(async () => {
        const reading = await provider.read(run, request);
        return reading && isOver(reading) ? reading : null;
      });

    async function endNow(run: string, request: RunRequest): Promise<RunReading> {
      await provider.cancel(run, request, { force: false });
      return untilOver(run, request);
    }

    it("carries a workflow out that succeeds", async () => {
      const request = fixture.request("succeeds");
      const reading = await untilOver(await begin(request), request);
      expect(reading).toMatchObject({ state: "success", attempt: 1, isOurs: true });
      expect(reading.startedAt).toBeInstanceOf(Date);
      expect(reading.endedAt?.getTime()).toBeGreaterThanOrEqual(reading.startedAt?.getTime() ?? Infinity);
    });

    it("says what a person should know of one that fails", async () => {
      const request = fixture.request("fails");
      const reading = await untilOver(await begin(request), request);
      expect(reading).toMatchObject({ state: "failure", isOurs: true });
      expect(reading.text).not.toBe("");
    });

    it("shows a run that goes on as one that goes on, and ours", async () => {
      const request = fixture.request("runs");
      const run = await begin(request);
      const reading = await provider.read(run, request);
      expect(reading).toMatchObject({ isOurs: true, attempt: 1, endedAt: null });
      expect(["queued", "running"]).toContain(reading?.state);
      await endNow(run, request);
    });

    it("cancels a run, and says when there is nothing left to cancel", async () => {
      const request = fixture.request("runs");
      const run = await begin(request);
      expect(await provider.cancel(run, request, { force: false })).toBe("asked");
      expect(await untilOver(run, request)).toMatchObject({ state: "canceled", isOurs: true });
      expect(await provider.cancel(run, request, { force: false })).toBe("over");
      expect(await provider.cancel(run, request, { force: true })).toBe("over");
      expect(await provider.read(run, request)).toMatchObject({ state: "canceled" });
    });

    it("leaves a run that has ended as it ended, whoever wants to cancel it", async () => {
      const request = fixture.request("succeeds");
      const run = await begin(request);
      await untilOver(run, request);
      expect(await provider.cancel(run, request, { force: false })).toBe("over");
      expect(await provider.read(run, request)).toMatchObject({ state: "success" });
    });

    it("refuses what it can never carry out, and runs nothing", async () => {
      const request = fixture.refused();
      const answer = await provider.start(request);
      expect(answer).toMatchObject({ kind: "refused", text: expect.stringMatching(/./) });
      expect(await foundBy(request)).toEqual({ kind: "none" });
    });

    it("reads nothing of a run that is not there", async () => {
      expect(await provider.read(fixture.unknownRun, fixture.request("runs"))).toBeNull();
    });

    it("finds the same run as often as it is asked, by the request alone", async () => {
      if (!provider.canFind) return;
      const request = fixture.request("runs");
      const run = await begin(request);
      for (let times = 0; times < 3; times += 1)
        expect(await provider.find(request, NOBODY)).toMatchObject({ kind: "run", run });
      await endNow(run, request);
      expect(await provider.find(request, NOBODY)).toMatchObject({ kind: "run", run });
    });

    it("finds nothing for a request that was never sent, and no run that belongs to another", async () => {
      if (!provider.canFind) return;
      const request = fixture.request("runs");
      expect(await provider.find(request, NOBODY)).toEqual({ kind: "none" });
      const run = await begin(request);
      expect(await provider.find(request, new Set([run]))).toEqual({ kind: "none" });
      await endNow(run, request);
    });

    it("keeps two requests for one workflow apart", async () => {
      const requests = [fixture.request("runs"), fixture.request("runs")] as const;
      const runs = [await begin(requests[0]), await begin(requests[1])] as const;
      expect(runs[0]).not.toBe(runs[1]);
      await endNow(runs[0], requests[0]);
      expect(["queued", "running"]).toContain((await provider.read(runs[1], requests[1]))?.state);
      await endNow(runs[1], requests[1]);
    });

    it("does not take a run of another workflow for ours", async () => {
      const request = fixture.request("succeeds");
      const run = await begin(request);
      await untilOver(run, request);
      expect((await provider.read(run, fixture.request("fails")))?.isOurs).toBe(false);
    });

    it("runs once when it is started twice, where it says that it does", async () => {
      if (!provider.startRepeats) return;
      const request = fixture.request("runs");
      const run = await begin(request);
      expect(await provider.start(request)).toMatchObject({ kind: "started", run });
      await endNow(run, request);
      expect(await provider.start(request)).toMatchObject({ kind: "started", run });
      expect(await provider.read(run, request)).toMatchObject({ state: "canceled", attempt: 1 });
    });
  });
}
